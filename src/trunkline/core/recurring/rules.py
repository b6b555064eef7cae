"""When a recurring job is due: pure decisions over rules, instants and what was fired before.

Knows neither tables nor jobs. All instants are aware; what is returned is in UTC.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_UNITS = ((_DAY, "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))

# The clock may go back over midnight, and a zone may leave out a date when it crosses the date line:
# the tick next to an instant is that of a date at most this far from the instant's own.
_DATES_AROUND = 3


class Misfire(enum.StrEnum):
    """What becomes of ticks that passed while no scheduler ran."""

    LATEST = "latest"
    """The newest of them is fired, however late; the others are counted as missed."""
    SKIP = "skip"
    """The newest is fired if it is found within the grace; all others are counted as missed."""


@dataclass(frozen=True, slots=True)
class Every:
    """Ticks at the multiples of a period since 1970, UTC, moved on by an offset smaller than it."""

    period: timedelta
    offset: timedelta = timedelta()

    def __post_init__(self) -> None:
        if self.period < timedelta(seconds=1):
            raise ValueError("schedulers look once a second: a shorter period cannot be kept")
        if not timedelta() <= self.offset < self.period:
            raise ValueError("an offset is shorter than the period, and not negative")

    def newest(self, instant: datetime) -> datetime:
        """Return the newest tick at or before an instant."""
        since = instant - _EPOCH - self.offset
        return _EPOCH + self.offset + since // self.period * self.period

    def following(self, instant: datetime) -> datetime:
        """Return the first tick after an instant."""
        return self.newest(instant) + self.period

    def count(self, *, after: datetime, until: datetime) -> int:
        """Return how many ticks there are after one instant and up to another, which is not before it."""
        return (self.newest(until) - self.newest(after)) // self.period

    def __str__(self) -> str:
        moved = f", {length_in_words(self.offset)} later" if self.offset else ""
        return f"every {length_in_words(self.period)}{moved}"


@dataclass(frozen=True, slots=True)
class Daily:
    """One tick on each date of a zone, at a time of the wall clock.

    A time that the clock passes twice means the first. One that it leaves out is taken as far after the
    last midnight as on other days, or as far before the next, whichever is still on that date. A date
    that a zone leaves out altogether has no tick.
    """

    at: time
    zone: str
    """A name such as Asia/Jerusalem."""

    def __post_init__(self) -> None:
        if self.at.tzinfo is not None:
            raise ValueError("the time is the zone's; it has no zone of its own")
        ZoneInfo(self.zone)

    def tick_on(self, day: date) -> datetime | None:
        """Return the tick of a date, or None for a date that the zone never had."""
        zone = ZoneInfo(self.zone)
        for fold in (0, 1):
            instant = datetime.combine(day, self.at.replace(fold=fold), zone).astimezone(UTC)
            if instant.astimezone(zone).date() == day:
                return instant
        return None

    def newest(self, instant: datetime) -> datetime:
        """Return the newest tick at or before an instant."""
        return max(tick for tick in self._around(instant) if tick <= instant)

    def following(self, instant: datetime) -> datetime:
        """Return the first tick after an instant."""
        return min(tick for tick in self._around(instant) if tick > instant)

    def count(self, *, after: datetime, until: datetime) -> int:
        """Return how many ticks there are after one instant and up to another, which is not before it."""
        zone = ZoneInfo(self.zone)
        first = after.astimezone(zone).date() - _DAY * _DATES_AROUND
        days = (until.astimezone(zone).date() - first).days + _DATES_AROUND
        ticks = (self.tick_on(first + _DAY * number) for number in range(days + 1))
        return sum(tick is not None and after < tick <= until for tick in ticks)

    def _around(self, instant: datetime) -> Iterator[datetime]:
        today = instant.astimezone(ZoneInfo(self.zone)).date()
        for number in range(-_DATES_AROUND, _DATES_AROUND + 1):
            tick = self.tick_on(today + _DAY * number)
            if tick is not None:
                yield tick

    def __str__(self) -> str:
        return f"daily at {self.at:%H:%M} {self.zone}"


Rule = Every | Daily


@dataclass(frozen=True, slots=True)
class Due:
    """A tick to be taken: whether it is fired, and how many went by unfired up to it."""

    tick: datetime
    fires: bool
    missed: int


def due(rule: Rule, misfire: Misfire, *, grace: timedelta, last_tick: datetime, now: datetime) -> Due | None:
    """Return what is to be done about the ticks since `last_tick`; None while there is none.

    `last_tick` need not be a tick of the rule: the rule may have been another when it was taken.
    """
    tick = rule.newest(now)
    if tick <= last_tick:
        return None
    passed = rule.count(after=last_tick, until=tick)
    fires = misfire is Misfire.LATEST or now - tick <= grace
    return Due(tick, fires, passed - fires)


def length_in_words(length: timedelta) -> str:
    """Say a length of time in the largest unit that divides it."""
    for unit, name in _UNITS:
        if length >= unit and not length % unit:
            return _counted(length // unit, name)
    return _counted(length.total_seconds(), "second")


def _counted(number: float, name: str) -> str:
    return f"{number:g} {name}{'' if number == 1 else 's'}"
