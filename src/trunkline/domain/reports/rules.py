"""Pure decisions about figures: which quarters are settled, where a business's days begin, what a rate is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SETTLES = timedelta(hours=1)
"""How long after its end a quarter is rolled up: most of its calls are over by then, and fewer change it."""


def quarter_of(instant: datetime) -> datetime:
    """Return when the quarter of an hour began that an instant is in."""
    return _EPOCH + (instant.astimezone(UTC) - _EPOCH) // QUARTER * QUARTER


def settled_until(now: datetime) -> datetime:
    """Return up to where quarters are rolled up."""
    return quarter_of(now - _SETTLES)


def stretches(quarters: Iterable[datetime], *, longest: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Join quarters that follow each other, given in order; yield from when to when each stretch goes."""
    since = until = None
    for quarter in quarters:
        if since is not None and until == quarter and until - since < longest:
            until = quarter + QUARTER
            continue
        if since is not None and until is not None:
            yield since, until
        since, until = quarter, quarter + QUARTER
    if since is not None and until is not None:
        yield since, until


def day_begins(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a date, in UTC; where the clock leaves midnight out, that of the change."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def hours_of(day: date, zone: ZoneInfo) -> list[datetime]:
    """Return the hours of a date, in UTC: 23 or 25 of them where the clock is changed.

    As PostgreSQL cuts them: an instant less the minutes that the clock shows.
    """
    instant, ends = day_begins(day, zone), day_begins(day + timedelta(days=1), zone)
    hours = []
    while instant < ends:
        hours.append(instant - timedelta(minutes=instant.astimezone(zone).minute))
        instant += QUARTER
    return list(dict.fromkeys(hours))


def rate(part: int, whole: int) -> float | None:
    """Return a share from 0 to 1, rounded; None of nothing."""
    return round(part / whole, 4) if whole else None


def first_of_month(day: date, back: int) -> date:
    """Return the first day of the month that was so many months before a date's."""
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)
