"""When a number may be rung, to the minute, in the time of whoever it belongs to. Pure.

A number may be at home in several zones, since a country code or an area may span them: then it is
calling time only where it is calling time in all of them. Of a number that nobody can place it never
is, unless nothing depends on where it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from trunkline.domain.tenants.calling_rules import WEEK, CallingRules

_AT_ONCE = timedelta(days=3)
"""How many days are looked at together, and remembered."""
_FURTHEST = timedelta(days=405)
"""How far ahead is looked: a business may close for long, but a year holds every day once."""
_NO_END = timedelta(days=14)

Interval = tuple[datetime, datetime]
"""From the first, up to but not with the second, in UTC."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A daily window of local time and the days on which there is none."""

    opens: time
    closes: time | None
    """None: midnight at the end of the day."""
    rules: CallingRules = field(default_factory=CallingRules)

    @classmethod
    def of(cls, window: Mapping[str, str], rules: CallingRules) -> Hours:
        """Read a business's window, {"from": HH:MM, "to": HH:MM}, where 24:00 is the end of the day."""
        return _hours(window["from"], window["to"], rules)

    @property
    def of_every_day(self) -> Hours:
        """The same hours on every day there is."""
        return _hours_of_every_day(self.opens, self.closes)

    @property
    def is_always(self) -> bool:
        """True where no moment is shut, wherever the number is."""
        rules = self.rules
        return (
            self.opens == time(0) and self.closes is None and set(rules.days) == set(WEEK)
            and not rules.holidays and not rules.public_holidays
        )  # fmt: skip


@lru_cache(maxsize=512)
def _hours(opens: str, closes: str, rules: CallingRules) -> Hours:
    """The same object for the same hours: to compare two that differ only as objects takes its time."""
    return Hours(time.fromisoformat(opens), None if closes == "24:00" else time.fromisoformat(closes), rules)


@lru_cache(maxsize=512)
def _hours_of_every_day(opens: time, closes: time | None) -> Hours:
    return Hours(opens, closes)


def next_opening(
    zones: Sequence[str], hours: Hours, *, country: str | None, now: datetime
) -> datetime | None:
    """Return when the number may next be rung, `now` if at once.

    The clock on the wall decides, also on a day on which it is changed. None: not by these hours,
    because nobody can place the number, its zones share no hour, or no day of the next year is open.
    """
    if hours.is_always:
        return now
    return next((opens for opens, _ in _open_from(zones, hours, country, now)), None)


def next_stretch(
    zones: Sequence[str], hours: Hours, *, country: str | None, now: datetime
) -> tuple[datetime, datetime | None] | None:
    """Return from when until when the number may next be rung; the first is `now` if at once.

    The second is None where it shuts at no time within two weeks. None as of `next_opening`.
    """
    if hours.is_always:
        return now, None
    found = _open_from(zones, hours, country, now)
    begins, ends = next(found, (None, None))
    if begins is None or ends is None:
        return None
    for opens, closes in found:
        if opens > ends:
            return begins, ends
        if closes - begins > _NO_END:
            return begins, None
        ends = max(ends, closes)
    return begins, ends


def _open_from(zones: Sequence[str], hours: Hours, country: str | None, now: datetime) -> Iterator[Interval]:
    """Yield when the number may be rung from now on, in order; one that goes on over midnight in parts."""
    if not zones or (hours.rules.public_holidays and not _has_calendar(country)):
        return
    today = now.astimezone(UTC).date()
    if not _is_ever_open(tuple(zones), hours.of_every_day, today):
        return
    # Where public holidays are not heeded, all countries with a zone have its hours.
    heeded = country if hours.rules.public_holidays else None
    for day in range(0, _FURTHEST.days, _AT_ONCE.days):
        for opens, closes in _shared(tuple(zones), hours, heeded, today + timedelta(days=day)):
            if closes > now:
                yield max(opens, now), closes


@lru_cache(maxsize=1_024)
def _is_ever_open(zones: tuple[str, ...], hours: Hours, day: date) -> bool:
    """Return whether hours of every day are open in all of these zones at any time of the coming year.

    A few days tell nothing of the others: New York and Berlin are an hour nearer to each other for some
    weeks, and may share a window in these alone.
    """
    looks = range(0, _FURTHEST.days, _AT_ONCE.days)
    # Not remembered one by one, since they are looked at no more.
    return any(_shared.__wrapped__(zones, hours, None, day + timedelta(days=ahead)) for ahead in looks)


@lru_cache(maxsize=4_096)
def _shared(zones: tuple[str, ...], hours: Hours, country: str | None, day: date) -> Sequence[Interval]:
    """Return when it is open in all of these zones, from a UTC day's beginning on for some days.

    Remembered: of a list's numbers most are at home in the same few zones.
    """
    begins = datetime.combine(day, time(0), UTC)
    shared: Sequence[Interval] | None = None
    for zone in zones:
        open_here = list(_openings(ZoneInfo(zone), hours, country, begins, begins + _AT_ONCE))
        shared = open_here if shared is None else _both(shared, open_here)
    return tuple(shared or ())


def _openings(
    zone: ZoneInfo, hours: Hours, country: str | None, begins: datetime, ends: datetime
) -> Iterator[Interval]:
    """Yield when it is open in a zone between two moments, in order, neighbouring ones as they come."""
    for since, until, offset in _between_changes(zone, begins, ends):
        day, last = (since + offset).date(), (until + offset).date()
        while day <= last:
            if _is_open(day, hours.rules, country):
                midnight = datetime.combine(day + timedelta(days=1), time(0), UTC)
                closes = midnight if hours.closes is None else datetime.combine(day, hours.closes, UTC)
                opens = max(datetime.combine(day, hours.opens, UTC) - offset, since)
                closes = min(closes - offset, until)
                if opens < closes:
                    yield opens, closes
            day += timedelta(days=1)


def _between_changes(
    zone: ZoneInfo, begins: datetime, ends: datetime
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Yield the stretches of time in which a zone's clocks are not changed, with their offset from UTC."""
    since = at = begins.astimezone(UTC)
    offset = _offset(zone, at)
    while at < ends:
        later = min(at + timedelta(days=1), ends.astimezone(UTC))
        if _offset(zone, later) != offset:
            change = _change(zone, at, later)
            yield since, change, offset
            since, offset = change, _offset(zone, change)
        at = later
    yield since, at, offset


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the second at which a zone's clocks are changed between two moments."""
    offset = _offset(zone, before)
    low, high = int(before.timestamp()), int(after.timestamp()) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, datetime.fromtimestamp(middle, UTC)) == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None  # every moment has one in a zone
    return offset


def _is_open(day: date, rules: CallingRules, country: str | None) -> bool:
    return (
        WEEK[day.weekday()] in rules.days
        and day not in rules.holidays
        and not (rules.public_holidays and country is not None and day in _public_holidays(country, day.year))
    )


def _both(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    """Return where two rising sequences of intervals overlap."""
    shared, here, there = [], 0, 0
    while here < len(one) and there < len(other):
        begins = max(one[here][0], other[there][0])
        ends = min(one[here][1], other[there][1])
        if begins < ends:
            shared.append((begins, ends))
        if one[here][1] <= other[there][1]:
            here += 1
        else:
            there += 1
    return shared


@lru_cache(maxsize=512)
def _has_calendar(country: str | None) -> bool:
    """Return whether we know the public holidays of a country; where we do not, every day may be one."""
    return country in holidays.list_supported_countries(include_aliases=False)


@lru_cache(maxsize=512)
def _public_holidays(country: str, year: int) -> frozenset[date]:
    """Return a country's public holidays, those of all of it."""
    return frozenset(holidays.country_holidays(country, years=year))
