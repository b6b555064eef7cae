"""Pure decisions about time: which day a weekday means, and whether a slot lies in working hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

WorkingHours = Mapping[str, Sequence[Sequence[str]]]
"""Weekday name -> [from, to] pairs as HH:MM, local. A missing day is closed."""


def next_weekday(weekday: str, *, today: date) -> date:
    """Return the next date of that weekday after today; today's own name means a week from now."""
    ahead = (WEEKDAYS.index(weekday) - today.weekday() - 1) % 7 + 1
    return today + timedelta(days=ahead)


def is_within_hours(hours: WorkingHours, *, start: datetime, minutes: int) -> bool:
    """Return whether the whole slot lies inside one stretch of that day's hours. `start` is local."""
    ends = start + timedelta(minutes=minutes)
    return any(
        _at(start, opens) <= start and ends <= _at(start, closes)
        for opens, closes in hours.get(WEEKDAYS[start.weekday()], ())
    )


def slots_of_day(hours: WorkingHours, *, day: date, minutes: int) -> list[time]:
    """Return the starting times of a day's slots, local."""
    starts: list[time] = []
    for opens, closes in hours.get(WEEKDAYS[day.weekday()], ()):
        at = datetime.combine(day, time.fromisoformat(opens))
        last = datetime.combine(day, time.fromisoformat(closes)) - timedelta(minutes=minutes)
        while at <= last:
            starts.append(at.time())
            at += timedelta(minutes=minutes)
    return starts


def _at(moment: datetime, hhmm: str) -> datetime:
    clock_time = time.fromisoformat(hhmm)
    return moment.replace(hour=clock_time.hour, minute=clock_time.minute, second=0, microsecond=0)
