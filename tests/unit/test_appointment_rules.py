"""When a calendar is open, and which slots a day has, also over the nights that clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from trunkline.domain.appointments.rules import (
    WEEKDAYS,
    Grid,
    Misfit,
    day_of,
    free_of,
    held,
    misfit,
    slots_of,
    stretches_of,
)

NEW_YORK = ZoneInfo("America/New_York")
FORWARD, BACK = date(2026, 3, 8), date(2026, 11, 1)
"""The Sundays on which New York puts its clocks forward over 02:00 to 03:00, and back from 02:00 to 01:00."""
ALL_WEEK = {day: [["00:00", "24:00"]] for day in WEEKDAYS}
ZONES = st.sampled_from(
    ["America/New_York", "Asia/Jerusalem", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"]
).map(ZoneInfo)
DAYS = st.dates(date(2025, 1, 1), date(2027, 12, 31))
MINUTES = st.sampled_from([15, 20, 30, 45, 60, 90, 240])


def grid(
    hours: dict[str, list[list[str]]] | None = None,
    *,
    zone: ZoneInfo = NEW_YORK,
    slot: int = 60,
    **more: object,
) -> Grid:
    return Grid(zone, ALL_WEEK if hours is None else hours, timedelta(minutes=slot), **more)  # type: ignore[arg-type]


def clocks(day: date, **options: object) -> list[str]:
    return [f"{start.astimezone(NEW_YORK):%H:%M %Z}" for start in slots_of(grid(**options), day)]  # type: ignore[arg-type]


def test_a_clock_that_is_left_out_is_no_slot_and_one_that_comes_twice_is_two() -> None:
    night = {"sunday": [["00:00", "04:00"]]}
    assert clocks(FORWARD, hours=night) == ["00:00 EST", "01:00 EST", "03:00 EDT"]
    assert clocks(BACK, hours=night) == ["00:00 EDT", "01:00 EDT", "01:00 EST", "02:00 EST", "03:00 EST"]
    assert len(clocks(FORWARD)) == 23
    assert len(clocks(BACK)) == 25


def test_a_stretch_that_begins_or_ends_in_the_missing_hour_is_cut_at_the_change() -> None:
    change = datetime(2026, 3, 8, 7, tzinfo=UTC)
    begins, ends = grid({"sunday": [["02:30", "05:00"]]}), grid({"sunday": [["00:30", "02:30"]]})
    assert stretches_of(begins, FORWARD) == [(change, datetime(2026, 3, 8, 9, tzinfo=UTC))]
    assert stretches_of(ends, FORWARD) == [(datetime(2026, 3, 8, 5, 30, tzinfo=UTC), change)]
    assert slots_of(ends, FORWARD) == [datetime(2026, 3, 8, 5, 30, tzinfo=UTC)]


def test_breaks_days_off_notice_and_reach() -> None:
    day = date(2026, 6, 2)  # a Tuesday
    hours = {"tuesday": [["09:00", "11:00"], ["11:30", "13:00"]]}
    assert clocks(day, hours=hours) == ["09:00 EDT", "10:00 EDT", "11:30 EDT"]
    assert clocks(day, hours=hours, is_off=lambda one: one == day) == []
    nine = datetime(2026, 6, 2, 13, tzinfo=UTC)
    hour = timedelta(hours=1)
    it = grid(hours, notice=2 * hour, ahead=timedelta(days=1))

    def why(start: datetime, end: datetime, now: datetime) -> Misfit | None:
        return misfit(it, start, end, now=now)

    assert why(nine, nine + hour, nine - 2 * hour) is None
    assert why(nine, nine + hour, nine) is Misfit.PAST
    assert why(nine, nine + hour, nine - hour) is Misfit.TOO_SOON
    assert why(nine, nine + hour, nine - timedelta(days=2)) is Misfit.TOO_FAR
    assert why(nine + 1.75 * hour, nine + 2.75 * hour, nine - 3 * hour) is Misfit.CLOSED, "over the break"
    off = grid(hours, is_off=lambda one: one == day)
    assert misfit(off, nine, nine + hour, now=nine - hour) is Misfit.DAY_OFF


def test_buffers_keep_others_away_on_both_sides() -> None:
    it = grid(
        {"tuesday": [["09:00", "12:00"]]}, slot=30, before=timedelta(minutes=5), after=timedelta(minutes=10)
    )
    ten = datetime(2026, 6, 2, 14, tzinfo=UTC)
    busy = [held(it, ten, ten + timedelta(minutes=30))]
    assert busy == [(ten - timedelta(minutes=5), ten + timedelta(minutes=40))]
    free = [f"{one.astimezone(NEW_YORK):%H:%M}" for one in free_of(it, slots_of(it, date(2026, 6, 2)), busy)]
    assert free == ["09:00", "11:00", "11:30"]


@given(zone=ZONES, day=DAYS, slot=MINUTES)
def test_slots_lie_in_their_day_and_each_could_be_booked(zone: ZoneInfo, day: date, slot: int) -> None:
    it = grid(zone=zone, slot=slot)
    begins, ends = day_of(day, zone)
    long_ago = begins - timedelta(days=30)
    found = slots_of(it, day)
    assert found == sorted(set(found))
    for start in found:
        assert begins <= start
        assert start + it.slot <= ends
        assert start.astimezone(zone).date() == day
        assert misfit(it, start, start + it.slot, now=long_ago) is None
