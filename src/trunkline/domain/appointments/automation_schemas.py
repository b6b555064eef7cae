"""What of automations, and of customers' links, goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from trunkline.core import times
from trunkline.domain.appointments.automation_models import Moment, Unit
from trunkline.domain.appointments.schemas import Name
from trunkline.domain.tenants.schemas import Clock

Subject = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=4_000)]
Amount = Annotated[int, Field(ge=0)]
ChannelName = Annotated[str, Field(max_length=20)]
Secret = Annotated[str, Field(min_length=1, max_length=200)]


class AutomationOut(BaseModel):
    """An automation of the business."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    moment: Moment
    amount: int
    unit: Unit
    channel: str
    calendar_id: UUID | None
    agent_id: UUID | None
    from_number: str | None
    subject: str
    text: str
    quiet_from: str | None
    quiet_until: str | None
    active: bool
    version: int


class ChannelOut(BaseModel):
    """One way to reach people."""

    name: str
    lacks: str | None
    """Why it cannot be used here: `no_mail`, `no_provider`; null: it can."""


class WordsOut(BaseModel):
    """What is written at a moment where a business says nothing of its own."""

    moment: Moment
    subject: str
    text: str


class AutomationsOut(BaseModel):
    """All automations, and what one is made of."""

    automations: list[AutomationOut]
    channels: list[ChannelOut]
    words: list[WordsOut]
    """In the business's language."""
    facts: list[str]
    """What may stand in braces."""


class _AutomationFields(BaseModel):
    """What of an automation may be missing, new or not."""

    model_config = ConfigDict(extra="forbid")

    calendar_id: UUID | None = None
    agent_id: UUID | None = None
    from_number: Annotated[str, Field(max_length=20)] | None = None
    quiet_from: Clock | None = None
    quiet_until: Clock | None = None


class AutomationIn(_AutomationFields):
    """A new automation."""

    name: Name
    moment: Moment
    amount: Amount = 0
    unit: Unit = Unit.MINUTES
    channel: ChannelName
    subject: Subject = ""
    text: Text = ""
    active: bool = True


class AutomationChange(_AutomationFields):
    """What changes of an automation as it was read; what is not named stays."""

    version: int
    name: Name | None = None
    moment: Moment | None = None
    amount: Amount | None = None
    unit: Unit | None = None
    channel: ChannelName | None = None
    subject: Subject | None = None
    text: Text | None = None
    active: bool | None = None

    def said(self) -> dict[str, Any]:
        """Return what was named."""
        return self.model_dump(exclude_unset=True, exclude={"version"})


class SendingOut(BaseModel):
    """One thing that was or will be sent about an appointment."""

    id: UUID
    automation: str
    state: str
    reason: str | None
    due_at: datetime
    done_at: datetime | None
    run_id: UUID | None


class SendingsOut(BaseModel):
    """What was and will be sent about an appointment, the newest first."""

    sendings: list[SendingOut]


class LinkOut(BaseModel):
    """Where a person moves or cancels their appointment."""

    link: str


class FeedOut(BaseModel):
    """The address at which programs read a calendar; null: there is none."""

    address: str | None


class SecretIn(BaseModel):
    """The link that somebody was sent."""

    model_config = ConfigDict(extra="forbid")

    secret: Secret


class MineOut(BaseModel):
    """An appointment as its person sees it; times are UTC."""

    model_config = ConfigDict(from_attributes=True)

    standing: str
    """`open`, `too_late` (it begins too soon to be changed here), `over` or `cancelled`."""
    starts_at: datetime
    ends_at: datetime
    visit: str
    version: int
    business: str
    language: str
    time_zone: str


class MineSlotsIn(SecretIn):
    """Which days are asked for, local; none: whatever is next."""

    first: Annotated[times.Day | None, Field(alias="from")] = None
    last: Annotated[times.Day | None, Field(alias="to")] = None


class MineMove(SecretIn):
    """Another time for an appointment as it was read."""

    starts_at: times.Moment
    version: int


class MineCancel(SecretIn):
    """The end of an appointment as it was read."""

    version: int
