"""Pure decisions about tasks: when one is due by the wall clock of its business, and when it comes again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dateutil import rrule

from trunkline.core.errors import InvalidInput
from trunkline.kit.wall_clock import instant_of

_DAY = timedelta(days=1)
_MIDNIGHT = time(0)
MORNING = time(9)
"""When one is reminded of what is due on a day at no particular time."""
_MOST_INTERVAL = 99
_FREQUENCIES: Final = {"DAILY": rrule.DAILY, "WEEKLY": rrule.WEEKLY, "MONTHLY": rrule.MONTHLY}
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_SHORTEST_MONTH = 28


@dataclass(frozen=True, slots=True)
class Rule:
    """How something comes again."""

    frequency: str
    interval: int
    weekdays: tuple[str, ...]
    until: date | None

    def __str__(self) -> str:
        parts = [f"FREQ={self.frequency}"]
        if self.interval > 1:
            parts.append(f"INTERVAL={self.interval}")
        if self.weekdays:
            parts.append(f"BYDAY={','.join(self.weekdays)}")
        if self.until is not None:
            parts.append(f"UNTIL={self.until:%Y%m%d}")
        return ";".join(parts)


def due_instant(due_on: date, due_time: time | None, zone: str) -> datetime:
    """Return from when on something is overdue: at its time, and at the end of its day where it has none."""
    if due_time is None:
        return instant_of(due_on + _DAY, _MIDNIGHT, ZoneInfo(zone))
    return instant_of(due_on, due_time, ZoneInfo(zone))


def read_rule(text: str) -> Rule:
    """Return a recurrence rule of RFC 5545: FREQ daily, weekly or monthly, INTERVAL, BYDAY (weekly), UNTIL.

    Raises InvalidInput.
    """
    parts: dict[str, str] = {}
    for part in text.upper().removeprefix("RRULE:").split(";"):
        name, sign, value = part.partition("=")
        if not sign or name not in {"FREQ", "INTERVAL", "BYDAY", "UNTIL"} or name in parts:
            raise _no_rule(f"{part[:40]!r} is not understood")
        parts[name] = value
    frequency, interval = parts.get("FREQ", ""), parts.get("INTERVAL", "1")
    if frequency not in _FREQUENCIES:
        raise _no_rule(f"FREQ is one of {', '.join(_FREQUENCIES)}")
    if not (interval.isascii() and interval.isdigit()) or not 1 <= int(interval) <= _MOST_INTERVAL:
        raise _no_rule(f"INTERVAL is a number from 1 to {_MOST_INTERVAL}")
    named = parts["BYDAY"].split(",") if "BYDAY" in parts else []
    if not set(named) <= set(_WEEKDAYS) or (named and frequency != "WEEKLY"):
        raise _no_rule("BYDAY names days of a weekly rule, such as MO,WE")
    weekdays = tuple(day for day in _WEEKDAYS if day in named)
    return Rule(frequency, int(interval), weekdays, _until(parts.get("UNTIL")))


def following(rule: Rule, *, first: date, after: date) -> date | None:
    """Return the first day of a rule that counts from `first` and lies after `after`; None: it is over.

    A monthly one from the 29th, 30th or 31st on comes on the last day of months that have none of that
    number.
    """
    days = rrule.rrule(
        _FREQUENCIES[rule.frequency], dtstart=datetime.combine(first, _MIDNIGHT), interval=rule.interval,
        byweekday=[getattr(rrule, day) for day in rule.weekdays] or None, **_day_of_month(rule, first),
    )  # fmt: skip
    found: datetime | None = days.after(datetime.combine(after, _MIDNIGHT))
    if found is None or (rule.until is not None and found.date() > rule.until):
        return None
    return found.date()


def _day_of_month(rule: Rule, first: date) -> dict[str, list[int] | int]:
    """Return what makes the last day of a short month stand for those that it lacks."""
    if rule.frequency != "MONTHLY" or first.day <= _SHORTEST_MONTH:
        return {}
    return {"bymonthday": list(range(_SHORTEST_MONTH, first.day + 1)), "bysetpos": -1}


def _until(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise _no_rule("UNTIL is a day such as 20270131") from error


def _no_rule(why: str) -> InvalidInput:
    return InvalidInput(f"This is no rule by which a task comes again: {why}.", reason="no_rule")
