"""Appointments as other programs' calendars read them: RFC 5545, and RFC 5546 for invitations. Pure.

An appointment's UID never changes and its SEQUENCE grows with each version, so that a reader moves the event
that they have. The library is loaded when the first one is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr

from trunkline.domain.appointments.models import Appointment, AppointmentState

REQUEST, CANCEL, PUBLISH = "REQUEST", "CANCEL", "PUBLISH"
MEDIA_TYPE = "text/calendar; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Event:
    """One appointment with what its reader is told of it."""

    appointment: Appointment
    title: str
    url: str = ""
    description: str = ""
    attendee: str | None = None
    """Whom it is for, by their e-mail address."""


def write(events: Iterable[Event], *, method: str, name: str, sender: str | None, now: datetime) -> str:
    """Return a calendar with these events. `sender` is whoever's letters they come in."""
    import icalendar  # noqa: PLC0415 - most processes never write one

    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Trunkline//Appointments//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add("x-wr-calname", name)
    for event in events:
        row = event.appointment
        entry = icalendar.Event()
        entry.add("uid", f"{row.id}@trunkline")
        entry.add("sequence", row.version - 1)
        entry.add("dtstamp", now)
        entry.add("dtstart", row.starts_at)
        entry.add("dtend", row.ends_at)
        entry.add("summary", event.title)
        is_off = row.state == AppointmentState.CANCELLED or method == CANCEL
        entry.add("status", "CANCELLED" if is_off else "CONFIRMED")
        if event.description:
            entry.add("description", event.description)
        if event.url:
            entry.add("url", event.url)
        if sender is not None and method != PUBLISH:
            shown, address = parseaddr(sender)
            organizer = icalendar.vCalAddress(f"mailto:{address}")
            organizer.params["CN"] = shown or name
            entry.add("organizer", organizer)
        if event.attendee is not None and method != PUBLISH:
            attendee = icalendar.vCalAddress(f"mailto:{event.attendee}")
            attendee.params["RSVP"] = "FALSE"
            attendee.params["PARTSTAT"] = "ACCEPTED"
            entry.add("attendee", attendee)
        calendar.add_component(entry)
    return str(calendar.to_ical().decode())
