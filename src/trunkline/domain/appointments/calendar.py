"""The calendar as people keep it: what is booked when; booking, moving, marking and cancelling."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from trunkline.core.errors import NotFound
from trunkline.domain.appointments import booking, calendars
from trunkline.domain.appointments.models import Appointment, AppointmentState
from trunkline.domain.appointments.schemas import LONGEST, AppointmentIn, AppointmentMove
from trunkline.domain.leads import service as leads
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock, cursors


def list_appointments(
    session: Session, business_id: UUID, *, since: datetime | None, until: datetime | None,
    state: str | None = None, calendar_ids: Collection[UUID] = (), lead_id: UUID | None = None,
    unmarked: bool = False, newest_first: bool, after: str | None, limit: int,
) -> tuple[Sequence[Appointment], str | None]:  # fmt: skip
    """Return a page of what overlaps a stretch of time, in its order, and the cursor of the next one.

    `since`, `until`, `state`, the calendars and the lead may be missing. `unmarked` are those that are over
    and of which nobody has said whether their person came. Raises InvalidCursor.
    """
    query = select(Appointment).where(Appointment.business_id == business_id)
    if unmarked:
        now = clock.now()
        # The start is for the index: all that is to come would be read before what has been.
        over = (Appointment.starts_at < now, Appointment.ends_at <= now)
        query = query.where(Appointment.state == AppointmentState.BOOKED, *over)
    if state is not None:
        query = query.where(Appointment.state == state)
    if calendar_ids:
        query = query.where(Appointment.calendar_id.in_(calendar_ids))
    if lead_id is not None:
        query = query.where(Appointment.lead_id == lead_id)
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
    """Book a time by hand, in the default calendar if none is named.

    Raises NotFound, InvalidInput, OutsideHours, LeadBusy, and SlotTaken with what stands there.
    """
    if wish.lead_id is not None:
        leads.get_lead(session, business.id, wish.lead_id)
    calendar = (
        calendars.default(session, business)
        if wish.calendar_id is None
        else calendars.get(session, business.id, wish.calendar_id)
    )
    return booking.book(
        session, business, [calendar], wish.wish, lead_id=wish.lead_id, visit=wish.visit, note=wish.note,
        actor=actor,
    )  # fmt: skip


def move(
    session: Session, business: Business, appointment_id: UUID, wish: AppointmentMove, *, actor: str
) -> Appointment:
    """Give an appointment another time, calendar, note or kind of visit; what is not named stays.

    Raises NotFound, Conflict where it was changed meanwhile or is cancelled, and what `arrange` raises.
    """
    appointment = booking.locked(session, business.id, appointment_id, version=wish.version)
    calendar = calendars.get(session, business.id, wish.calendar_id or appointment.calendar_id)
    changes = {
        name: value for name, value in (("note", wish.note), ("visit", wish.visit)) if value is not None
    }
    return booking.move(session, business, appointment, calendar, wish.wish, changes=changes, actor=actor)


def cancel(
    session: Session, business_id: UUID, appointment_id: UUID, *, version: int, actor: str
) -> Appointment:
    """Give the time free. Raises NotFound, Conflict where it was changed meanwhile or is cancelled."""
    appointment = booking.locked(session, business_id, appointment_id, version=version)
    return booking.cancel(session, appointment, actor=actor)


def mark(
    session: Session, business_id: UUID, appointment_id: UUID, state: AppointmentState, *, version: int,
    actor: str,
) -> Appointment:  # fmt: skip
    """Say whether the person came. Raises NotFound, Conflict."""
    appointment = booking.locked(session, business_id, appointment_id, version=version, booked=False)
    return booking.mark(session, appointment, state, actor=actor)


def get(session: Session, business_id: UUID, appointment_id: UUID) -> Appointment:
    """Return an appointment of this business. Raises NotFound."""
    appointment = session.scalar(
        select(Appointment).where(Appointment.business_id == business_id, Appointment.id == appointment_id)
    )
    if appointment is None:
        raise NotFound("There is no such appointment.")
    return appointment
