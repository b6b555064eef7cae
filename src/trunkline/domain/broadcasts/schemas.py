"""What of broadcasts goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from trunkline.domain.broadcasts.options import BroadcastOptions
from trunkline.domain.leads.selection_schemas import WhomIn


class BroadcastIn(WhomIn):
    """A broadcast to be made, and whom it writes to."""

    title: str = Field(min_length=1, max_length=200)
    options: BroadcastOptions


class BroadcastPreviewIn(WhomIn):
    """A broadcast as it would be."""

    options: BroadcastOptions


class BroadcastSampleOut(BaseModel):
    """What one of them would read."""

    name: str
    text: str
    """The words, or in brackets why they would be skipped."""


class BroadcastPreviewOut(BaseModel):
    """What a broadcast would do."""

    people: int
    opted_out: int
    samples: list[BroadcastSampleOut]


class BroadcastScheduleIn(BaseModel):
    """When a broadcast starts by itself; null: it does not."""

    model_config = ConfigDict(extra="forbid")

    starts_at: AwareDatetime | None


class BroadcastProgressOut(BaseModel):
    """Exact counts of a broadcast's people; the others add up to `total`."""

    model_config = ConfigDict(from_attributes=True)

    total: int
    queued: int
    sending: int
    sent: int
    failed: int
    uncertain: int
    skipped: int
    cancelled: int


class BroadcastOut(BaseModel):
    """A broadcast and how far it is."""

    id: UUID
    title: str
    state: str
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    starts_at: datetime | None
    held_until: datetime | None
    hold_reason: str | None
    """Why it rests by itself until then."""
    options: BroadcastOptions
    progress: BroadcastProgressOut


class BroadcastDetailOut(BroadcastOut):
    """One broadcast, with what receipts tell of those that were sent."""

    delivered: int
    read: int


class BroadcastCancelOut(BaseModel):
    """What a cancel stopped, and what was on its way."""

    cancelled: int
    under_way: int


class BroadcastRecipientOut(BaseModel):
    """One person of a broadcast."""

    position: int
    lead_id: UUID | None
    name: str | None
    """Null: the lead has been deleted since."""
    address: str
    state: str
    reason: str | None
    message_id: UUID | None
    conversation_id: UUID | None
    message_state: str | None
    """How far the message got: `sent`, `delivered`, `read`..."""
    code: str | None
    """The provider's own, of a failure."""
    detail: str | None
    updated_at: datetime


class BroadcastRecipientsOut(BaseModel):
    """A page of people in their order."""

    recipients: list[BroadcastRecipientOut]
    next_cursor: int | None
