"""What of call control goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from trunkline.domain.control.rules import SUMMARY_MOST


class ControlData(BaseModel):
    """What else belongs to an act, as far as it is the business's to know.

    What the row keeps for the carrier stays there: the colleague's leg, the address of a recording, which
    nobody here can open.
    """

    label: str | None = None
    """The colleague, by name or number."""
    summary: str | None = None
    digits: str | None = None
    message: str | None = None
    times: int | None = None
    """How often the music of a hold is played; 0 or none: until it is resumed."""
    at: datetime | None = None
    """When the caller is called back."""
    stage: str | None = None
    """The step that a warm transfer has come to."""
    status: str | None = None
    """How the dialled colleague's leg ended."""
    duration_s: int | None = None
    """Length of the talk with the colleague, or of the caller's message."""
    why: str | None = None
    """Why it failed."""
    doubt: str | None = None
    """The carrier's words where nobody knows whether it was done."""


class ControlOut(BaseModel):
    """One act of control of a call."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    call_id: UUID
    verb: str
    state: str
    target: str | None
    actor: str
    data: ControlData
    created_at: datetime
    settled_at: datetime | None


class TransferIn(BaseModel):
    """Whom a call is handed to."""

    model_config = ConfigDict(extra="forbid")

    to: str = Field(min_length=1, max_length=100)
    """An extension of the business, a colleague's name, or a telephone number."""


class WarmTransferIn(TransferIn):
    """Whom a call is handed to, and what they hear of it before they take it."""

    summary: str = Field("", max_length=SUMMARY_MOST)


class DigitsIn(BaseModel):
    """Keys to be sent down the line."""

    model_config = ConfigDict(extra="forbid")

    digits: str = Field(pattern=r"^[0-9*#wW]{1,64}$")


class MessageIn(BaseModel):
    """A message to be spoken, after which the call ends."""

    model_config = ConfigDict(extra="forbid")

    message: str = Field(min_length=1, max_length=1000)
