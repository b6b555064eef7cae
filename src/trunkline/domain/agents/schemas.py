"""What of agents goes over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

VoiceName = Annotated[str, StringConstraints(pattern=r"^[\w+ ./-]+$", max_length=100)]


class VoiceOptions(BaseModel):
    """How an agent sounds. What is not given follows from its language and the speech provider."""

    model_config = ConfigDict(extra="forbid")

    language: str | None = Field(None, pattern=r"^[a-z]{2,3}(-[a-z0-9]{2,8})*$", max_length=35)
    """Of the voice, where it is not the agent's own: `en-gb`."""
    name: VoiceName | None = None
    """The speech provider's own name of a voice."""
    provider: str | None = Field(None, max_length=40)
    """Who speaks, of the speech providers of this installation; the usual one if it is not given."""
    names: dict[str, VoiceName] | None = None
    """The voice's name at other providers, by theirs: they speak where the first one cannot."""
    words_per_minute: int | None = Field(None, ge=80, le=400)


class AgentIn(BaseModel):
    """An agent as its form sends it."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    language: str = "en"
    greeting: str = ""
    instructions: str = ""
    script: dict[str, Any] | None = None
    brain: str = "scripted"
    voice: VoiceOptions = Field(default_factory=VoiceOptions)
    tools: list[str] = Field(default_factory=list)
    transfer_to: list[str] = Field(default_factory=list, max_length=200)
    """Extensions of the business and numbers that it may hand calls to."""


class AgentOut(AgentIn):
    """An agent."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    warnings: list[str] = Field(default_factory=list)
    """Why it would not work as it is, a sentence each; it is kept all the same."""


class AgentChange(BaseModel):
    """The fields of an agent that change."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, min_length=1, max_length=200)
    language: str | None = None
    greeting: str | None = None
    instructions: str | None = None
    script: dict[str, Any] | None = None
    brain: str | None = None
    voice: VoiceOptions | None = None
    tools: list[str] | None = None
    transfer_to: list[str] | None = Field(None, max_length=200)
