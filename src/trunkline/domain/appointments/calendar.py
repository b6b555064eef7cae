"""The calendar as people keep it: what is booked in a stretch of time; booking, moving and cancelling.

PostgreSQL decides between two who want one time; whoever comes second is told what stands there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, true, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trunkline.core.errors import Conflict, InvalidInput, NotFound, Outdated, SlotTaken
from trunkline.core.events import announce
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.appointments.rules import is_within_hours
from trunkline.domain.appointments.schemas import LONGEST, AppointmentIn, AppointmentMove
from trunkline.domain.appointments.service import OutsideHours
from trunkline.domain.leads import service as leads
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock, cursors

_BOOKED, _CANCELLED = "booked", "cancelled"
_MINUTE_S = 60


def list_appointments(
    session: Session, business_id: UUID, *, since: datetime | None, until: datetime | None,
    state: str | None = None, newest_first: bool, after: str | None, limit: int,
) -> tuple[Sequence[Appointment], str | None]:  # fmt: skip
    """Return a page of what overlaps a stretch of time, in its order, and the cursor of the next one.

    `since`, `until` and `state` may be missing. Raises InvalidCursor.
    """
    query = select(Appointment).where(Appointment.business_id == business_id)
    if state is not None:
        query = query.where(Appointment.state == state)
    if since is not None:
        # The first condition is for the index: none takes longer.
        query = query.where(Appointment.starts_at > since - LONGEST, Appointment.ends_at > since)
    if until is not None:
        query = query.where(Appointment.starts_at < until)
    key = tuple_(Appointment.starts_at, Appointment.id)
    if after is not None:
        last = cursors.read(after, datetime, UUID)
        query = query.where(key < last if newest_first else key > last)
    order = [column.desc() if newest_first else column for column in (Appointment.starts_at, Appointment.id)]
    found = session.scalars(query.order_by(*order).limit(limit + 1)).all()
    shown = found[:limit]
    return shown, cursors.write(shown[-1].starts_at, shown[-1].id) if len(found) > limit else None


def arrange(session: Session, business: Business, wish: AppointmentIn, *, actor: str) -> Appointment:
    """Book a time by hand. Raises NotFound, InvalidInput, OutsideHours, SlotTaken with what stands there."""
    if wish.lead_id is not None:
        leads.get_lead(session, business.id, wish.lead_id)
    _require_possible(business, wish.starts_at, wish.ends_at, anyway=wish.outside_hours)
    appointment = Appointment(
        business_id=business.id, lead_id=wish.lead_id, starts_at=wish.starts_at, ends_at=wish.ends_at,
        state=_BOOKED, note=wish.note,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(appointment)
    except IntegrityError as error:
        raise _taken(session, business.id, wish.starts_at, wish.ends_at, error, but=None) from error
    announce(
        "appointment.booked", subject_id=appointment.id, actor=actor, starts_at=wish.starts_at.isoformat()
    )
    return appointment


def move(
    session: Session, business: Business, appointment_id: UUID, wish: AppointmentMove, *, actor: str
) -> Appointment:
    """Give an appointment another time, and another note if one is named.

    Raises NotFound, Conflict where it was changed meanwhile or is cancelled, and what `arrange` raises.
    """
    appointment = _booked(session, business.id, appointment_id, wish.version)
    before = appointment.starts_at
    if (before, appointment.ends_at) != (wish.starts_at, wish.ends_at):
        _require_possible(business, wish.starts_at, wish.ends_at, anyway=wish.outside_hours)
    try:
        with session.begin_nested():
            appointment.starts_at, appointment.ends_at = wish.starts_at, wish.ends_at
            appointment.note = appointment.note if wish.note is None else wish.note
            appointment.version += 1
    except IntegrityError as error:
        raise _taken(session, business.id, wish.starts_at, wish.ends_at, error, but=appointment_id) from error
    announce(
        "appointment.moved", subject_id=appointment_id, actor=actor, before=before.isoformat(),
        starts_at=wish.starts_at.isoformat(),
    )  # fmt: skip
    return appointment


def cancel(
    session: Session, business_id: UUID, appointment_id: UUID, *, version: int, actor: str
) -> Appointment:
    """Give the time free. Raises NotFound, Conflict where it was changed meanwhile or is cancelled."""
    appointment = _booked(session, business_id, appointment_id, version)
    appointment.state = _CANCELLED
    appointment.version += 1
    announce(
        "appointment.cancelled", subject_id=appointment_id, actor=actor,
        starts_at=appointment.starts_at.isoformat(),
    )  # fmt: skip
    return appointment


def _booked(session: Session, business_id: UUID, appointment_id: UUID, version: int) -> Appointment:
    appointment = session.scalar(
        select(Appointment)
        .where(Appointment.business_id == business_id, Appointment.id == appointment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if appointment is None:
        raise NotFound("There is no such appointment.")
    if appointment.state != _BOOKED:
        raise Conflict(
            "This appointment is cancelled.", state=appointment.state, reason="appointment_cancelled"
        )
    if appointment.version != version:
        raise Outdated(version=appointment.version)
    return appointment


def _require_possible(business: Business, starts_at: datetime, ends_at: datetime, *, anyway: bool) -> None:
    if starts_at <= clock.now():
        raise InvalidInput("That time has passed.", field="starts_at", reason="time_past")
    if anyway:
        return
    local = starts_at.astimezone(ZoneInfo(business.time_zone))
    minutes = int((ends_at - starts_at).total_seconds() // _MINUTE_S)
    if not is_within_hours(business.working_hours, start=local, minutes=minutes):
        raise OutsideHours("The business does not work at that time.")


def _taken(
    session: Session, business_id: UUID, starts_at: datetime, ends_at: datetime, error: IntegrityError, *,
    but: UUID | None,
) -> Exception:  # fmt: skip
    """Return what is to be raised where PostgreSQL has refused a time: with the appointment that has it."""
    if "ex_appointments_overlap" not in str(error.orig):
        return error
    others = true() if but is None else Appointment.id != but
    holder = session.execute(
        select(Appointment.id, Appointment.starts_at, Appointment.ends_at)
        .where(
            Appointment.business_id == business_id, Appointment.state == _BOOKED,
            Appointment.starts_at > starts_at - LONGEST, Appointment.starts_at < ends_at,
            Appointment.ends_at > starts_at, others,
        )
        .order_by(Appointment.starts_at)
        .limit(1)
    ).one_or_none()  # fmt: skip
    if holder is None:  # given free this moment
        return SlotTaken("That time was taken; try again.")
    return SlotTaken(
        "Another appointment stands there.", appointment_id=str(holder.id),
        starts_at=holder.starts_at.isoformat(), ends_at=holder.ends_at.isoformat(),
    )  # fmt: skip
