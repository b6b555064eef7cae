"""People's door to calendars: keeping them, and what is free in them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.times import Day
from trunkline.domain.appointments import calendars, slots
from trunkline.domain.appointments.schemas import (
    CalendarChange,
    CalendarIn,
    CalendarOut,
    CalendarsOut,
    SlotOut,
    SlotsOut,
)
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock

router = APIRouter(prefix="/api", tags=["appointments"])


@router.get("/calendars")
def read_calendars(session: SessionDep, who: PrincipalDep) -> CalendarsOut:
    """The business's calendars, also those that are switched off."""
    rows = calendars.of_business(session, tenants.get_business(session, who.business))
    return CalendarsOut(calendars=[CalendarOut.model_validate(row) for row in rows])


@router.post("/calendars", status_code=201)
def make_calendar(body: CalendarIn, session: SessionDep, who: PrincipalDep) -> CalendarOut:
    """Make a calendar; what is not named is the business's, or nothing."""
    who.require(Role.ADMIN)
    business = tenants.get_business(session, who.business)
    wish = {"colour": "teal", **body.said()}
    return CalendarOut.model_validate(calendars.make(session, business, wish, actor=who.email))


@router.patch("/calendars/{calendar_id}")
def change_calendar(
    calendar_id: UUID, body: CalendarChange, session: SessionDep, who: PrincipalDep
) -> CalendarOut:
    """Change what is named of a calendar. 409 `outdated` where somebody has changed it since it was read."""
    who.require(Role.ADMIN)
    business = tenants.get_business(session, who.business)
    changed = calendars.change(
        session, business, calendar_id, body.said(), version=body.version, actor=who.email
    )
    return CalendarOut.model_validate(changed)


@router.delete("/calendars/{calendar_id}", status_code=204)
def delete_calendar(calendar_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Delete a calendar in which nothing was ever booked."""
    who.require(Role.ADMIN)
    calendars.delete(session, who.business, calendar_id, actor=who.email)


@router.get("/free-slots")
def read_free_slots(
    session: SessionDep,
    who: PrincipalDep,
    *,
    first: Annotated[Day | None, Query(alias="from")] = None,
    last: Annotated[Day | None, Query(alias="to")] = None,
    calendar_id: Annotated[list[UUID] | None, Query(max_length=50)] = None,
    minutes: Annotated[int | None, Query(ge=15, le=240)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> SlotsOut:
    """What is free from one local day to another; without the other what is free next, within a year.

    `minutes` is how long, if not as long as each calendar's slots; without a calendar all that are active.
    """
    business = tenants.get_business(session, who.business)
    chosen = (
        [calendars.get(session, who.business, one) for one in calendar_id]
        if calendar_id
        else [row for row in calendars.of_business(session, business) if row.active]
    )
    today = clock.now().astimezone(ZoneInfo(business.time_zone)).date()
    found = slots.find(
        session, business, chosen, first=first or today, last=last, limit=limit,
        length=None if minutes is None else timedelta(minutes=minutes),
    )  # fmt: skip
    return SlotsOut(slots=[SlotOut.model_validate(slot) for slot in found])
