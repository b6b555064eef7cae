"""The rules of recurring jobs: ticks by period and by wall clock, and what becomes of late ones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.recurring.rules import Daily, Due, Every, Misfire, due

A_DAY = timedelta(days=1)
TEN_MINUTES = timedelta(minutes=10)
INSTANTS = st.datetimes(datetime(1970, 1, 3), datetime(2100, 1, 1), timezones=st.just(UTC))
LENGTHS = st.timedeltas(timedelta(), timedelta(days=9))
ZONES = st.sampled_from(sorted(available_timezones()))


@st.composite
def every(draw: st.DrawFn, longer_than: timedelta = timedelta(seconds=1)) -> Every:
    period = draw(st.timedeltas(longer_than, timedelta(days=40)))
    return Every(period, draw(st.timedeltas(timedelta(), period - timedelta.resolution)))


DAILY = st.builds(Daily, at=st.times().map(lambda at: at.replace(second=0, microsecond=0)), zone=ZONES)
RULES = st.one_of(every(), DAILY)


@given(RULES, INSTANTS)
def test_an_instant_lies_between_its_newest_tick_and_the_following(
    rule: Every | Daily, now: datetime
) -> None:
    newest, following = rule.newest(now), rule.following(now)
    assert newest <= now < following
    assert rule.newest(following) == following
    assert rule.newest(following - timedelta.resolution) == newest
    assert rule.following(newest) == following


@given(st.one_of(every(longer_than=timedelta(hours=1)), DAILY), INSTANTS, LENGTHS)
def test_ticks_are_counted_as_they_are_met(rule: Every | Daily, after: datetime, later: timedelta) -> None:
    met, tick = 0, rule.following(after)
    while tick <= after + later:
        met, tick = met + 1, rule.following(tick)
    assert rule.count(after=after, until=after + later) == met


@given(DAILY, st.dates(date(1970, 1, 5), date(2100, 1, 1)), st.integers(1, 40))
def test_a_daily_tick_falls_once_on_each_local_date(rule: Daily, first: date, days: int) -> None:
    zone = ZoneInfo(rule.zone)
    dates = [first + A_DAY * number for number in range(days)]
    ticks = [tick for tick in map(rule.tick_on, dates) if tick is not None]
    assert ticks == sorted(set(ticks))
    assert [tick.astimezone(zone).date() for tick in ticks] == [
        day for day in dates if exists(day, zone) or rule.tick_on(day) is not None
    ]
    # Walking from tick to tick meets the same ones, and no other.
    met, instant = [], ticks[0] - timedelta.resolution
    while len(met) < len(ticks):
        instant = rule.following(instant)
        met.append(instant)
    assert met == ticks


@pytest.mark.parametrize("year", [2011, 2024])
def test_in_every_zone_the_days_on_which_the_clock_is_changed_have_their_tick(year: int) -> None:
    half_hours = [time(hour, minute) for hour in range(24) for minute in (0, 30)]
    changes = 0
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        for day in days_of_change(year, zone):
            changes += 1
            dates = [day - A_DAY, day, day + A_DAY]
            here = [date for date in dates if exists(date, zone)]
            for at in half_hours:
                ticks = [tick for tick in map(Daily(at, name).tick_on, dates) if tick is not None]
                assert [tick.astimezone(zone).date() for tick in ticks] == here, (name, at)
                assert ticks == sorted(set(ticks)), (name, at)
    assert changes > 100


def days_of_change(year: int, zone: ZoneInfo) -> list[date]:
    """Return the dates of a year on which a zone's offset at noon is not that of the day before."""
    noons = [datetime.combine(date(year, 1, 1) + A_DAY * number, time(12), zone) for number in range(365)]
    return [now.date() for before, now in pairwise(noons) if before.utcoffset() != now.utcoffset()]


def exists(day: date, zone: ZoneInfo) -> bool:
    """Return whether a zone has this date: some quarter of an hour of it comes back from UTC as it was."""
    midnight = datetime.combine(day, time(), zone)
    quarters = (midnight + timedelta(minutes=15 * number) for number in range(96))
    return any(at.astimezone(UTC).astimezone(zone).date() == day for at in quarters)


@pytest.mark.parametrize(
    ("rule", "day", "tick"),
    [
        # The clock goes from two to three: as long after midnight as ever.
        (Daily(time(2, 30), "America/New_York"), date(2026, 3, 8), "2026-03-08T07:30"),
        # It goes from two to one: the first half past one.
        (Daily(time(1, 30), "America/New_York"), date(2026, 11, 1), "2026-11-01T05:30"),
        # It goes from eleven at night to midnight: half past eleven is not on this date any more.
        (Daily(time(23, 30), "America/Nuuk"), date(2024, 3, 30), "2024-03-31T00:30"),
        (Daily(time(3), "Asia/Jerusalem"), date(2024, 2, 29), "2024-02-29T01:00"),
        # Samoa went over the date line and left this date out.
        (Daily(time(3), "Pacific/Apia"), date(2011, 12, 30), None),
        (Daily(time(3), "Pacific/Apia"), date(2011, 12, 31), "2011-12-30T13:00"),
    ],
)
def test_daily_ticks_on_days_that_are_not_like_others(rule: Daily, day: date, tick: str | None) -> None:
    assert rule.tick_on(day) == (tick and datetime.fromisoformat(tick).replace(tzinfo=UTC))


@given(RULES, st.sampled_from(Misfire), INSTANTS, LENGTHS, LENGTHS)
def test_ticks_are_fired_or_missed_and_nothing_else(
    rule: Every | Daily, misfire: Misfire, last: datetime, later: timedelta, grace: timedelta
) -> None:
    now = last + later
    found = due(rule, misfire, grace=grace, last_tick=last, now=now)
    if found is None:
        assert rule.count(after=last, until=now) == 0
        return
    assert last < found.tick <= now
    assert found.fires + found.missed == rule.count(after=last, until=now)
    is_too_late = misfire is Misfire.SKIP and now - found.tick > grace
    assert found.fires is not is_too_late
    assert due(rule, misfire, grace=grace, last_tick=found.tick, now=now) is None


def test_a_rule_that_was_another_goes_on_from_where_it_stood() -> None:
    stood = datetime(2026, 3, 1, 12, 10, tzinfo=UTC)
    hourly = Every(timedelta(hours=1))
    assert due(hourly, Misfire.LATEST, grace=A_DAY, last_tick=stood, now=stood) is None
    assert due(hourly, Misfire.LATEST, grace=A_DAY, last_tick=stood, now=stood + timedelta(hours=1)) == Due(
        datetime(2026, 3, 1, 13, tzinfo=UTC), fires=True, missed=0
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: Every(timedelta()),
        lambda: Every(timedelta(seconds=0.5)),
        lambda: Every(TEN_MINUTES, TEN_MINUTES),
        lambda: Daily(time(3, tzinfo=UTC), "UTC"),
        lambda: Daily(time(3), "Mars/Olympus"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(make: object) -> None:
    with pytest.raises((ValueError, KeyError)):
        make()  # type: ignore[operator]
