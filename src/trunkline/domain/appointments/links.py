"""Links that lead to one appointment, and addresses at which programs read a calendar. Knows no letters.

A secret is made from what it is about and the installation's key, so that a job can write it into a letter;
rows keep its hash alone. A link's stands behind a `#`, which browsers send to nobody: it is in no log.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.domain.appointments.models import Appointment, Calendar
from trunkline.kit import tokens

_APPOINTMENT, _FEED = "appointment", "calendar feed"


@dataclass(frozen=True, slots=True)
class AppointmentLinks:
    """Where people find us, the key that makes secrets, and in whose name mail goes, if any does."""

    public_url: str
    token_key: bytes
    sender: str | None


_links: AppointmentLinks | None = None


def install_links(links: AppointmentLinks) -> None:
    """Make these the process's. Called once at start, and by tests."""
    global _links  # noqa: PLW0603 - one choice a process
    _links = links


def installed() -> AppointmentLinks:
    """Return the process's."""
    assert _links is not None  # every process installs them as it begins
    return _links


def link_to(session: Session, appointment: Appointment) -> str:
    """Return where an appointment's person moves or cancels it; from now on that link opens."""
    secret = secret_of(appointment.id)
    if appointment.link_hash is None:
        appointment.link_hash = tokens.fingerprint(secret)
        session.flush()
    return f"{installed().public_url}/appointment#{secret}"


def secret_of(appointment_id: UUID) -> str:
    """Return what proves that somebody was sent the link of an appointment."""
    return tokens.derived_secret(str(appointment_id), key=installed().token_key, purpose=_APPOINTMENT)


def open_feed(session: Session, calendar: Calendar) -> str:
    """Return a new address at which programs read a calendar; the one before opens no more."""
    calendar.feed_number += 1
    secret = _feed_secret(calendar)
    calendar.feed_hash = tokens.fingerprint(secret)
    session.flush()
    return _feed_address(secret)


def feed_of(calendar: Calendar) -> str | None:
    """Return the address at which programs read a calendar, if there is one."""
    return None if calendar.feed_hash is None else _feed_address(_feed_secret(calendar))


def _feed_secret(calendar: Calendar) -> str:
    number = str(calendar.feed_number)
    return tokens.derived_secret(str(calendar.id), number, key=installed().token_key, purpose=_FEED)


def _feed_address(secret: str) -> str:
    return f"{installed().public_url}/api/calendar-feeds/{secret}"
