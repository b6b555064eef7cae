"""The AI agent's door to appointments: for the person on the line, and nobody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, model_validator
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound, SlotTaken
from trunkline.core.times import Day
from trunkline.core.toolbox import Kind, ToolCaller, tool
from trunkline.domain.appointments import booking, rules, service
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.leads import service as leads
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Visit = Annotated[str, Field(max_length=60, description="The kind of visit, where the business has several.")]

Clock: TypeAlias = time
"""By other names: the models below have fields called so."""

_FURTHEST_RANGE = timedelta(days=62)


class _Day(BaseModel):
    """A day: a weekday, which means the next one after today, or a date."""

    weekday: Weekday | None = Field(None, description="The next such day after today.")
    date: Day | None = None


class SlotsWish(_Day):
    """A day, a stretch of days, or, without either, whatever is free next."""

    until: Day | None = Field(None, description="The last day of a stretch that begins on `date`.")
    at_most: Annotated[int, Field(ge=1, le=50)] = 20
    visit: Visit = ""


class SlotWish(_Day):
    """A day and a local time."""

    time: Clock
    visit: Visit = ""
    note: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _names_a_day(self) -> SlotWish:
        if self.weekday is None and self.date is None:
            raise ValueError("say a weekday or a date")
        return self


class MoveWish(_Day):
    """Where an appointment is moved to."""

    time: Clock
    appointment_id: UUID | None = Field(None, description="Needed only where the person has several.")

    @model_validator(mode="after")
    def _names_a_day(self) -> MoveWish:
        if self.weekday is None and self.date is None:
            raise ValueError("say a weekday or a date")
        return self


class WhichWish(BaseModel):
    """One of the person's appointments."""

    appointment_id: UUID | None = Field(None, description="Needed only where the person has several.")


class NothingSaid(BaseModel):
    """No arguments."""


@tool(
    "find_free_slots",
    description="List free times: of the next such weekday, of a date, of a stretch of days, or, if no day "
    "is said, the next ones there are. Only times from here may be offered.",
    arguments=SlotsWish,
    kind=Kind.READS,
)
def find_free_slots(session: Session, caller: ToolCaller, wish: SlotsWish) -> Mapping[str, Any]:
    """Say what is free; the prompt is never trusted to know."""
    business = tenants.get_business(session, caller.business_id)
    chosen = service.open_to(
        session, business, agent_id=caller.agent_id, lead_id=_known_lead(session, caller), visit=wish.visit
    )
    first = _day(business, wish) if wish.weekday or wish.date else _today(business)
    last = wish.until if wish.until else first if wish.weekday or wish.date else None
    if last is not None and not first <= last <= first + _FURTHEST_RANGE:
        raise InvalidInput(
            "A stretch of days ends after it begins, and within two months.", reason="bad_range"
        )
    found = service.free_slots(session, business, chosen, first=first, last=last, limit=wish.at_most)
    return _spoken_slots(business, [slot.starts_at for slot in found])


@tool(
    "book_appointment",
    description="Book a free time for the person on the line: a weekday or date, and a local time.",
    arguments=SlotWish,
)
def book_appointment(session: Session, caller: ToolCaller, wish: SlotWish) -> Mapping[str, Any]:
    """Book for the person on the line."""
    business = tenants.get_business(session, caller.business_id)
    with _Spoken(business):
        appointment = service.book(
            session, business, lead_id=_lead_of(session, caller), call_id=caller.call_id,
            agent_id=caller.agent_id, day=_day(business, wish), at=wish.time, visit=wish.visit,
            note=wish.note, actor=caller.actor,
        )  # fmt: skip
    return _spoken(business, appointment)


@tool(
    "list_my_appointments",
    description="List the appointments to come of the person on the line.",
    arguments=NothingSaid,
    kind=Kind.READS,
)
def list_my_appointments(session: Session, caller: ToolCaller, _: NothingSaid) -> Mapping[str, Any]:
    """Say what is booked for the person on the line."""
    business = tenants.get_business(session, caller.business_id)
    return {"appointments": [_spoken(business, row) for row in _theirs(session, caller)]}


@tool(
    "move_appointment",
    description="Move the appointment of the person on the line to another free time.",
    arguments=MoveWish,
)
def move_appointment(session: Session, caller: ToolCaller, wish: MoveWish) -> Mapping[str, Any]:
    """Move what is booked for the person on the line."""
    business = tenants.get_business(session, caller.business_id)
    which = _which(session, caller, wish.appointment_id)
    with _Spoken(business):
        moved = service.move(
            session, business, which.id, day=_day(business, wish), at=wish.time,
            actor=caller.actor,
        )  # fmt: skip
    return _spoken(business, moved)


@tool(
    "cancel_appointment",
    description="Cancel the appointment of the person on the line, who has said that they want that.",
    arguments=WhichWish,
)
def cancel_appointment(session: Session, caller: ToolCaller, wish: WhichWish) -> Mapping[str, Any]:
    """Give the time of the person on the line free."""
    business = tenants.get_business(session, caller.business_id)
    which = _which(session, caller, wish.appointment_id)
    appointment = booking.locked(session, business.id, which.id, version=None)
    return _spoken(business, booking.cancel(session, appointment, actor=caller.actor))


class _Spoken:
    """Says what is free instead of a time that is taken as clocks of the business, not as instants."""

    def __init__(self, business: Business) -> None:
        self._business = business

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, SlotTaken):
            starts = [datetime.fromisoformat(slot["starts_at"]) for slot in error.data.get("free", ())]
            raise SlotTaken(error.message, **_spoken_slots(self._business, starts)) from error


def _spoken_slots(business: Business, starts: Sequence[datetime]) -> dict[str, Any]:
    """Return times as a model reads and says them; `free` are the clocks of the first day there is."""
    local = [start.astimezone(ZoneInfo(business.time_zone)) for start in starts]
    days: dict[date, list[str]] = {}
    for one in local:
        days.setdefault(one.date(), []).append(f"{one:%H:%M}")
    return {
        "free": next(iter(days.values()), []),
        "days": [
            {"date": day.isoformat(), "weekday": rules.WEEKDAYS[day.weekday()], "times": times}
            for day, times in days.items()
        ],
    }


def _spoken(business: Business, appointment: Appointment) -> dict[str, Any]:
    local = appointment.starts_at.astimezone(ZoneInfo(business.time_zone))
    return {
        "appointment_id": str(appointment.id), "starts_at_local": local.isoformat(),
        "weekday": rules.WEEKDAYS[local.weekday()], "state": appointment.state,
    }  # fmt: skip


def _today(business: Business) -> date:
    return clock.now().astimezone(ZoneInfo(business.time_zone)).date()


def _day(business: Business, wish: _Day) -> date:
    if wish.date is not None:
        return wish.date
    assert wish.weekday is not None  # the model's validator has seen to it
    return rules.next_weekday(wish.weekday, today=_today(business))


def _which(session: Session, caller: ToolCaller, appointment_id: UUID | None) -> Appointment:
    """Return the appointment that is meant. Raises NotFound, and InvalidInput where that is not said."""
    theirs = _theirs(session, caller)
    if appointment_id is not None:
        found = next((row for row in theirs if row.id == appointment_id), None)
        if found is None:
            raise NotFound("The person on the line has no such appointment to come.")
        return found
    if len(theirs) == 1:
        return theirs[0]
    if not theirs:
        raise InvalidInput("This person has no appointment to come.", reason="no_appointment")
    business = tenants.get_business(session, caller.business_id)
    raise InvalidInput(
        "This person has several appointments; ask which, and say its appointment_id.", reason="several",
        appointments=[_spoken(business, row) for row in theirs],
    )  # fmt: skip


def _theirs(session: Session, caller: ToolCaller) -> Sequence[Appointment]:
    lead_id = _known_lead(session, caller)
    if lead_id is None:
        # Who writes has a number, and so is known by it.
        return service.of_call(session, caller.business_id, caller.call_id) if caller.call_id else ()
    return service.upcoming(session, caller.business_id, lead_id)


def _known_lead(session: Session, caller: ToolCaller) -> UUID | None:
    """Return the lead on the line, if they are known already."""
    if caller.lead_id is not None or caller.phone is None:
        return caller.lead_id
    return leads.lead_at(session, caller.business_id, "phone", caller.phone)


def _lead_of(session: Session, caller: ToolCaller) -> UUID | None:
    """Return the lead on the line, made now if nobody knows them; None: they have no number."""
    if caller.lead_id is not None or caller.phone is None:
        return caller.lead_id
    return leads.lead_of_caller(session, caller.business_id, caller.phone)
