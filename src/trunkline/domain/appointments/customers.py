"""What the person of an appointment does by the link that they were sent: look, move it, cancel it.

The link is the proof; nobody signs in. How often one address asks is counted in the system's scope, so that
nobody tries secrets out. What is told is what the person knows already, and times that are free.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core import limits
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.errors import Conflict, NotFound, SlotTaken
from trunkline.core.events import announce
from trunkline.core.tenancy import business_of_appointment_link
from trunkline.domain.appointments import booking, calendars, ics, links, slots
from trunkline.domain.appointments.models import Appointment, AppointmentState, Calendar
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock, tokens

ASKED_A_MINUTE = 60
"""How often one address may come with a link, right or wrong."""
_ASKED = "appointment_link.used"
_ACTOR = "customer"
_SLOTS = 200


class Standing(enum.StrEnum):
    """What its person can do about an appointment."""

    OPEN = "open"
    TOO_LATE = "too_late"
    """It begins within the calendar's notice: only the business moves it now."""
    OVER = "over"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Mine:
    """An appointment as its person sees it."""

    standing: Standing
    starts_at: datetime
    ends_at: datetime
    visit: str
    version: int
    business: str
    language: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class _Opened:
    session: Session
    business: Business
    calendar: Calendar
    appointment: Appointment

    @property
    def standing(self) -> Standing:
        row = self.appointment
        if row.state == AppointmentState.CANCELLED:
            return Standing.CANCELLED
        if row.state != AppointmentState.BOOKED or row.starts_at <= clock.now():
            return Standing.OVER
        notice = calendars.grid_of(self.calendar, self.business).notice
        return Standing.TOO_LATE if row.starts_at < clock.now() + notice else Standing.OPEN

    @property
    def mine(self) -> Mine:
        row = self.appointment
        return Mine(
            self.standing, row.starts_at, row.ends_at, row.visit, row.version, self.business.name,
            self.business.language, self.business.time_zone,
        )  # fmt: skip

    def require_open(self) -> None:
        if self.standing is not Standing.OPEN:
            raise Conflict(
                "This appointment can no longer be changed by its link.", reason="link_closed",
                standing=self.standing,
            )  # fmt: skip


def look(secret: str, *, address: str) -> Mine:
    """Return what a link is about. Raises NotFound, TooManyRequests."""
    with _opened(secret, address) as it:
        return it.mine


def free(secret: str, *, first: date | None, last: date | None, address: str) -> Sequence[slots.Slot]:
    """Return where its appointment could be moved. Raises NotFound, Conflict, TooManyRequests."""
    with _opened(secret, address) as it:
        it.require_open()
        row = it.appointment
        today = clock.now().astimezone(ZoneInfo(it.business.time_zone)).date()
        return slots.find(
            it.session, it.business, [it.calendar], first=first or today, last=last,
            length=row.ends_at - row.starts_at, but=row.id, limit=_SLOTS,
        )  # fmt: skip


def move(secret: str, *, starts_at: datetime, version: int, address: str) -> Mine:
    """Move it to another time of its calendar, as long as it is. Raises as booking does, and NotFound."""
    with _opened(secret, address) as it:
        row = booking.locked(it.session, it.business.id, it.appointment.id, version=version)
        it.require_open()
        try:
            booking.move(
                it.session, it.business, row, it.calendar, booking.Wish(starts_at, offered=True), actor=_ACTOR
            )
        except SlotTaken as taken:
            # Who holds it, and from when to when, is nobody else's to know.
            raise SlotTaken("That time is taken.", free=taken.data["free"]) from taken
        return it.mine


def cancel(secret: str, *, version: int, address: str) -> Mine:
    """Give its time free. Raises NotFound, Conflict, TooManyRequests."""
    with _opened(secret, address) as it:
        row = booking.locked(it.session, it.business.id, it.appointment.id, version=version)
        it.require_open()
        booking.cancel(it.session, row, actor=_ACTOR)
        return it.mine


def as_ics(secret: str, *, address: str) -> str:
    """Return it for the calendar of its person. Raises NotFound, TooManyRequests."""
    with _opened(secret, address) as it:
        link = links.link_to(it.session, it.appointment)
        event = ics.Event(it.appointment, it.business.name, url=link)
        return ics.write([event], method=ics.PUBLISH, name=it.business.name, sender=None, now=clock.now())


@contextmanager
def _opened(secret: str, address: str) -> Iterator[_Opened]:
    token_hash = tokens.fingerprint(secret)
    with unit_of_work(SYSTEM) as session:
        limits.count_one(session, _ASKED, address, most=ASKED_A_MINUTE)
        announce(_ASKED, subject_id=None, actor=address)
        business_id = business_of_appointment_link(session, token_hash)
    if business_id is None:
        raise _nothing()
    with unit_of_work(of_business(business_id)) as session:
        row = session.scalar(
            select(Appointment).where(
                Appointment.business_id == business_id, Appointment.link_hash == token_hash
            )
        )
        if row is None:
            raise _nothing()
        business = tenants.get_business(session, business_id)
        yield _Opened(session, business, calendars.get(session, business_id, row.calendar_id), row)


def _nothing() -> NotFound:
    return NotFound("This link leads to no appointment.", reason="link_over")
