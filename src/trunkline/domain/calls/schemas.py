"""What of calls goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, computed_field

from trunkline.domain.calls.reading import leg_of


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
    lead_id: UUID | None
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


class CallsOut(BaseModel):
    """A page of the call log."""

    calls: list[CallOut]
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


class CallDetail(CallOut):
    """A call with all that happened in it."""

    events: list[CallEventOut]
