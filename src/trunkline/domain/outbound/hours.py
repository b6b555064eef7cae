"""When a number may be rung, to the minute, in the time of whoever it belongs to. Pure.

A number may be at home in several zones, since a country code or an area may span them: then it is
calling time only where it is calling time in all of them. Of a number that nobody can place it never
is, unless nothing depends on where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from trunkline.domain.tenants.calling_rules import WEEK, CallingRules

_DAYS_AHEAD = 15

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
        closes = window["to"]
        until = None if closes == "24:00" else time.fromisoformat(closes)
        return cls(time.fromisoformat(window["from"]), until, rules)

    @property
    def is_always(self) -> bool:
        """True where no moment is shut, wherever the number is."""
        rules = self.rules
        return (
            self.opens == time(0) and self.closes is None and set(rules.days) == set(WEEK)
            and not rules.holidays and not rules.public_holidays
        )  # fmt: skip


def next_opening(
    zones: Sequence[str], hours: Hours, *, country: str | None, now: datetime
) -> datetime | None:
    """Return when the number may next be rung, `now` if at once, within two weeks.

    None: not by these hours, because nobody can place the number or its zones share no hour.
    """
    if hours.is_always:
        return now
    if not zones or (hours.rules.public_holidays and country is None):
        return None
    shared: list[Interval] | None = None
    for zone in zones:
        open_here = list(_openings(ZoneInfo(zone), hours, country, now))
        shared = open_here if shared is None else _both(shared, open_here)
    for begins, ends in shared or ():
        if now < ends:
            return max(begins, now)
    return None


def _openings(zone: ZoneInfo, hours: Hours, country: str | None, now: datetime) -> Iterable[Interval]:
    """Yield the open intervals of one zone from today on, neighbouring ones as they come."""
    today = now.astimezone(zone).date()
    for day in (today + timedelta(days=ahead) for ahead in range(-1, _DAYS_AHEAD)):
        if not _is_open(day, hours.rules, country):
            continue
        begins = datetime.combine(day, hours.opens, zone)
        last = day if hours.closes is not None else day + timedelta(days=1)
        ends = datetime.combine(last, hours.closes or time(0), zone)
        if begins < ends:
            yield begins.astimezone(UTC), ends.astimezone(UTC)


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


@lru_cache(maxsize=256)
def _public_holidays(country: str, year: int) -> frozenset[date]:
    """Return a country's public holidays; none where the calendar does not know the country."""
    if country not in holidays.list_supported_countries(include_aliases=False):
        return frozenset()
    return frozenset(holidays.country_holidays(country, years=year))
