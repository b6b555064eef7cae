"""How many calls fall on which day, and at which hours. Pure: knows no database.

Equal options give equal plans, so work that was broken off goes on where it stood.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_OF_WEEKDAYS = (1.0, 1.05, 1.0, 1.0, 0.9, 0.35, 0.25)
"""How busy Monday to Sunday are."""
_GROWTH = 0.5
"""By how much of itself the first day is busier at the end."""
_HOURS = (
    (0, 1), (5, 1), (6, 2), (7, 4), (8, 10), (9, 20), (10, 24), (11, 24), (12, 16), (13, 16), (14, 22),
    (15, 22), (16, 18), (17, 14), (18, 8), (19, 4), (20, 3), (21, 2), (22, 1), (23, 1),
)  # fmt: skip
"""Hours of the local day, and how many calls begin in each beside the others."""


@dataclass(frozen=True, slots=True)
class Volume:
    """How much a business gets."""

    leads: int
    calls: int
    days: int
    runs: int
    """How many of the days have a run that is over."""
    run_items: int
    """How many people each of them called; fewer on days with fewer calls."""
    turns: int
    """How often somebody speaks in a conversation."""


@dataclass(frozen=True, slots=True)
class Day:
    """One local day of a business and the calls on it, numbered through all days."""

    number: int
    starts: datetime
    ends: datetime
    first: int
    calls: int
    hours: tuple[int, ...]
    """The hours in which calls begin, each as often as it is likely."""
    run_items: int
    """How many of the calls, the first ones, are those of the day's run; 0: it has none."""

    @property
    def last(self) -> int:
        return self.first + self.calls - 1


def days_of(volume: Volume, *, until: datetime, zone: str) -> list[Day]:
    """Spread the calls over the days that end at an instant; the last one is over only as far as it is."""
    here = ZoneInfo(zone)
    last = until.astimezone(here).date()
    dates = [last - timedelta(days=back) for back in range(volume.days - 1, -1, -1)]
    starts = [_midnight(day, here) for day in [*dates, last + timedelta(days=1)]]
    hours = [_hours_until(until.astimezone(here)) if day == last else _all_hours() for day in dates]
    weights = [
        _OF_WEEKDAYS[day.weekday()] * (1 + _GROWTH * number / volume.days) * len(hours[number])
        for number, day in enumerate(dates)
    ]
    counts = _shared_out(volume.calls, weights)
    with_run = {len(dates) * number // volume.runs for number in range(volume.runs)}
    days, first = [], 1
    for number, count in enumerate(counts):
        items = min(volume.run_items, count, volume.leads) if number in with_run else 0
        days.append(
            Day(number, starts[number], min(starts[number + 1], until), first, count, hours[number], items)
        )
        first += count
    return days


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _all_hours() -> tuple[int, ...]:
    return tuple(hour for hour, weight in _HOURS for _ in range(weight))


def _hours_until(now: datetime) -> tuple[int, ...]:
    return tuple(hour for hour in _all_hours() if hour < now.hour)


def _shared_out(total: int, weights: list[float]) -> list[int]:
    """Split a total by weights into whole numbers that add up to it."""
    so_far, given, shares = 0.0, 0, []
    for weight in weights:
        so_far += weight
        upto = round(total * so_far / sum(weights))
        shares.append(upto - given)
        given = upto
    return shares
