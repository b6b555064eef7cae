"""Booking, moving, marking and cancelling: what people, agents and customers all do by the same verbs.

PostgreSQL decides between two who want one time: the exclusion constraint of the table, and nothing that is
looked up before. Whoever comes second is told what else is free.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trunkline.core.errors import Conflict, InvalidInput, NotFound, Outdated, SlotTaken
from trunkline.core.events import announce
from trunkline.domain.appointments import calendars, rules, sending, slots
from trunkline.domain.appointments.automation_models import Moment
from trunkline.domain.appointments.models import Appointment, AppointmentState, Calendar
from trunkline.domain.appointments.rules import Misfit
from trunkline.domain.calls import service as calls
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock

_LEAD_LOCK = 7_205_125
"""First key of the advisory locks under which a lead's own times are compared; the lead is the second."""
_OVERLAP = "ex_appointments_overlap"


class OutsideHours(InvalidInput):
    """The calendar is not open then, or not to be booked then; `reason` says which (`rules.Misfit`)."""

    code = "outside_hours"


class LeadBusy(Conflict):
    """The same person has another appointment at that time, which `appointment_id` names."""

    code = "lead_busy"


_WHY = {
    Misfit.TOO_SOON: "That is too soon: appointments are made earlier than that.",
    Misfit.TOO_FAR: "That is too far ahead: appointments are not made for then yet.",
    Misfit.DAY_OFF: "Nobody works on that day.",
    Misfit.CLOSED: "The business does not work at that time.",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A time that somebody wants, and what of the usual checks they have answered already."""

    starts_at: datetime
    ends_at: datetime | None = None
    """None: as long as a slot of the calendar."""
    outside_hours: bool = False
    """Also when the calendar is not open, or the notice is too short."""
    beside: bool = False
    """Also when the same lead has another appointment at that time."""
    offered: bool = False
    """Only when a slot begins, as those are shown who choose among free times."""


def book(
    session: Session, business: Business, chosen: Sequence[Calendar], wish: Wish, *, lead_id: UUID | None,
    call_id: UUID | None = None, visit: str = "", note: str = "", actor: str,
) -> Appointment:  # fmt: skip
    """Book a time in the first of these calendars that has it free.

    Raises InvalidInput, OutsideHours, LeadBusy, and SlotTaken with what is free instead.
    """
    if lead_id is not None and not wish.beside:
        _refuse_double(session, business.id, lead_id, wish, _longest(business, chosen, wish), but=None)
    misfits: list[Misfit] = []
    unoffered = 0
    for calendar in chosen:
        grid = calendars.grid_of(calendar, business)
        ends_at = wish.ends_at or wish.starts_at + grid.slot
        if (why := _misfit(grid, wish, ends_at)) is not None:
            misfits.append(why)
            continue
        if wish.offered and not rules.is_slot(grid, wish.starts_at):
            unoffered += 1
            continue
        held_from, held_until = rules.held(grid, wish.starts_at, ends_at)
        appointment = Appointment(
            business_id=business.id, calendar_id=calendar.id, lead_id=lead_id, call_id=call_id, visit=visit,
            note=note, starts_at=wish.starts_at, ends_at=ends_at, held_from=held_from, held_until=held_until,
            state=AppointmentState.BOOKED, arranged_at=clock.now(),
        )  # fmt: skip
        if _is_written(session, calendar, partial(session.add, appointment)):
            if call_id is not None:
                calls.note_booked(session, business.id, call_id)
            announce(
                "appointment.booked", subject_id=appointment.id, actor=actor,
                starts_at=wish.starts_at.isoformat(), calendar_id=str(calendar.id),
            )  # fmt: skip
            sending.follow(session, appointment, Moment.BOOKED)
            return appointment
    if len(misfits) == len(chosen):
        raise _refused(misfits)
    if len(misfits) + unoffered == len(chosen):
        raise _not_offered(session, business, chosen, wish, length=None, but=None)
    raise _taken(session, business, chosen, wish, _longest(business, chosen, wish), but=None)


def move(
    session: Session, business: Business, appointment: Appointment, calendar: Calendar, wish: Wish, *,
    changes: dict[str, Any] | None = None, actor: str,
) -> Appointment:  # fmt: skip
    """Give a booked appointment, which the caller has locked, another time or calendar, or other words.

    Raises as booking does.
    """
    grid = calendars.grid_of(calendar, business)
    ends_at = wish.ends_at or wish.starts_at + (appointment.ends_at - appointment.starts_at)
    before = appointment.starts_at
    stays = (before, appointment.ends_at) == (wish.starts_at, ends_at)
    if not stays and (why := _misfit(grid, wish, ends_at)) is not None:
        raise _refused([why])
    if not stays and wish.offered and not rules.is_slot(grid, wish.starts_at, ends_at - wish.starts_at):
        length = ends_at - wish.starts_at
        raise _not_offered(session, business, [calendar], wish, length=length, but=appointment.id)
    if not stays and appointment.lead_id is not None and not wish.beside:
        _refuse_double(session, business.id, appointment.lead_id, wish, ends_at, but=appointment.id)
    is_moved = not stays or appointment.calendar_id != calendar.id
    told = {name: value for name, value in (changes or {}).items() if getattr(appointment, name) != value}
    if not is_moved and not told:
        return appointment  # asked for twice
    fields = {**told, "version": appointment.version + 1}
    if is_moved:
        held_from, held_until = rules.held(grid, wish.starts_at, ends_at)
        fields |= {
            "calendar_id": calendar.id, "held_from": held_from, "held_until": held_until,
            "starts_at": wish.starts_at, "ends_at": ends_at,
        }  # fmt: skip
    if not stays:
        fields["arranged_at"] = clock.now()
    if not _is_written(session, calendar, partial(_set, appointment, fields)):
        raise _taken(session, business, [calendar], wish, ends_at, but=appointment.id)
    announce(
        "appointment.moved" if is_moved else "appointment.changed", subject_id=appointment.id, actor=actor,
        before=before.isoformat(), starts_at=wish.starts_at.isoformat(), calendar_id=str(calendar.id),
    )  # fmt: skip
    if not stays:
        sending.follow(session, appointment, Moment.MOVED)
    return appointment


def cancel(session: Session, appointment: Appointment, *, actor: str) -> Appointment:
    """Give the time of a booked appointment, which the caller has locked, free."""
    appointment.state = AppointmentState.CANCELLED
    appointment.version += 1
    session.flush()
    announce(
        "appointment.cancelled", subject_id=appointment.id, actor=actor,
        starts_at=appointment.starts_at.isoformat(),
    )  # fmt: skip
    sending.follow(session, appointment, Moment.CANCELLED)
    return appointment


def mark(session: Session, appointment: Appointment, state: AppointmentState, *, actor: str) -> Appointment:
    """Say of an appointment, which the caller has locked, whether its person came; it may be said anew.

    Raises Conflict for one that has not begun.
    """
    if appointment.starts_at > clock.now():
        raise Conflict(
            "Whether somebody came is said once the appointment has begun.", reason="appointment_ahead"
        )
    if appointment.state == state:
        return appointment  # said twice: nobody is written to twice
    appointment.state = state
    appointment.version += 1
    session.flush()
    announce("appointment.marked", subject_id=appointment.id, actor=actor, state=state)
    if state is AppointmentState.NO_SHOW:
        sending.follow(session, appointment, Moment.NO_SHOW)
    return appointment


def locked(
    session: Session, business_id: UUID, appointment_id: UUID, *, version: int | None, booked: bool = True
) -> Appointment:
    """Return an appointment, which nobody else changes until the transaction ends.

    Raises NotFound, Outdated where a version is said that is not its own, and Conflict for one that is
    cancelled, or, unless `booked` is false, that is marked as over.
    """
    appointment = session.scalar(
        select(Appointment)
        .where(Appointment.business_id == business_id, Appointment.id == appointment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if appointment is None:
        raise NotFound("There is no such appointment.")
    if appointment.state == AppointmentState.CANCELLED:
        raise Conflict(
            "This appointment is cancelled.", state=appointment.state, reason="appointment_cancelled"
        )
    if booked and appointment.state != AppointmentState.BOOKED:
        raise Conflict(
            "This appointment is over: it is on record whether its person came.", state=appointment.state,
            reason="appointment_marked",
        )  # fmt: skip
    if version is not None and appointment.version != version:
        raise Outdated(version=appointment.version)
    return appointment


def free_as_data(found: Sequence[slots.Slot]) -> list[dict[str, str]]:
    """Return free slots as an error or an answer says them."""
    return [
        {
            "calendar_id": str(slot.calendar_id), "starts_at": slot.starts_at.isoformat(),
            "ends_at": slot.ends_at.isoformat(),
        }
        for slot in found
    ]  # fmt: skip


def _is_written(session: Session, calendar: Calendar, write: Callable[[], None]) -> bool:
    """Write an appointment; False where PostgreSQL refuses its time."""
    try:
        with session.begin_nested():
            # One at a time, or two who insert at once would each wait for the other until one is shot.
            # A refusal ends the savepoint, and gives the lock back.
            session.execute(
                select(Calendar.id)
                .where(Calendar.business_id == calendar.business_id, Calendar.id == calendar.id)
                .with_for_update(key_share=True)
            )
            write()
    except IntegrityError as error:
        if _OVERLAP not in str(error.orig):
            raise
        return False
    return True


def _set(appointment: Appointment, fields: dict[str, Any]) -> None:
    for field, value in fields.items():
        setattr(appointment, field, value)


def _misfit(grid: rules.Grid, wish: Wish, ends_at: datetime) -> Misfit | None:
    why = rules.misfit(grid, wish.starts_at, ends_at, now=clock.now())
    return None if wish.outside_hours and why is not Misfit.PAST else why


def _refused(misfits: Sequence[Misfit]) -> InvalidInput:
    if Misfit.PAST in misfits or not misfits:
        return InvalidInput("That time has passed.", field="starts_at", reason="time_past")
    return OutsideHours(_WHY[misfits[0]], reason=misfits[0])


def _longest(business: Business, chosen: Sequence[Calendar], wish: Wish) -> datetime:
    if wish.ends_at is not None:
        return wish.ends_at
    return wish.starts_at + max(calendars.grid_of(row, business).slot for row in chosen)


def _refuse_double(
    session: Session, business_id: UUID, lead_id: UUID, wish: Wish, ends_at: datetime, *, but: UUID | None
) -> None:
    """Raise LeadBusy where the lead has another appointment then; who books for them at once waits."""
    session.execute(
        text("select pg_advisory_xact_lock(:key, hashtext(:lead))"),
        {"key": _LEAD_LOCK, "lead": str(lead_id)},
    )
    other = session.execute(
        select(Appointment.id, Appointment.starts_at, Appointment.ends_at)
        .where(
            Appointment.business_id == business_id, Appointment.lead_id == lead_id,
            Appointment.state == AppointmentState.BOOKED, Appointment.id.is_distinct_from(but),
            Appointment.starts_at < ends_at, Appointment.ends_at > wish.starts_at,
        )
        .limit(1)
    ).one_or_none()  # fmt: skip
    if other is not None:
        raise LeadBusy(
            "This person has another appointment at that time.", appointment_id=str(other.id),
            starts_at=other.starts_at.isoformat(), ends_at=other.ends_at.isoformat(),
        )  # fmt: skip


def _not_offered(
    session: Session, business: Business, chosen: Sequence[Calendar], wish: Wish, *,
    length: timedelta | None, but: UUID | None,
) -> SlotTaken:  # fmt: skip
    """Return what is to be raised where no slot begins then: what is free."""
    found = slots.near(session, business, chosen, wish.starts_at, length=length, but=but)
    return SlotTaken("No appointment begins at that time.", free=free_as_data(found))


def _taken(
    session: Session, business: Business, chosen: Sequence[Calendar], wish: Wish, ends_at: datetime, *,
    but: UUID | None,
) -> SlotTaken:  # fmt: skip
    """Return what is to be raised where a time is held: by whom, and what is free."""
    length = None if wish.ends_at is None and but is None else ends_at - wish.starts_at
    found = slots.near(session, business, chosen, wish.starts_at, length=length, but=but)
    free = free_as_data(found)
    if len(chosen) != 1:
        return SlotTaken("That time is taken.", free=free)
    grid = calendars.grid_of(chosen[0], business)
    held_from, held_until = rules.held(grid, wish.starts_at, ends_at)
    holder = session.execute(
        select(Appointment.id, Appointment.starts_at, Appointment.ends_at)
        .where(
            Appointment.business_id == business.id, Appointment.calendar_id == chosen[0].id,
            Appointment.state != AppointmentState.CANCELLED, Appointment.id.is_distinct_from(but),
            Appointment.starts_at > wish.starts_at - slots.REACH,
            Appointment.starts_at < held_until + slots.REACH,
            Appointment.held_from < held_until, Appointment.held_until > held_from,
        )
        .order_by(Appointment.starts_at)
        .limit(1)
    ).one_or_none()  # fmt: skip
    if holder is None:  # given free this moment
        return SlotTaken("That time was taken; try again.", free=free)
    return SlotTaken(
        "Another appointment stands there.", appointment_id=str(holder.id),
        starts_at=holder.starts_at.isoformat(), ends_at=holder.ends_at.isoformat(), free=free,
    )  # fmt: skip
