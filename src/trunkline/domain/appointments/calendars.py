"""The calendars of a business: making and changing them, which of them takes whom, and when each is open.

A business gets its first calendar when calendars are first asked for. It is open when the business is, until
somebody gives it hours of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import holidays
from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.errors import Conflict, InvalidInput, NotFound, Outdated
from trunkline.core.events import announce
from trunkline.domain.agents import service as agents
from trunkline.domain.appointments.models import Appointment, Calendar
from trunkline.domain.appointments.rules import Grid
from trunkline.domain.tenants.models import Business
from trunkline.kit.ids import new_id

MOST = 50
_FIRST = {"en": "Main calendar", "he": "יומן ראשי"}
_NULL_IS_THE_BUSINESS_S = frozenset({"working_hours", "slot_minutes"})


def of_business(session: Session, business: Business) -> Sequence[Calendar]:
    """Return the business's calendars in their order; its first is made now if it has none."""
    found = _read(session, business.id)
    if not found:
        _make_first(session, business)
        found = _read(session, business.id)
    return found


def get(session: Session, business_id: UUID, calendar_id: UUID) -> Calendar:
    """Return a calendar of this business. Raises NotFound."""
    calendar = session.scalar(
        select(Calendar).where(Calendar.business_id == business_id, Calendar.id == calendar_id)
    )
    if calendar is None:
        raise NotFound("There is no such calendar.")
    return calendar


def default(session: Session, business: Business) -> Calendar:
    """Return where is booked what nothing else is said of."""
    return next(row for row in of_business(session, business) if row.is_default)


def routed(
    calendars: Iterable[Calendar], *, agent_id: UUID | None, tags: Collection[str], visit: str
) -> list[Calendar]:
    """Return the calendars in which an agent books a visit of a lead with these tags, the first choice first.

    A calendar that says for whom it is comes before those that take everybody: where any such fits, only
    those that fit are meant.
    """
    wanted = visit.strip().casefold()
    own: list[Calendar] = []
    common: list[Calendar] = []
    for row in calendars:
        if not row.active:
            continue
        kinds = {kind.casefold() for kind in row.visits}
        conditions = [
            (bool(row.agent_ids), agent_id is not None and str(agent_id) in row.agent_ids),
            (bool(row.lead_tags), not set(tags).isdisjoint(row.lead_tags)),
            (bool(kinds), wanted in kinds),
        ]
        said = [holds for is_said, holds in conditions if is_said]
        if all(said):
            (own if said else common).append(row)
    return own or common


def grid_of(calendar: Calendar, business: Business) -> Grid:
    """Return when a calendar is open, with what it leaves to the business."""
    days = tuple((day["from"], day["to"]) for day in calendar.days_off)
    country = business.region if calendar.public_holidays else None
    hours = business.working_hours if calendar.working_hours is None else calendar.working_hours
    return Grid(
        zone=ZoneInfo(business.time_zone), hours=hours,
        slot=timedelta(minutes=calendar.slot_minutes or business.slot_minutes),
        before=timedelta(minutes=calendar.buffer_before), after=timedelta(minutes=calendar.buffer_after),
        notice=timedelta(minutes=calendar.notice_minutes), ahead=timedelta(days=calendar.ahead_days),
        is_off=lambda day: is_off(day, days, country),
    )  # fmt: skip


def is_off(day: date, days_off: Iterable[tuple[str, str]], country: str | None) -> bool:
    """Return whether a day is one off, or a public holiday of the country if there is one."""
    if any(date.fromisoformat(first) <= day <= date.fromisoformat(last) for first, last in days_off):
        return True
    return country is not None and day in _holidays_of(country, day.year)


@lru_cache(maxsize=256)
def _holidays_of(country: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, years=year))


def knows_holidays(country: str) -> bool:
    """Return whether the public holidays of a country are known."""
    return country in holidays.list_supported_countries()


def make(session: Session, business: Business, wish: Mapping[str, Any], *, actor: str) -> Calendar:
    """Make a calendar behind the others. Raises InvalidInput and NotFound for an agent there is not."""
    rows = of_business(session, business)
    _lock(session, business.id)
    if len(rows) >= MOST:
        raise InvalidInput(f"A business has {MOST} calendars at most.", reason="most_calendars", most=MOST)
    _check(session, business, wish, rows, but=None)
    calendar = Calendar(business_id=business.id, position=max(row.position for row in rows) + 1, **wish)
    session.add(calendar)
    session.flush()
    announce("calendar.made", subject_id=calendar.id, actor=actor, name=calendar.name)
    return calendar


def change(
    session: Session, business: Business, calendar_id: UUID, changes: Mapping[str, Any], *, version: int,
    actor: str,
) -> Calendar:  # fmt: skip
    """Change what is named of a calendar as it was read; appointments that stand are left as they are.

    Raises NotFound, Outdated, InvalidInput, and Conflict where the default one would be switched off.
    """
    _lock(session, business.id)
    rows = session.scalars(
        select(Calendar).where(Calendar.business_id == business.id).execution_options(populate_existing=True)
    ).all()
    calendar = next((row for row in rows if row.id == calendar_id), None)
    if calendar is None:
        raise NotFound("There is no such calendar.")
    if calendar.version != version:
        raise Outdated(version=calendar.version)
    if calendar.is_default and changes.get("active") is False:
        raise Conflict(
            "The default calendar takes what no other one takes; it cannot be switched off.",
            reason="calendar_default",
        )
    _check(session, business, changes, rows, but=calendar_id)
    for field, value in changes.items():
        setattr(calendar, field, value)
    calendar.version += 1
    announce("calendar.changed", subject_id=calendar_id, actor=actor, fields=sorted(changes))
    return calendar


def delete(session: Session, business_id: UUID, calendar_id: UUID, *, actor: str) -> None:
    """Delete a calendar in which nothing was ever booked. Raises NotFound, Conflict."""
    _lock(session, business_id)
    calendar = get(session, business_id, calendar_id)
    if calendar.is_default:
        raise Conflict("The default calendar cannot be deleted.", reason="calendar_default")
    used = exists().where(Appointment.business_id == business_id, Appointment.calendar_id == calendar_id)
    if session.scalar(select(used)):
        raise Conflict(
            "Appointments stand in this calendar; switch it off instead, and it takes no more.",
            reason="calendar_used",
        )
    session.delete(calendar)
    announce("calendar.deleted", subject_id=calendar_id, actor=actor, name=calendar.name)


def _read(session: Session, business_id: UUID) -> Sequence[Calendar]:
    return session.scalars(
        select(Calendar).where(Calendar.business_id == business_id).order_by(Calendar.position, Calendar.id)
    ).all()


def _make_first(session: Session, business: Business) -> None:
    session.execute(
        insert(Calendar)
        .values(
            id=new_id(), business_id=business.id, name=_FIRST.get(business.language, _FIRST["en"]),
            colour="blue", position=1, is_default=True,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip


def _lock(session: Session, business_id: UUID) -> None:
    """Let one transaction at a time change the list: names, places and the default are about all of them."""
    session.execute(
        select(Calendar.id)
        .where(Calendar.business_id == business_id, Calendar.is_default)
        .with_for_update(key_share=True)
    )


def _check(
    session: Session, business: Business, wish: Mapping[str, Any], rows: Iterable[Calendar], *,
    but: UUID | None,
) -> None:  # fmt: skip
    for field, value in wish.items():
        if value is None and field not in _NULL_IS_THE_BUSINESS_S:
            raise InvalidInput(f"{field} cannot be empty.", reason="empty", field=field)
    name = wish.get("name")
    if name is not None and any(row.name == name and row.id != but for row in rows):
        raise InvalidInput(
            f"There is a calendar called {name!r} already.", reason="calendar_name_taken", name=name
        )
    if wish.get("public_holidays") and not knows_holidays(business.region):
        raise InvalidInput(
            f"The public holidays of {business.region} are not known here; write them as days off.",
            reason="holidays_unknown",
        )
    chosen = {UUID(agent_id) for agent_id in wish.get("agent_ids") or ()}
    if chosen and chosen - agents.names_of(session, business.id, chosen).keys():
        raise NotFound("There is no such agent.")
