"""Times of a zone's wall clock, as instants: what becomes of them when the clock is moved.

A time that the clock passes twice means the first. One that it leaves out means as long after midnight as on
other days: 02:30 becomes 03:30.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def instant_of(day: date, at: time, zone: str) -> datetime:
    """Return the instant, in UTC, at which the wall clock of a zone shows a time on a day."""
    return datetime.combine(day, at.replace(fold=0), ZoneInfo(zone)).astimezone(UTC)
