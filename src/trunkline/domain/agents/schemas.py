"""What of agents goes over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class AgentIn(BaseModel):
    """An agent as its form sends it."""

    name: str = Field(min_length=1, max_length=200)
    language: str = "en"
    greeting: str = ""
    instructions: str = ""
    script: dict[str, Any] | None = None
    brain: str = "scripted"
    voice: dict[str, Any] = Field(default_factory=dict)
    tools: list[str] = Field(default_factory=list)


class AgentOut(AgentIn):
    """An agent."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID


class AgentChange(BaseModel):
    """The fields of an agent that change."""

    name: str | None = Field(None, min_length=1, max_length=200)
    language: str | None = None
    greeting: str | None = None
    instructions: str | None = None
    script: dict[str, Any] | None = None
    brain: str | None = None
    voice: dict[str, Any] | None = None
    tools: list[str] | None = None
