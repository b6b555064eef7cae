"""What of agents goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Body = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
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


class AgentContent(BaseModel):
    """What people write of an agent."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    name: str = Field(min_length=1, max_length=200)
    language: str = "en"
    greeting: str = ""
    instructions: str = ""
    script: dict[str, Any] | None = None
    brain: str = "scripted"
    voice: VoiceOptions = Field(default_factory=VoiceOptions)
    tools: list[str] = Field(default_factory=list, max_length=100)
    transfer_to: list[str] = Field(default_factory=list, max_length=200)
    """Extensions of the business and numbers that it may hand calls to."""


class AgentIn(AgentContent):
    """An agent as its form sends it."""

    greeting: str = Field("", max_length=2_000)
    instructions: str = Field("", max_length=100_000)
    note: Note = ""
    """Why it is made, for the list of its versions."""


class AgentChange(BaseModel):
    """The fields of an agent that change."""

    model_config = ConfigDict(extra="forbid")

    version: int | None = Field(None, ge=1)
    """The version that the changes were made on; if another one stands, they are refused as `outdated`."""
    note: Note = ""
    """Why, for the list of versions."""
    name: str | None = Field(None, min_length=1, max_length=200)
    language: str | None = None
    greeting: str | None = Field(None, max_length=2_000)
    instructions: str | None = Field(None, max_length=100_000)
    script: dict[str, Any] | None = None
    brain: str | None = None
    voice: VoiceOptions | None = None
    tools: list[str] | None = Field(None, max_length=100)
    transfer_to: list[str] | None = Field(None, max_length=200)


class AgentWarning(BaseModel):
    """Why an agent would not work as it is; it is kept all the same."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    field: str
    """The agent's field that it belongs to, or `knowledge`."""
    message: str
    names: list[str]
    """What it is about."""


class AgentFault(BaseModel):
    """What keeps an agent from being saved."""

    model_config = ConfigDict(from_attributes=True)

    path: str
    """Names joined by dots, from the agent's field on."""
    code: str
    fault: str
    names: list[str]
    """What it is about."""


class AgentRow(BaseModel):
    """An agent as a list shows it."""

    id: UUID
    name: str
    language: str
    brain: str
    version: int
    archived_at: datetime | None
    saved_by: str
    saved_at: datetime
    numbers: list[str]
    """The business's numbers that it answers, E.164."""
    warnings: list[AgentWarning]


class AgentOut(AgentContent, AgentRow):
    """An agent, as it is now."""


class Examination(BaseModel):
    """What would come of saving an agent like this."""

    faults: list[AgentFault]
    """Keep it from being saved."""
    warnings: list[AgentWarning]
    """Told where there are no faults."""


class VersionRow(BaseModel):
    """A version of an agent as a list shows it."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    changed: list[str]
    """The fields that differ from the version before."""
    restored_from: int | None
    note: str
    saved_by: str
    saved_at: datetime


class VersionsOut(BaseModel):
    """A page of an agent's versions, newest first."""

    versions: list[VersionRow]
    next_cursor: str | None


class DifferenceOut(BaseModel):
    """One place where two versions differ."""

    model_config = ConfigDict(from_attributes=True)

    path: list[str]
    before: Any
    after: Any


class VersionOut(VersionRow):
    """A version with its content, and what differs from another one."""

    content: AgentContent
    against: int | None
    """The version that it is compared with."""
    differences: list[DifferenceOut]


class RestoreIn(BaseModel):
    """Which version an agent is to be again."""

    model_config = ConfigDict(extra="forbid")

    number: int = Field(ge=1)
    version: int = Field(ge=1)
    """The one that stands, as far as whoever asks knows."""
    note: Note = ""


class KnowledgeIn(BaseModel):
    """Something that agents are to know."""

    model_config = ConfigDict(extra="forbid")

    title: Title
    text: Body
    agent_id: UUID | None = None
    """Whose it is; none: all agents know it."""


class KnowledgeChange(BaseModel):
    """What changes of a text."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1)
    """The one that the changes were made on."""
    title: Title | None = None
    text: Body | None = None
    agent_id: UUID | None = None


class KnowledgeRow(BaseModel):
    """A text as a list shows it."""

    id: UUID
    title: str
    agent_id: UUID | None
    characters: int
    told: int | None
    """How many of them the agent is told at the beginning of a call, where the list is an agent's."""
    version: int
    saved_by: str
    saved_at: datetime


class KnowledgeListOut(BaseModel):
    """The texts of a business, or those that one agent knows, in the order in which it is told them."""

    texts: list[KnowledgeRow]
    told_at_most: int
    """Characters that an agent is told of all of them."""


class KnowledgeOut(BaseModel):
    """A text."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    title: str
    text: str
    agent_id: UUID | None
    version: int
    saved_by: str
    saved_at: datetime
