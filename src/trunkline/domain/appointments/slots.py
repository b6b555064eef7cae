"""What is free: the slots of a business's calendars, day by day or the next ones there are.

Only reads. What is free now may be taken in the next moment; booking finds that out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.domain.appointments import calendars, rules
from trunkline.domain.appointments.models import Appointment, AppointmentState, Calendar
from trunkline.domain.appointments.rules import Interval
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock

_AT_ONCE = 14
"""Days that are looked at together."""
_FURTHEST = 366
REACH = timedelta(hours=32)
"""More than an appointment can hold before and after it starts: a day, and its buffers."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that nobody holds."""

    calendar_id: UUID
    starts_at: datetime
    ends_at: datetime


def find(
    session: Session, business: Business, chosen: Sequence[Calendar], *, first: date,
    last: date | None = None, since: datetime | None = None, length: timedelta | None = None,
    but: UUID | None = None, limit: int,
) -> list[Slot]:  # fmt: skip
    """Return the free slots of some calendars from one local day to another, the earliest first.

    Without a `last` day those that come next, within a year. Where one time is free in several calendars it
    is said once, in the first of them. `length` is how long each is, if not as long as the calendar's slots;
    `since` an instant before which none begins; `but` an appointment whose own time counts as free.
    """
    now = clock.now()
    grids = [(row, _grid(row, business, length)) for row in chosen]
    if not grids:
        return []
    zone = ZoneInfo(business.time_zone)
    first = max(first, now.astimezone(zone).date())
    # Beyond what every calendar allows there is nothing.
    final = (now + max(grid.ahead for _, grid in grids)).astimezone(zone).date()
    final = final if last is None else min(final, last)
    if first <= final:
        final = min(final, first + timedelta(days=_FURTHEST))
    found: list[Slot] = []
    while first <= final and len(found) < limit:
        until = min(first + timedelta(days=_AT_ONCE - 1), final)
        found += _within(session, business.id, grids, first, until, since=since, but=but)
        first = until + timedelta(days=1)
    return found[:limit]


def near(
    session: Session, business: Business, chosen: Sequence[Calendar], wished: datetime, *,
    length: timedelta | None = None, but: UUID | None = None, limit: int = 5,
) -> list[Slot]:  # fmt: skip
    """Return free slots for somebody who cannot have the time that they wished, those of its day first."""
    zone = ZoneInfo(business.time_zone)
    day = wished.astimezone(zone).date()
    of_day = find(session, business, chosen, first=day, last=day, length=length, but=but, limit=200)
    of_day.sort(key=lambda slot: (abs(slot.starts_at - wished), slot.starts_at))
    later = timedelta(days=1)
    rest: list[Slot] = []
    if len(of_day) < limit:
        rest = find(session, business, chosen, first=day + later, length=length, but=but, limit=limit)
    return sorted([*of_day, *rest][:limit], key=lambda slot: slot.starts_at)


def _grid(calendar: Calendar, business: Business, length: timedelta | None) -> rules.Grid:
    grid = calendars.grid_of(calendar, business)
    return grid if length is None else replace(grid, slot=length)


def _within(
    session: Session, business_id: UUID, grids: Sequence[tuple[Calendar, rules.Grid]], first: date,
    last: date, *, since: datetime | None, but: UUID | None,
) -> list[Slot]:  # fmt: skip
    now = clock.now()
    busy = _busy(session, business_id, grids, first, last, but=but)
    found: dict[datetime, Slot] = {}
    for calendar, grid in grids:
        for number in range((last - first).days + 1):
            starts = rules.slots_of(grid, first + timedelta(days=number))
            open_ones = [
                start for start in starts
                if now < start and now + grid.notice <= start <= now + grid.ahead
                and (since is None or start >= since)
            ]  # fmt: skip
            for start in rules.free_of(grid, open_ones, busy.get(calendar.id, ())):
                found.setdefault(start, Slot(calendar.id, start, start + grid.slot))
    return [found[start] for start in sorted(found)]


def _busy(
    session: Session, business_id: UUID, grids: Sequence[tuple[Calendar, rules.Grid]], first: date,
    last: date, *, but: UUID | None,
) -> dict[UUID, list[Interval]]:  # fmt: skip
    zone = next(grid.zone for _, grid in grids)
    begins, ends = rules.day_of(first, zone)[0], rules.day_of(last, zone)[1]
    query = select(Appointment.calendar_id, Appointment.held_from, Appointment.held_until).where(
        Appointment.business_id == business_id,
        Appointment.calendar_id.in_([row.id for row, _ in grids]),
        Appointment.state != AppointmentState.CANCELLED,
        Appointment.starts_at > begins - REACH,
        Appointment.starts_at < ends + REACH,
    )
    if but is not None:
        query = query.where(Appointment.id != but)
    busy: dict[UUID, list[Interval]] = {}
    for calendar_id, held_from, held_until in session.execute(query):
        busy.setdefault(calendar_id, []).append((held_from, held_until))
    return busy
