"""Calendars as other programs read them: at an address that is a secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core import limits
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.errors import NotFound
from trunkline.core.events import announce
from trunkline.core.tenancy import business_of_calendar_feed
from trunkline.domain.appointments import calendars, ics, links
from trunkline.domain.appointments.models import Appointment, AppointmentState, Calendar
from trunkline.domain.leads import service as leads
from trunkline.kit import clock, tokens

READ_A_MINUTE = 30
_READ = "calendar_feed.read"
_BACK, _AHEAD = timedelta(days=60), timedelta(days=400)
_MOST = 5_000


def open_feed(session: Session, business_id: UUID, calendar_id: UUID, *, actor: str) -> str:
    """Return a new address of a calendar's; the one before is over. Raises NotFound."""
    calendar = calendars.get(session, business_id, calendar_id)
    address = links.open_feed(session, calendar)
    announce("calendar.feed_opened", subject_id=calendar_id, actor=actor)
    return address


def close_feed(session: Session, business_id: UUID, calendar_id: UUID, *, actor: str) -> None:
    """Let a calendar be read at no address any more. Raises NotFound."""
    calendar = calendars.get(session, business_id, calendar_id)
    calendar.feed_hash = None
    announce("calendar.feed_closed", subject_id=calendar_id, actor=actor)


def read(secret: str, *, address: str) -> str:
    """Return the calendar that is read at this address. Raises NotFound, TooManyRequests."""
    token_hash = tokens.fingerprint(secret)
    with unit_of_work(SYSTEM) as session:
        limits.count_one(session, _READ, address, most=READ_A_MINUTE)
        announce(_READ, subject_id=None, actor=address)
        business_id = business_of_calendar_feed(session, token_hash)
    if business_id is None:
        raise NotFound("No calendar is read at this address.", reason="link_over")
    with unit_of_work(of_business(business_id)) as session:
        calendar = session.scalar(
            select(Calendar).where(Calendar.business_id == business_id, Calendar.feed_hash == token_hash)
        )
        if calendar is None:
            raise NotFound("No calendar is read at this address.", reason="link_over")
        return _written(session, business_id, calendar)


def one(session: Session, business_id: UUID, appointment: Appointment) -> str:
    """Return one appointment for the calendar of somebody who works here."""
    calendar = calendars.get(session, business_id, appointment.calendar_id)
    events = _events(session, business_id, [appointment])
    return ics.write(events, method=ics.PUBLISH, name=calendar.name, sender=None, now=clock.now())


def _written(session: Session, business_id: UUID, calendar: Calendar) -> str:
    now = clock.now()
    rows = session.scalars(
        select(Appointment)
        .where(
            Appointment.business_id == business_id, Appointment.calendar_id == calendar.id,
            Appointment.state != AppointmentState.CANCELLED,
            Appointment.starts_at > now - _BACK, Appointment.starts_at < now + _AHEAD,
        )
        .order_by(Appointment.starts_at)
        .limit(_MOST)
    ).all()  # fmt: skip
    events = _events(session, business_id, rows)
    return ics.write(events, method=ics.PUBLISH, name=calendar.name, sender=None, now=now)


def _title(row: Appointment, names: Mapping[UUID, str]) -> str:
    who = names.get(row.lead_id, "") if row.lead_id is not None else ""
    return " · ".join(filter(None, [who, row.visit])) or "—"


def _events(session: Session, business_id: UUID, rows: Sequence[Appointment]) -> list[ics.Event]:
    names = leads.called(session, business_id, {row.lead_id for row in rows if row.lead_id is not None})
    return [ics.Event(row, _title(row, names), description=row.note) for row in rows]
