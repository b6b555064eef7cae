"""What of call control goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from trunkline.domain.control.rules import SUMMARY_MOST


class ControlOut(BaseModel):
    """One act of control of a call."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    call_id: UUID
    verb: str
    state: str
    target: str | None
    actor: str
    data: dict[str, Any]
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
