"""What of calls goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict


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
    disposition: str | None
    end_reason: str | None
    answered_by: str | None
    """Who the carrier says has answered, where it was asked: human, machine, fax or unknown."""
    created_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    finalized_at: datetime | None


class CallEventOut(BaseModel):
    """One thing that happened in a call."""

    model_config = ConfigDict(from_attributes=True)

    sequence: int
    kind: str
    at: datetime
    data: dict[str, Any]


class CallDetail(CallOut):
    """A call with all that happened in it."""

    transfers: bool
    """Whether its carrier can hand it on, hold it, send keys into it and speak a message."""
    conferences: bool
    """Whether a colleague can be asked first."""
    events: list[CallEventOut]
