"""Quarters, days and hours of zones, without a database; and how a seeded database's calls are spread."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from trunkline.bench.plan import Volume, days_of
from trunkline.domain.reports.rules import (
    QUARTER,
    first_of_month,
    hours_of,
    quarter_of,
    rate,
    settled_until,
    stretches,
)

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 8), "America/New_York", 23),
        (date(2026, 11, 1), "America/New_York", 25),
        (date(2026, 5, 1), "America/New_York", 24),
        # Half an hour's change: the day has a half hour less, and begins 24 of its hours all the same.
        (date(2026, 10, 4), "Australia/Lord_Howe", 24),
        # The clock leaves midnight out.
        (date(2026, 4, 24), "Africa/Cairo", 23),
        (date(2026, 6, 1), "Asia/Kathmandu", 24),
    ],
)
def test_a_day_has_as_many_hours_as_its_clock_shows(day: date, zone: str, hours: int) -> None:
    here = ZoneInfo(zone)
    begins = hours_of(day, here)
    assert len(begins) == hours
    assert {begin.astimezone(here).date() for begin in begins} == {day}
    assert (begins[0] - QUARTER).astimezone(here).date() == day - timedelta(days=1)
    assert (begins[-1].astimezone(UTC) + timedelta(hours=1)).astimezone(here).date() == day + timedelta(
        days=1
    )


def test_quarters_are_those_of_utc_and_settle_an_hour_later() -> None:
    assert quarter_of(NOON + timedelta(minutes=44, seconds=59)) == NOON + timedelta(minutes=30)
    assert settled_until(NOON + timedelta(minutes=7)) == NOON - timedelta(hours=1)


def test_neighbouring_quarters_are_counted_at_once_and_no_stretch_is_longer_than_allowed() -> None:
    quarters = [NOON + QUARTER * number for number in (0, 1, 2, 3, 9)]
    found = list(stretches(quarters, longest=timedelta(minutes=45)))
    assert found == [
        (NOON, NOON + QUARTER * 3),
        (NOON + QUARTER * 3, NOON + QUARTER * 4),
        (NOON + QUARTER * 9, NOON + QUARTER * 10),
    ]
    assert list(stretches([], longest=QUARTER)) == []


@pytest.mark.parametrize(
    ("back", "first"), [(0, (2026, 3)), (2, (2026, 1)), (3, (2025, 12)), (27, (2023, 12))]
)
def test_months_are_gone_back_over_years(back: int, first: tuple[int, int]) -> None:
    assert first_of_month(NOON.date(), back) == date(*first, 1)


def test_nothing_has_no_rate() -> None:
    assert (rate(0, 0), rate(1, 3), rate(0, 5)) == (None, 0.3333, 0.0)


@pytest.mark.parametrize("calls", [0, 1, 7, 100_003])
def test_seeded_calls_are_spread_over_all_days_and_none_is_to_come(calls: int) -> None:
    volume = Volume(leads=500, calls=calls, days=30, runs=10, run_items=40, turns=4)
    days = days_of(volume, until=NOON, zone="Asia/Jerusalem")
    assert sum(day.calls for day in days) == calls
    assert [day.first for day in days[1:]] == [day.last + 1 for day in days[:-1]]
    assert all(earlier.ends == later.starts for earlier, later in pairwise(days))
    # The 27th had 23 hours; the last day is over only as far as it is.
    assert [day.number for day in days if day.ends - day.starts == timedelta(hours=23)] == [27]
    assert days[-1].ends == NOON
    assert max(days[-1].hours) < NOON.astimezone(ZoneInfo("Asia/Jerusalem")).hour
    assert sum(day.run_items for day in days) <= 400
    if calls == 100_003:
        assert [day.number for day in days if day.run_items] == list(range(0, 30, 3))
