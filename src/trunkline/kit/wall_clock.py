"""Times of a zone's wall clock, as instants: what becomes of them when the clock is moved.

Where one instant is meant, a time that the clock passes twice is the first, and one that it leaves out is as
long after midnight as on other days (02:30 becomes 03:30), as RFC 5545 has it for calendars.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


def instants_of(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the instants at which a zone's clocks show this: none, one or two, the earlier first."""
    found: list[datetime] = []
    for fold in (0, 1):
        instant = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == wall and instant not in found:
            found.append(instant)
    return found


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, that a time on a day means by the wall clock of a zone."""
    return datetime.combine(day, at.replace(fold=0), zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Quiet:
    """When nobody is disturbed: from one local time to another, HH:MM; over midnight where it is earlier."""

    from_: str
    to: str

    @classmethod
    def between(cls, from_: str | None, to: str | None) -> Quiet | None:
        """Return the quiet hours that two columns say; None: they say none."""
        return None if from_ is None or to is None else cls(from_, to)


def quiet_until(quiet: Quiet | None, *, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the quiet hours end in which `now` lies, in UTC; None: it lies in none.

    In the night in which the clock is moved they are an hour shorter or longer.
    """
    if quiet is None or quiet.from_ == quiet.to:
        return None
    today = now.astimezone(zone).date()
    for day in (today - _DAY, today):
        begins = instant_of(day, time.fromisoformat(quiet.from_), zone)
        over = day if quiet.from_ < quiet.to else day + _DAY
        ends = instant_of(over, time.fromisoformat(quiet.to), zone)
        if begins <= now < ends:
            return ends
    return None
