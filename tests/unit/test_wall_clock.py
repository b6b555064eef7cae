"""Times of a wall clock as instants, in the nights in which it is moved too; and when quiet hours end."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.kit.wall_clock import Quiet, instant_of, instants_of, quiet_until

NEW_YORK, JERUSALEM = ZoneInfo("America/New_York"), ZoneInfo("Asia/Jerusalem")
ZONES = st.sampled_from(["America/New_York", "Asia/Jerusalem", "Australia/Lord_Howe", "UTC"]).map(ZoneInfo)
INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


@given(zone=ZONES, moment=st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)))
def test_a_wall_clock_is_its_instants_and_no_others(zone: ZoneInfo, moment: datetime) -> None:
    wall = moment.replace(second=0, microsecond=0)
    found = instants_of(wall, zone)
    around = [
        instant
        for minutes in range(-16 * 60, 16 * 60)
        if (instant := wall.replace(tzinfo=UTC) + timedelta(minutes=minutes))
        .astimezone(zone)
        .replace(tzinfo=None)
        == wall
    ]
    assert found == around
    # What one instant is meant by is the first of them.
    assert (
        instant_of(wall.date(), wall.time(), zone)
        == (found or [instant_of(wall.date(), wall.time(), zone)])[0]
    )


def test_one_instant_is_meant_by_a_time_that_is_left_out_and_by_one_that_comes_twice() -> None:
    assert instant_of(date(2026, 3, 8), time(2, 30), NEW_YORK) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    assert instant_of(date(2026, 11, 1), time(1, 30, fold=1), NEW_YORK) == datetime(
        2026, 11, 1, 5, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("zone", "now", "ends"),
    [
        (NEW_YORK, "2026-06-01T21:59-04:00", None),
        (NEW_YORK, "2026-06-01T22:00-04:00", "2026-06-02T07:00-04:00"),
        (NEW_YORK, "2026-06-02T06:59-04:00", "2026-06-02T07:00-04:00"),
        (NEW_YORK, "2026-06-02T07:00-04:00", None),
        # Over midnight into the night in which the clock is put forward: an hour less of quiet.
        (JERUSALEM, "2026-03-26T23:00+02:00", "2026-03-27T07:00+03:00"),
        (JERUSALEM, "2026-10-24T23:00+03:00", "2026-10-25T07:00+02:00"),
        (NEW_YORK, "2026-03-07T23:00-05:00", "2026-03-08T07:00-04:00"),
        (NEW_YORK, "2026-10-31T23:00-04:00", "2026-11-01T07:00-05:00"),
        (NEW_YORK, "2026-11-01T06:59-05:00", "2026-11-01T07:00-05:00"),
        (JERUSALEM, "2026-03-26T21:59+02:00", None),
        (JERUSALEM, "2026-03-27T07:00+03:00", None),
    ],
)
def test_quiet_hours_end_by_the_wall_clock(zone: ZoneInfo, now: str, ends: str | None) -> None:
    found = quiet_until(Quiet("22:00", "07:00"), now=datetime.fromisoformat(now), zone=zone)
    assert found == (ends and datetime.fromisoformat(ends))


def test_quiet_hours_within_a_day_and_none() -> None:
    noon, utc = datetime(2026, 11, 23, 12, tzinfo=UTC), ZoneInfo("UTC")
    assert quiet_until(Quiet("11:30", "12:30"), now=noon, zone=utc) == noon + timedelta(minutes=30)
    assert quiet_until(Quiet("12:00", "12:00"), now=noon, zone=utc) is None
    assert quiet_until(Quiet.between("11:30", None), now=noon, zone=utc) is None


@given(zone=ZONES, now=INSTANTS, start=st.times(), end=st.times())
def test_the_end_of_quiet_hours_is_later_and_no_quiet_hour(
    zone: ZoneInfo, now: datetime, start: time, end: time
) -> None:
    quiet = Quiet(f"{start:%H:%M}", f"{end:%H:%M}")
    later = quiet_until(quiet, now=now, zone=zone)
    if later is not None:
        assert now < later < now + timedelta(hours=26)
        assert quiet_until(quiet, now=later, zone=zone) is None
