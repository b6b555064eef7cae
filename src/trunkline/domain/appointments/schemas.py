"""What of appointments and calendars goes over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from trunkline.core.times import Day, Moment
from trunkline.domain.appointments.booking import Wish
from trunkline.domain.tenants.calling_rules import Weekday
from trunkline.domain.tenants.schemas import Clock, ClockOrEnd

LONGEST = timedelta(hours=24)
_SHORTEST = timedelta(minutes=5)
_MOST_STRETCHES = 8

Note = Annotated[str, Field(max_length=2_000)]
Visit = Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)]
Colour = Literal[
    "gray", "red", "pink", "grape", "violet", "indigo", "blue", "cyan", "teal", "green", "lime", "yellow",
    "orange",
]  # fmt: skip
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class AppointmentOut(BaseModel):
    """An appointment; times are UTC."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    calendar_id: UUID
    lead_id: UUID | None
    lead_name: str | None = None
    """Null where there is no lead; their number where the lead has no name."""
    call_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    state: str
    visit: str
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

    starts_at: Moment
    ends_at: Moment
    outside_hours: bool = False
    """Book it also where the calendar is not open, or not to be booked any more."""
    beside: bool = False
    """Book it also where the same lead has another appointment at that time."""
    calendar_id: UUID | None = None

    @model_validator(mode="after")
    def _is_a_stretch(self) -> _Stretch:
        if not _SHORTEST <= self.ends_at - self.starts_at <= LONGEST:
            raise ValueError("an appointment takes five minutes at least and a day at most")
        return self

    @property
    def wish(self) -> Wish:
        return Wish(self.starts_at, self.ends_at, outside_hours=self.outside_hours, beside=self.beside)


class AppointmentIn(_Stretch):
    """A new appointment; without a calendar, in the default one."""

    lead_id: UUID | None = None
    visit: Visit = ""
    note: Note = ""


class AppointmentMove(_Stretch):
    """Another time for an appointment as it was read; without a calendar it stays in its own."""

    version: int
    visit: Visit | None = None
    """Null: it stays."""
    note: Note | None = None
    """Null: it stays."""


class AppointmentCancel(BaseModel):
    """The end of an appointment as it was read."""

    model_config = ConfigDict(extra="forbid")

    version: int


class AppointmentMark(BaseModel):
    """Whether the person came."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["booked", "arrived", "no_show"]
    """`booked` takes back what was said."""
    version: int


class SlotOut(BaseModel):
    """A time that nobody holds; UTC."""

    model_config = ConfigDict(from_attributes=True)

    calendar_id: UUID
    starts_at: datetime
    ends_at: datetime


class SlotsOut(BaseModel):
    """What is free, the earliest first."""

    slots: list[SlotOut]


class DaysOff(BaseModel):
    """Days on which nobody works, both included."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_: Day = Field(alias="from")
    to: Day
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""

    @model_validator(mode="after")
    def _has_a_length(self) -> DaysOff:
        if self.to < self.from_:
            raise ValueError("`from` must not come after `to`")
        return self


class CalendarOut(BaseModel):
    """A calendar of the business."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    colour: str
    position: int
    is_default: bool
    active: bool
    working_hours: dict[str, Any] | None
    """Null: the business's own."""
    slot_minutes: int | None
    """Null: the business's own."""
    buffer_before: int
    buffer_after: int
    notice_minutes: int
    ahead_days: int
    days_off: list[Any]
    public_holidays: bool
    agent_ids: list[UUID]
    lead_tags: list[str]
    visits: list[str]
    version: int


class CalendarsOut(BaseModel):
    """All calendars of the business, in their order."""

    calendars: list[CalendarOut]


class _CalendarFields(BaseModel):
    """What of a calendar is set by people."""

    model_config = ConfigDict(extra="forbid")

    active: bool = True
    working_hours: dict[Weekday, list[tuple[Clock, ClockOrEnd]]] | None = None
    slot_minutes: int | None = Field(None, ge=15, le=240)
    buffer_before: int = Field(0, ge=0, le=240)
    buffer_after: int = Field(0, ge=0, le=240)
    notice_minutes: int = Field(0, ge=0, le=90 * 24 * 60)
    ahead_days: int = Field(365, ge=1, le=730)
    days_off: list[DaysOff] = Field(default_factory=list, max_length=200)
    public_holidays: bool = False
    agent_ids: list[UUID] = Field(default_factory=list, max_length=200)
    lead_tags: list[Tag] = Field(default_factory=list, max_length=50)
    visits: list[Name] = Field(default_factory=list, max_length=50)

    @model_validator(mode="after")
    def _has_stretches_in_order(self) -> _CalendarFields:
        for stretches in (self.working_hours or {}).values():
            if len(stretches) > _MOST_STRETCHES:
                raise ValueError(f"a day has {_MOST_STRETCHES} stretches of work at most")
            edges = [edge for stretch in stretches for edge in stretch]
            if edges != sorted(edges) or any(opens == closes for opens, closes in stretches):
                raise ValueError("a day's stretches of work stand in order and do not overlap")
        return self

    def said(self) -> dict[str, Any]:
        """Return what was named, as it is kept."""
        return self.model_dump(
            mode="json", by_alias=True, exclude_unset=True, exclude={"version", "name", "colour"}
        ) | self.model_dump(include={"name", "colour"}, exclude_unset=True)


class CalendarIn(_CalendarFields):
    """A new calendar."""

    name: Name
    colour: Colour = "teal"


class CalendarChange(_CalendarFields):
    """What changes of a calendar as it was read; what is not named stays."""

    version: int
    name: Name = ""
    colour: Colour = "teal"
