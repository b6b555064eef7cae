"""The verbs of appointments for agents and other domains: what is free, booking it, who is expected."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, SlotTaken
from trunkline.domain.appointments import booking, calendars, slots
from trunkline.domain.appointments.models import Appointment, AppointmentState, Calendar
from trunkline.domain.appointments.rules import Misfit
from trunkline.domain.leads import service as leads
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock
from trunkline.kit.wall_clock import instants_of

EXPECTED = "expected"
"""Why a lead must stay: they have an appointment that is not over."""


def open_to(
    session: Session, business: Business, *, agent_id: UUID | None, lead_id: UUID | None, visit: str = ""
) -> list[Calendar]:
    """Return the calendars in which an agent books such a visit of a lead. Raises InvalidInput for none."""
    tags = [] if lead_id is None else leads.get_lead(session, business.id, lead_id).tags
    rows = calendars.of_business(session, business)
    chosen = calendars.routed(rows, agent_id=agent_id, tags=tags, visit=visit)
    if not chosen:
        kinds = sorted({kind for row in rows if row.active for kind in row.visits})
        raise InvalidInput(
            "No calendar takes such a visit." + (f" There are: {', '.join(kinds)}." if kinds else ""),
            reason="no_calendar", visits=kinds,
        )  # fmt: skip
    return chosen


def free_slots(
    session: Session, business: Business, chosen: Sequence[Calendar], *, first: date, last: date | None,
    limit: int,
) -> list[slots.Slot]:  # fmt: skip
    """Return what is free in some calendars from one local day to another, or, without the other, next."""
    return slots.find(session, business, chosen, first=first, last=last, limit=limit)


def book(
    session: Session, business: Business, *, lead_id: UUID | None, call_id: UUID | None,
    agent_id: UUID | None = None, day: date, at: time, visit: str = "", note: str = "", actor: str,
) -> Appointment:  # fmt: skip
    """Book a local day and time; without a lead, who is coming is known by the call.

    Raises what `booking.book` does. The same call, or without one the same lead, booking the same time
    again gets the same appointment.
    """
    chosen = open_to(session, business, agent_id=agent_id, lead_id=lead_id, visit=visit)
    starts = instants(business, day, at)
    if call_id is not None or lead_id is not None:
        theirs = Appointment.call_id == call_id if call_id is not None else Appointment.lead_id == lead_id
        existing = session.scalar(
            select(Appointment).where(
                Appointment.business_id == business.id, theirs,
                Appointment.starts_at.in_(starts), Appointment.state == AppointmentState.BOOKED,
            )
        )  # fmt: skip
        if existing is not None:
            return existing
    for number, starts_at in enumerate(starts, 1):
        try:
            return booking.book(
                session, business, chosen, booking.Wish(starts_at, offered=True), lead_id=lead_id,
                call_id=call_id, visit=visit, note=note, actor=actor,
            )  # fmt: skip
        except SlotTaken:
            if number == len(starts):
                raise
    raise AssertionError("a time has an instant, or was refused above")


def move(
    session: Session, business: Business, appointment_id: UUID, *, day: date, at: time, actor: str
) -> Appointment:
    """Move a booked appointment to a local day and time of its own calendar. Raises as booking does."""
    appointment = booking.locked(session, business.id, appointment_id, version=None)
    calendar = calendars.get(session, business.id, appointment.calendar_id)
    starts = instants(business, day, at)
    for number, starts_at in enumerate(starts, 1):
        try:
            return booking.move(
                session, business, appointment, calendar, booking.Wish(starts_at, offered=True), actor=actor
            )
        except SlotTaken:
            if number == len(starts):
                raise
    raise AssertionError("a time has an instant, or was refused above")


def instants(business: Business, day: date, at: time) -> list[datetime]:
    """Return when it is this time on this day there: once, or twice when clocks are put back.

    Raises OutsideHours for a time that is left out when they are put forward.
    """
    found = instants_of(datetime.combine(day, at.replace(tzinfo=None)), ZoneInfo(business.time_zone))
    if not found:
        raise booking.OutsideHours(
            "On that day the clocks are put forward over that time.", reason=Misfit.CLOSED
        )
    return found


def upcoming(session: Session, business_id: UUID, lead_id: UUID, *, limit: int = 10) -> Sequence[Appointment]:
    """Return a lead's booked appointments that are not over, the earliest first."""
    return session.scalars(
        select(Appointment)
        .where(
            Appointment.business_id == business_id, Appointment.lead_id == lead_id,
            Appointment.state == AppointmentState.BOOKED, Appointment.ends_at > clock.now(),
        )
        .order_by(Appointment.starts_at)
        .limit(limit)
    ).all()  # fmt: skip


def of_call(session: Session, business_id: UUID, call_id: UUID) -> Sequence[Appointment]:
    """Return what was booked in a call and is to come: of a person without a number nothing else is known."""
    return session.scalars(
        select(Appointment)
        .where(
            Appointment.business_id == business_id, Appointment.call_id == call_id,
            Appointment.state == AppointmentState.BOOKED, Appointment.ends_at > clock.now(),
        )
        .order_by(Appointment.starts_at)
    ).all()  # fmt: skip


def held_leads(session: Session, business_id: UUID, lead_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return which of these leads are expected: deleted, nobody would know who is coming."""
    expected = session.scalars(
        select(Appointment.lead_id).where(
            Appointment.business_id == business_id,
            Appointment.lead_id.in_(lead_ids),
            Appointment.state == AppointmentState.BOOKED,
            Appointment.ends_at > clock.now(),
        )
    )
    return {lead_id: EXPECTED for lead_id in expected if lead_id is not None}


def booked_in(
    session: Session, business_id: UUID, *, lead_ids: Collection[UUID], call_ids: Collection[UUID]
) -> dict[UUID, datetime]:
    """Return, by the call, when the appointments start that these leads booked in these calls."""
    rows = session.execute(
        select(Appointment.call_id, func.min(Appointment.starts_at))
        .where(
            Appointment.business_id == business_id,
            Appointment.lead_id.in_(lead_ids),
            Appointment.call_id.in_(call_ids),
            Appointment.state != AppointmentState.CANCELLED,
        )
        .group_by(Appointment.call_id)
    )
    return {call_id: starts_at for call_id, starts_at in rows if call_id is not None}
