"""Pure decisions of automations: when one is due, and whether that is a quiet hour."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from trunkline.domain.appointments.automation_models import Moment, Unit
from trunkline.domain.appointments.rules import instants_of

_LENGTHS = {Unit.MINUTES: timedelta(minutes=1), Unit.HOURS: timedelta(hours=1)}
_STEP = timedelta(minutes=1)


def due_at(moment: Moment, amount: int, unit: Unit, *, of: datetime, zone: ZoneInfo) -> datetime:
    """Return when an automation is due that counts from this instant: back from it, or on.

    A day is one of the calendar: the clock shows what it did, however the clocks were changed between.
    Where it shows that twice, the first time is meant; where never, the first instant after.
    """
    sign = -1 if moment is Moment.BEFORE else 1
    if unit is not Unit.DAYS:
        # In UTC: within a zone Python adds to the clock and not to the time.
        return of.astimezone(UTC) + sign * amount * _LENGTHS[unit]
    wall = of.astimezone(zone).replace(tzinfo=None) + timedelta(days=sign * amount)
    while not (found := instants_of(wall, zone)):
        wall = wall.replace(second=0, microsecond=0) + _STEP
    return found[0]


def quiet_until(instant: datetime, start: str | None, end: str | None, zone: ZoneInfo) -> datetime | None:
    """Return when the quiet hours end in which an instant lies; None: it lies in none.

    `start` and `end` are HH:MM, local; quiet hours that end before they start go over midnight.
    """
    if start is None or end is None or start == end:
        return None
    local = instant.astimezone(zone)
    opens, closes = time.fromisoformat(start), time.fromisoformat(end)
    clock = local.time().replace(tzinfo=None)
    over_midnight = closes < opens
    quiet = (clock >= opens or clock < closes) if over_midnight else opens <= clock < closes
    if not quiet:
        return None
    day = local.date() + timedelta(days=1 if over_midnight and clock >= opens else 0)
    wall = datetime.combine(day, closes)
    while not (found := [one for one in instants_of(wall, zone) if one > instant]):
        wall += _STEP
    return found[0].astimezone(UTC)
