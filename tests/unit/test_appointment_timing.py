"""When an automation is due, over the nights that clocks change, and what the quiet hours do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from trunkline.domain.appointments.automation_models import Moment, Unit
from trunkline.domain.appointments.timing import due_at
from trunkline.kit.wall_clock import instants_of

NEW_YORK, JERUSALEM = ZoneInfo("America/New_York"), ZoneInfo("Asia/Jerusalem")
ZONES = st.sampled_from(["America/New_York", "Asia/Jerusalem", "Australia/Lord_Howe", "UTC"]).map(ZoneInfo)
INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


def local(*clock: int, zone: ZoneInfo = NEW_YORK, fold: int = 0) -> datetime:
    return datetime(*clock, tzinfo=zone, fold=fold)  # type: ignore[arg-type,misc]


def test_a_day_before_is_the_same_clock_and_24_hours_before_are_hours() -> None:
    # The clocks are put forward in the night before the appointment: the day has 23 hours.
    ten = local(2026, 3, 8, 10)
    assert due_at(Moment.BEFORE, 1, Unit.DAYS, of=ten, zone=NEW_YORK) == local(2026, 3, 7, 10)
    assert due_at(Moment.BEFORE, 24, Unit.HOURS, of=ten, zone=NEW_YORK) == local(2026, 3, 7, 9)
    assert due_at(Moment.AFTER, 2, Unit.DAYS, of=ten, zone=NEW_YORK) == local(2026, 3, 10, 10)
    # And back in Jerusalem, in autumn.
    nine = local(2026, 10, 25, 9, zone=JERUSALEM)
    assert due_at(Moment.BEFORE, 1, Unit.DAYS, of=nine, zone=JERUSALEM) == local(
        2026, 10, 24, 9, zone=JERUSALEM
    )


def test_a_clock_that_is_left_out_is_as_long_after_midnight_and_one_that_comes_twice_the_first() -> None:
    missing = due_at(Moment.BEFORE, 1, Unit.DAYS, of=local(2026, 3, 9, 2, 30), zone=NEW_YORK)
    assert missing == local(2026, 3, 8, 3, 30)
    twice = due_at(Moment.BEFORE, 1, Unit.DAYS, of=local(2026, 11, 2, 1, 30), zone=NEW_YORK)
    assert twice == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@given(
    zone=ZONES,
    instant=INSTANTS,
    days=st.integers(0, 90),
    moment=st.sampled_from([Moment.BEFORE, Moment.AFTER]),
)
def test_days_keep_the_clock_wherever_it_exists(
    zone: ZoneInfo, instant: datetime, days: int, moment: Moment
) -> None:
    instant = instant.replace(second=0, microsecond=0)
    found = due_at(moment, days, Unit.DAYS, of=instant, zone=zone)
    wall = instant.astimezone(zone).replace(tzinfo=None) + timedelta(
        days=days if moment is Moment.AFTER else -days
    )
    if instants_of(wall, zone):
        assert found.astimezone(zone).replace(tzinfo=None) == wall
    else:
        assert timedelta(0) < found.astimezone(zone).replace(tzinfo=None) - wall <= timedelta(hours=1)
