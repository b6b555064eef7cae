"""Pure decisions about time: when a calendar is open, which slots a day has, and whether a stretch fits.

A clock that a zone leaves out when it puts its clocks forward is no slot; one that it shows twice is two, an
hour apart.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from trunkline.kit.wall_clock import instants_of

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

WorkingHours = Mapping[str, Sequence[Sequence[str]]]
"""Weekday name -> [from, to] pairs as HH:MM, local; 24:00 is the day's end. A missing day is closed."""

Interval = tuple[datetime, datetime]
"""From the first, up to but not with the second, in UTC."""

_DAY = timedelta(days=1)
_NO_TIME = timedelta(0)
_MIDNIGHT = "24:00"


class Misfit(enum.StrEnum):
    """Why a stretch of time cannot be had in a calendar, whoever has it."""

    PAST = "time_past"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"
    DAY_OFF = "day_off"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Grid:
    """What of a calendar decides when it can be booked."""

    zone: ZoneInfo
    hours: WorkingHours
    slot: timedelta
    before: timedelta = _NO_TIME
    """How long ahead of each appointment nobody else comes."""
    after: timedelta = _NO_TIME
    notice: timedelta = _NO_TIME
    """How long before its start an appointment is made at the latest."""
    ahead: timedelta = timedelta(days=365)
    """How far ahead it is made at most."""
    is_off: Callable[[date], bool] = lambda _: False
    """Whether nobody works on a day, whatever the weekday's hours are."""


def next_weekday(weekday: str, *, today: date) -> date:
    """Return the next date of that weekday after today; today's own name means a week from now."""
    ahead = (WEEKDAYS.index(weekday) - today.weekday() - 1) % 7 + 1
    return today + timedelta(days=ahead)


def day_of(day: date, zone: ZoneInfo) -> Interval:
    """Return a local day as instants; it may have 23, 24 or 25 hours."""
    begins, ends = (_edge(datetime.combine(one, time()), zone, last=False) for one in (day, day + _DAY))
    return begins, ends


def stretches_of(grid: Grid, day: date) -> list[Interval]:
    """Return the stretches of a local day in which the calendar is open."""
    return [
        (_edge(opens, grid.zone, last=False), _edge(closes, grid.zone, last=True))
        for opens, closes in _walls(grid, day)
    ]


def slots_of(grid: Grid, day: date) -> list[datetime]:
    """Return the instants at which the slots of a local day begin, the earliest first."""
    starts: set[datetime] = set()
    for opens, closes in _walls(grid, day):
        ends = _edge(closes, grid.zone, last=True)
        wall = opens
        while wall + grid.slot <= closes:
            starts.update(start for start in instants_of(wall, grid.zone) if start + grid.slot <= ends)
            wall += grid.slot
    return sorted(starts)


def is_slot(grid: Grid, starts_at: datetime, length: timedelta | None = None) -> bool:
    """Return whether a slot begins then: of the grid's own length, or of this one, if it is said."""
    day = starts_at.astimezone(grid.zone).date()
    grids = [grid] if length is None else [grid, replace(grid, slot=length)]
    return any(starts_at in slots_of(one, day) for one in grids)


def misfit(grid: Grid, starts_at: datetime, ends_at: datetime, *, now: datetime) -> Misfit | None:
    """Return why a stretch cannot be had; None: it can, if nobody has it."""
    if starts_at <= now:
        return Misfit.PAST
    if starts_at < now + grid.notice:
        return Misfit.TOO_SOON
    if starts_at > now + grid.ahead:
        return Misfit.TOO_FAR
    day = starts_at.astimezone(grid.zone).date()
    if grid.is_off(day):
        return Misfit.DAY_OFF
    inside = any(opens <= starts_at and ends_at <= closes for opens, closes in stretches_of(grid, day))
    return None if inside else Misfit.CLOSED


def free_of(grid: Grid, starts: Iterable[datetime], busy: Sequence[Interval]) -> Iterator[datetime]:
    """Return the slots that nobody holds; `busy` are held stretches, buffers included."""
    for start in starts:
        begins, ends = held(grid, start, start + grid.slot)
        if not any(one < ends and begins < other for one, other in busy):
            yield start


def held(grid: Grid, starts_at: datetime, ends_at: datetime) -> Interval:
    """Return what an appointment keeps from others: itself and the calendar's buffers around it."""
    return starts_at - grid.before, ends_at + grid.after


def _walls(grid: Grid, day: date) -> Iterator[tuple[datetime, datetime]]:
    if grid.is_off(day):
        return
    for opens, closes in grid.hours.get(WEEKDAYS[day.weekday()], ()):
        yield _on(day, opens), _on(day, closes)


def _on(day: date, clock: str) -> datetime:
    if clock == _MIDNIGHT:
        return datetime.combine(day + _DAY, time())
    return datetime.combine(day, time.fromisoformat(clock))


def _edge(wall: datetime, zone: ZoneInfo, *, last: bool) -> datetime:
    """Return the first instant (or the last) at which the clocks show this or have just gone past it."""
    found = instants_of(wall, zone)
    if found:
        return found[-1] if last else found[0]
    # Left out: the moment at which the clocks are put forward over it.
    after, before = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after
