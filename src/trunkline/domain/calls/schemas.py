"""What of calls goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, computed_field

from trunkline.domain.calls.models import CallState
from trunkline.domain.calls.reading import leg_of


class CallFilter(BaseModel):
    """Which calls of the log are wanted: those that meet every condition that is given."""

    model_config = ConfigDict(extra="forbid")

    direction: Literal["inbound", "outbound"] | None = None
    state: list[CallState] = Field([], max_length=3)
    """One of these."""
    disposition: list[Annotated[str, Field(max_length=100)]] = Field([], max_length=50)
    """One of these outcomes."""
    agent_id: UUID | None = None
    lead_id: UUID | None = None
    run_id: UUID | None = None
    carrier: str | None = Field(None, max_length=40)
    number: str | None = Field(None, min_length=1, max_length=100)
    """How the other party's number begins or ends, in any way of writing; three digits or more."""
    created_from: AwareDatetime | None = None
    created_before: AwareDatetime | None = None
    booked: bool | None = None
    """Whether an appointment was made in it."""


class CallsQuery(CallFilter):
    """A page of them."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = None
    """The last answer's `next_cursor`; none: the first page."""


class CallOut(BaseModel):
    """A call of the log."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    carrier: str
    """By which carrier it goes; `browser` for one from the page."""
    carrier_sid: str
    direction: str
    ours: str
    theirs: str
    agent_id: UUID | None
    agent_version: int | None
    """Which version of the agent held it, from when the agent was on the line."""
    lead_id: UUID | None
    run_id: UUID | None
    state: str
    away: str | None
    """Why it goes on, or ended, without its agent: on hold, say, or with a colleague."""
    disposition: str | None
    end_reason: str | None
    answered_by: str | None
    """Who the carrier says has answered, where it was asked: human, machine, fax or unknown."""
    created_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    finalized_at: datetime | None
    booked_at: datetime | None
    """When an appointment was first made in it."""


class CallRow(CallOut):
    """A call of the log, and who it was with."""

    lead_name: str | None
    """None: there is no lead, or it has been deleted since."""
    agent_name: str | None
    recorded: bool
    """A recording of it is kept."""


class CallsOut(BaseModel):
    """A page of the call log."""

    calls: list[CallRow]
    next_cursor: str | None
    """Asks for the page behind it; none: there are no older calls."""


class CallEventOut(BaseModel):
    """One thing that happened in a call."""

    model_config = ConfigDict(from_attributes=True)

    sequence: int
    kind: str
    at: datetime
    data: dict[str, Any]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def leg(self) -> int:
        """In which stretch with the agent: each counts its turns from 1."""
        return leg_of(self.sequence)


class NotesIn(BaseModel):
    """What people write about a call, in place of what they have read."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=20_000)
    version: int = Field(ge=0, le=2**31 - 2)
    """Of the notes that were read."""


class NotesOut(BaseModel):
    """What people have written about a call."""

    text: str
    version: int
    by: str | None
    """Who has changed them last."""


class CallDetail(CallRow):
    """A call with all that happened in it."""

    notes: NotesOut
    run_title: str | None
    events: list[CallEventOut]
