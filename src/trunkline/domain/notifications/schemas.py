"""What of notifications goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from trunkline.domain.notifications.rules import MOST_AHEAD

Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Minutes = Annotated[int, Field(ge=0, le=MOST_AHEAD)]
Kinds = Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=50)]


class NotificationOut(BaseModel):
    """Something that one was told: a code and facts, of which the page makes words."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str
    data: dict[str, Any]
    created_at: datetime
    read_at: datetime | None


class NotificationsOut(BaseModel):
    """A page of an inbox, newest first."""

    notifications: list[NotificationOut]
    next_cursor: str | None


class UnreadOut(BaseModel):
    """How many one has not read; more than a hundred are not counted."""

    unread: int


class ReadIn(BaseModel):
    """Whether one has read it; false: it is to be seen again."""

    model_config = ConfigDict(extra="forbid")

    read: bool = True


class QuietIn(BaseModel):
    """From one local time to another, over midnight where the end is earlier."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_: Clock = Field(alias="from")
    to: Clock


class QuietHoursBody(BaseModel):
    """When the business's people are not disturbed; null: there is no such time."""

    model_config = ConfigDict(extra="forbid")

    quiet: QuietIn | None


class WaysBody(BaseModel):
    """How one is told things of a kind."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    page: bool
    push: bool
    email: bool


class KindOut(WaysBody):
    """A kind of thing that one is told, and how."""

    kind: str


class ChoicesOut(BaseModel):
    """What one has chosen to be told, how, how early and when not."""

    kinds: list[KindOut]
    ahead: list[int]
    """How many minutes before something one is reminded of it."""
    own_quiet: bool
    """False: the business's quiet hours are one's own."""
    quiet: QuietIn | None
    """One's own hours, or the business's."""
    has_mail: bool
    """Whether this installation sends letters at all."""


class ChoicesIn(BaseModel):
    """All of what one chooses."""

    model_config = ConfigDict(extra="forbid")

    kinds: Annotated[dict[Annotated[str, Field(max_length=60)], WaysBody], Field(max_length=50)]
    ahead: Annotated[list[Minutes], Field(max_length=5)]
    own_quiet: bool = False
    quiet: QuietIn | None = None


class PushKeyOut(BaseModel):
    """What a browser is given to subscribe with: base64url."""

    public_key: str


class DeviceKeys(BaseModel):
    """As a browser's subscription has them: base64url."""

    model_config = ConfigDict(extra="forbid")

    p256dh: str = Field(max_length=200)
    auth: str = Field(max_length=100)


class DeviceIn(BaseModel):
    """A browser's subscription."""

    model_config = ConfigDict(extra="forbid")

    endpoint: str = Field(max_length=2_000)
    keys: DeviceKeys
    name: str = Field("", max_length=200)
    kinds: Kinds | None = None
    """What it is told; null: everything."""


class DeviceChange(BaseModel):
    """What a device is told; null: everything."""

    model_config = ConfigDict(extra="forbid")

    kinds: Kinds | None


class DeviceOut(BaseModel):
    """One of one's devices. Its address at the push service is not shown, but as a fingerprint."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    kinds: list[str] | None
    endpoint_hash: str
    """SHA-256 of its address, by which a browser knows itself."""
    created_at: datetime
    told_at: datetime | None


class DevicesOut(BaseModel):
    """One's devices; there are never more than are shown at once."""

    devices: list[DeviceOut]
