"""The verbs of appointments: what is free, and booking it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, SlotTaken
from trunkline.core.events import announce
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.appointments.rules import is_within_hours, next_weekday, slots_of_day
from trunkline.domain.calls import service as calls
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock

EXPECTED = "expected"
"""Why a lead must stay: they have an appointment that is not over."""


class OutsideHours(InvalidInput):
    """The business does not work then."""

    code = "outside_hours"


def free_slots(session: Session, business: Business, *, weekday: str) -> list[datetime]:
    """Return the free starting times of the next such weekday, aware, in the business's zone."""
    zone = ZoneInfo(business.time_zone)
    day = next_weekday(weekday, today=clock.now().astimezone(zone).date())
    length = timedelta(minutes=business.slot_minutes)
    starts = [
        datetime.combine(day, slot, tzinfo=zone)
        for slot in slots_of_day(business.working_hours, day=day, minutes=business.slot_minutes)
    ]
    if not starts:
        return []
    booked = session.execute(
        select(Appointment.starts_at, Appointment.ends_at).where(
            Appointment.business_id == business.id,
            Appointment.state == "booked",
            Appointment.starts_at < starts[-1] + length,
            Appointment.ends_at > starts[0],
        )
    ).all()
    return [start for start in starts if not any(b < start + length and start < e for b, e in booked)]


def book(
    session: Session,
    business: Business,
    *,
    lead_id: UUID | None,
    call_id: UUID | None,
    weekday: str,
    at: time,
    actor: str,
) -> Appointment:
    """Book the next such weekday at a local time; without a lead, who is coming is known by the call.

    Raises OutsideHours, or SlotTaken with the day's free times; PostgreSQL decides between two
    who book at once. The same call booking the same slot again gets the same appointment.
    """
    zone = ZoneInfo(business.time_zone)
    day = next_weekday(weekday, today=clock.now().astimezone(zone).date())
    start = datetime.combine(day, at, tzinfo=zone)
    if not is_within_hours(business.working_hours, start=start, minutes=business.slot_minutes):
        raise OutsideHours("The business does not work at that time.")
    existing = session.scalar(
        select(Appointment).where(
            Appointment.business_id == business.id,
            Appointment.call_id == call_id,
            Appointment.starts_at == start,
            Appointment.state == "booked",
        )
    )
    if call_id is not None and existing is not None:
        return existing
    appointment = Appointment(
        business_id=business.id,
        lead_id=lead_id,
        call_id=call_id,
        starts_at=start,
        ends_at=start + timedelta(minutes=business.slot_minutes),
    )
    try:
        with session.begin_nested():
            session.add(appointment)
    except IntegrityError as error:
        if "ex_appointments_overlap" not in str(error.orig):
            raise
        free = [f"{slot:%H:%M}" for slot in free_slots(session, business, weekday=weekday)]
        raise SlotTaken("That time is taken.", free=free) from error
    if call_id is not None:
        calls.note_booked(session, business.id, call_id)
    announce("appointment.booked", subject_id=appointment.id, actor=actor, starts_at=start.isoformat())
    return appointment


def held_leads(session: Session, business_id: UUID, lead_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return which of these leads are expected: deleted, nobody would know who is coming."""
    expected = session.scalars(
        select(Appointment.lead_id).where(
            Appointment.business_id == business_id,
            Appointment.lead_id.in_(lead_ids),
            Appointment.state == "booked",
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
            Appointment.state == "booked",
        )
        .group_by(Appointment.call_id)
    )
    return {call_id: starts_at for call_id, starts_at in rows if call_id is not None}
