"""The pure decision of automations: when one is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from trunkline.domain.appointments.automation_models import Moment, Unit
from trunkline.kit.wall_clock import instant_of

_LENGTHS = {Unit.MINUTES: timedelta(minutes=1), Unit.HOURS: timedelta(hours=1)}


def due_at(moment: Moment, amount: int, unit: Unit, *, of: datetime, zone: ZoneInfo) -> datetime:
    """Return when an automation is due that counts from this instant: back from it, or on.

    A day is one of the calendar: the clock shows what it did, however the clocks were changed between.
    """
    sign = -1 if moment is Moment.BEFORE else 1
    if unit is not Unit.DAYS:
        # In UTC: within a zone Python adds to the clock and not to the time.
        return of.astimezone(UTC) + sign * amount * _LENGTHS[unit]
    wall = of.astimezone(zone).replace(tzinfo=None) + timedelta(days=sign * amount)
    return instant_of(wall.date(), wall.time(), zone)
