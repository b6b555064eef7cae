"""What of appointments goes over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

LONGEST = timedelta(hours=24)
_SHORTEST = timedelta(minutes=5)

Note = Annotated[str, Field(max_length=2_000)]


class AppointmentOut(BaseModel):
    """An appointment; times are UTC."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    lead_id: UUID | None
    lead_name: str | None = None
    """Null where there is no lead; empty where the lead has no name."""
    call_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    state: str
    note: str
    version: int


class AppointmentsOut(BaseModel):
    """A page of appointments."""

    appointments: list[AppointmentOut]
    next_cursor: str | None
    """Asks for the page behind it; none: there are no more."""


class _Stretch(BaseModel):
    """When it is, five minutes at least and a day at most."""

    model_config = ConfigDict(extra="forbid")

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    outside_hours: bool = False
    """Book it also where the business does not work."""

    @model_validator(mode="after")
    def _is_a_stretch(self) -> _Stretch:
        if not _SHORTEST <= self.ends_at - self.starts_at <= LONGEST:
            raise ValueError("an appointment takes five minutes at least and a day at most")
        return self


class AppointmentIn(_Stretch):
    """A new appointment."""

    lead_id: UUID | None = None
    note: Note = ""


class AppointmentMove(_Stretch):
    """Another time for an appointment as it was read."""

    version: int
    note: Note | None = None
    """Null: it stays."""


class AppointmentCancel(BaseModel):
    """The end of an appointment as it was read."""

    model_config = ConfigDict(extra="forbid")

    version: int
