"""When a number may be rung: twelve zones, minute by minute, across a change of the clocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dialling.staging import ListeningCarrier, items, start
from support.installation import Installation
from support.world import World, make_world
from trunkline.core.db import unit_of_work
from trunkline.core.runs.models import Run
from trunkline.domain.outbound import run_store, tending
from trunkline.domain.outbound.hours import Hours, next_opening, next_stretch
from trunkline.domain.outbound.options import installed_limits
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.calling_rules import WEEK, CallingRules
from trunkline.kit import clock
from trunkline.kit.phone import country_of, zones_of

MINUTE = timedelta(minutes=1)
DAYTIME = {"from": "08:00", "to": "21:00"}

CHANGES = [
    # A number, its zone, the first of three days, and the UTC moments at which eight in the morning
    # and nine in the evening come on them: the clocks change in the night before the second day.
    ("+12125550101", "America/New_York", date(2026, 3, 7),
     "07T13:00 08T02:00 08T12:00 09T01:00 09T12:00 10T01:00"),
    ("+12125550101", "America/New_York", date(2026, 10, 31),
     "31T12:00 01T01:00 01T13:00 02T02:00 02T13:00 03T02:00"),
    ("+13105550101", "America/Los_Angeles", date(2027, 3, 13),
     "13T16:00 14T05:00 14T15:00 15T04:00 15T15:00 16T04:00"),
    ("+16025550101", "America/Phoenix", date(2026, 3, 7),
     "07T15:00 08T04:00 08T15:00 09T04:00 09T15:00 10T04:00"),
    ("+442079460000", "Europe/London", date(2026, 10, 24),
     "24T07:00 24T20:00 25T08:00 25T21:00 26T08:00 26T21:00"),
    ("+972502345678", "Asia/Jerusalem", date(2026, 3, 26),
     "26T06:00 26T19:00 27T05:00 27T18:00 28T05:00 28T18:00"),
    ("+4930123456", "Europe/Berlin", date(2027, 3, 27),
     "27T07:00 27T20:00 28T06:00 28T19:00 29T06:00 29T19:00"),
    ("+61293744000", "Australia/Sydney", date(2026, 10, 3),
     "02T22:00 03T11:00 03T21:00 04T10:00 04T21:00 05T10:00"),
    ("+61265632000", "Australia/Lord_Howe", date(2026, 10, 3),
     "02T21:30 03T10:30 03T21:00 04T10:00 04T21:00 05T10:00"),
    ("+97714123456", "Asia/Kathmandu", date(2026, 3, 7),
     "07T02:15 07T15:15 08T02:15 08T15:15 09T02:15 09T15:15"),
    ("+551131234567", "America/Sao_Paulo", date(2026, 10, 31),
     "31T11:00 01T00:00 01T11:00 02T00:00 02T11:00 03T00:00"),
    ("+81312345678", "Asia/Tokyo", date(2026, 3, 7),
     "06T23:00 07T12:00 07T23:00 08T12:00 08T23:00 09T12:00"),
    ("+6493001234", "Pacific/Auckland", date(2027, 4, 3),
     "02T19:00 03T08:00 03T20:00 04T09:00 04T20:00 05T09:00"),
]  # fmt: skip


def moments(first: date, text: str) -> list[datetime]:
    """Read `07T13:00 ...`, days of the month in rising order from the day before `first` on."""
    read, day = [], first - timedelta(days=1)
    for word in text.split():
        number, _, at = word.partition("T")
        while day.day != int(number):
            day += timedelta(days=1)
        read.append(datetime.combine(day, time.fromisoformat(at), UTC))
    return read


def opening(zones: Sequence[str], now: datetime, country: str | None = None, **rules: Any) -> datetime | None:
    hours = Hours.of(rules.pop("window", DAYTIME), CallingRules.model_validate(rules))
    return next_opening(zones, hours, country=country, now=now)


@pytest.mark.parametrize(("phone", "zone", "first", "table"), CHANGES)
def test_each_minute_around_a_change_is_refused_or_allowed_rightly(
    phone: str, zone: str, first: date, table: str
) -> None:
    (told,) = zones_of(phone)
    assert ZoneInfo(told).utcoffset(datetime(2026, 7, 1)) == ZoneInfo(zone).utcoffset(datetime(2026, 7, 1))
    edges = moments(first, table)
    windows = list(zip(edges[::2], edges[1::2], strict=True))
    at, checked = edges[0] - timedelta(hours=8), 0
    while at < edges[-1]:
        opens, closes = next((o, c) for o, c in windows if at < c)
        assert opening([told], at) == max(opens, at), at
        for second in (timedelta(microseconds=1), timedelta(seconds=59, microseconds=999_999)):
            inside = opens <= at + second < closes
            assert (opening([told], at + second) == at + second) is inside, at
        at, checked = at + MINUTE, checked + 1
    assert checked > 3 * 24 * 60 - 16 * 60


@pytest.mark.parametrize(
    ("zone", "window", "day", "minutes"),
    [
        # From two to three there is no wall clock on 8 March 2026: 02:30 to 04:00 is an hour.
        ("America/New_York", ("02:30", "04:00"), date(2026, 3, 8), [("07:00", "08:00")]),
        # ... and what would close at 02:30 has closed when the clock jumps to three.
        ("America/New_York", ("01:00", "02:30"), date(2026, 3, 8), [("06:00", "07:00")]),
        # From one to two comes twice on 1 November 2026, and a window in it opens twice.
        ("America/New_York", ("01:15", "01:30"), date(2026, 11, 1),
         [("05:15", "05:30"), ("06:15", "06:30")]),
        ("America/New_York", ("00:30", "01:30"), date(2026, 11, 1),
         [("04:30", "05:30"), ("06:00", "06:30")]),
        # Half an hour comes twice at Lord Howe on 5 April 2026.
        ("Australia/Lord_Howe", ("01:45", "03:00"), date(2026, 4, 4),
         [("14:45", "15:00"), ("15:15", "16:30")]),
        ("Australia/Lord_Howe", ("01:30", "01:40"), date(2026, 4, 4),
         [("14:30", "14:40"), ("15:00", "15:10")]),
        # There is no midnight in Beirut on 29 March 2026.
        ("Asia/Beirut", ("00:00", "00:30"), date(2026, 3, 28), []),
    ],
)  # fmt: skip
def test_a_window_in_the_hours_that_are_changed_goes_by_the_wall(
    zone: str, window: tuple[str, str], day: date, minutes: list[tuple[str, str]]
) -> None:
    begins = datetime.combine(day, time(12 if minutes == [] else 3), UTC)
    hours = {"from": window[0], "to": window[1]}
    allowed = [
        begins + MINUTE * n
        for n in range(18 * 60)
        if opening([zone], begins + MINUTE * n, window=hours) == begins + MINUTE * n
    ]
    expected = [
        at
        for opens, closes in minutes
        for at in (begins + MINUTE * n for n in range(18 * 60))
        if time.fromisoformat(opens) <= at.time() < time.fromisoformat(closes) and at.date() == day
    ]
    assert allowed == expected


ZONES = st.sampled_from([zone for _, zone, _, _ in CHANGES] + ["Asia/Beirut", "America/Santiago"])
CLOCKS = st.integers(0, 24 * 60).map(lambda n: f"{n // 60:02}:{n % 60:02}")
WINDOWS = (
    st.tuples(CLOCKS, CLOCKS)
    .filter(lambda pair: pair[0] < pair[1])
    .map(lambda pair: {"from": pair[0], "to": pair[1]})
)
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)).map(
    lambda at: at.replace(second=0, microsecond=0)
)
NARROW = st.builds(
    CallingRules,
    days=st.lists(st.sampled_from(WEEK), min_size=1, unique=True).map(tuple),
    holidays=st.lists(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=30).map(tuple),
)


def by_the_wall(zones: Sequence[str], window: dict[str, str], rules: CallingRules, at: datetime) -> bool:
    """Say it another way: read every wall clock, and look at its calendar."""
    here = [at.astimezone(ZoneInfo(zone)) for zone in zones]
    return all(
        window["from"] <= clock.strftime("%H:%M") < window["to"]
        and WEEK[clock.weekday()] in rules.days
        and clock.date() not in rules.holidays
        for clock in here
    )


@given(at=INSTANTS, zones=st.lists(ZONES, min_size=1, max_size=3), window=WINDOWS, rules=NARROW)
# Open for six minutes, on three Mondays: clocks are changed in New York three weeks before Berlin.
@example(
    at=datetime(2026, 3, 2, tzinfo=UTC), zones=["America/New_York", "Europe/Berlin"],
    window={"from": "00:00", "to": "05:06"}, rules=CallingRules(days=("monday",)),
)  # fmt: skip
def test_the_next_opening_is_the_first_allowed_minute(
    at: datetime, zones: list[str], window: dict[str, str], rules: CallingRules
) -> None:
    opens = next_opening(zones, Hours.of(window, rules), country=None, now=at)
    if opens is None:
        looked_at = 8 * 24 * 60
    else:
        assert by_the_wall(zones, window, rules, opens)
        looked_at = min(int((opens - at) / MINUTE), 8 * 24 * 60)
    # Some thousands of minutes one by one would be slow: every seventh, and those just before it.
    for n in {*range(0, looked_at, 7), *range(max(0, looked_at - 30), looked_at)}:
        assert not by_the_wall(zones, window, rules, at + MINUTE * n)


@given(at=INSTANTS, zones=st.lists(ZONES, min_size=1, max_size=3), window=WINDOWS, rules=NARROW)
# Open from midnight to midnight on two days that follow each other: it does not shut between them.
@example(
    at=datetime(2026, 3, 2, tzinfo=UTC), zones=["Europe/Berlin"],
    window={"from": "00:00", "to": "24:00"}, rules=CallingRules(days=("monday", "tuesday")),
)  # fmt: skip
def test_it_is_open_for_as_long_as_is_said_and_not_a_minute_longer(
    at: datetime, zones: list[str], window: dict[str, str], rules: CallingRules
) -> None:
    hours = Hours.of(window, rules)
    opening = next_opening(zones, hours, country=None, now=at)
    stretch = next_stretch(zones, hours, country=None, now=at)
    if stretch is None:
        assert opening is None
        return
    opens, closes = stretch
    assert opens == opening
    until = opens + timedelta(days=2) if closes is None else closes
    step = max(MINUTE, (until - opens) // 200)
    for n in range(int((until - opens) / step)):
        assert by_the_wall(zones, window, rules, opens + n * step)
    if closes is not None:
        assert not by_the_wall(zones, window, rules, closes)


@given(at=INSTANTS, zones=st.lists(ZONES, min_size=1, max_size=3), more=ZONES, window=WINDOWS, rules=NARROW)
def test_a_zone_more_never_opens_anything(
    at: datetime, zones: list[str], more: str, window: dict[str, str], rules: CallingRules
) -> None:
    hours = Hours.of(window, rules)
    with_less = next_opening(zones, hours, country=None, now=at)
    with_more = next_opening([*zones, more], hours, country=None, now=at)
    if with_more is not None:
        assert with_less is not None
        assert with_less <= with_more


# --- Where a number is ----------------------------------------------------------------------

FRIDAY = datetime(2026, 3, 6, 12, tzinfo=UTC)


def test_a_number_that_spans_zones_is_rung_when_it_is_day_in_all_of_them() -> None:
    zones = zones_of("+642101234567")  # a mobile of New Zealand: the Chathams are 45 minutes ahead
    assert set(zones) == {"Pacific/Auckland", "Pacific/Chatham"}
    midday = datetime(2026, 6, 10, 0, tzinfo=UTC)
    # Chatham's evening ends first, Auckland's morning comes last.
    assert opening(zones, midday) == midday
    assert opening(zones, datetime(2026, 6, 10, 8, 14, 59, tzinfo=UTC)) is not None
    assert opening(zones, datetime(2026, 6, 10, 8, 15, tzinfo=UTC)) == datetime(2026, 6, 10, 20, tzinfo=UTC)


def test_zones_that_share_no_hour_are_never_open() -> None:
    apart = ["Pacific/Auckland", "Europe/London"]
    assert opening(apart, FRIDAY, window={"from": "09:00", "to": "12:00"}) is None
    assert opening(apart, FRIDAY) is not None


@pytest.mark.parametrize("phone", ["+88213123456", "+447700900123"])
def test_a_number_that_nobody_can_place_is_not_rung(phone: str) -> None:
    assert zones_of(phone) == ()
    assert opening(zones_of(phone), FRIDAY, country_of(phone)) is None
    everything = {"from": "00:00", "to": "24:00"}
    assert opening((), FRIDAY, window=everything) == FRIDAY
    # A day that is shut has to be somewhere.
    assert opening((), FRIDAY, window=everything, days=("monday",)) is None
    assert opening((), FRIDAY, window=everything, holidays=(date(2026, 7, 4),)) is None


# --- Days -----------------------------------------------------------------------------------


def test_weekdays_are_the_callee_s_own() -> None:
    weekdays = WEEK[:5]
    # It is Saturday morning in Tokyo while it is Friday evening in New York.
    at = datetime(2026, 3, 7, 0, tzinfo=UTC)
    assert opening(["America/New_York"], at, days=weekdays) == at
    assert opening(["Asia/Tokyo"], at, days=weekdays) == datetime(2026, 3, 8, 23, tzinfo=UTC)
    # And Monday morning in both begins at its own hour, the clocks of one of them changed between.
    assert opening(["America/New_York"], at + timedelta(days=1), days=weekdays) == datetime(
        2026, 3, 9, 12, tzinfo=UTC
    )


def test_a_holiday_of_the_business_is_shut_from_midnight_to_midnight_over_there() -> None:
    at = datetime(2026, 12, 24, 12, tzinfo=UTC)
    shut = (date(2026, 12, 24), date(2026, 12, 25))
    assert opening(["Europe/Berlin"], at, holidays=shut) == datetime(2026, 12, 26, 7, tzinfo=UTC)
    assert opening(["Asia/Tokyo"], at, holidays=shut) == datetime(2026, 12, 25, 23, tzinfo=UTC)


def test_who_closes_for_long_goes_on_when_it_is_over() -> None:
    summer = tuple(date(2026, 7, 1) + timedelta(days=n) for n in range(60))
    assert opening(["Europe/Berlin"], datetime(2026, 7, 1, tzinfo=UTC), holidays=summer) == datetime(
        2026, 8, 30, 6, tzinfo=UTC
    )
    # Christmas and New Year's Day 2028 are Mondays, and Mondays are all there is.
    assert opening(
        ["Europe/Berlin"], datetime(2028, 12, 24, tzinfo=UTC), "DE", days=("monday",), public_holidays=True
    ) == datetime(2029, 1, 8, 7, tzinfo=UTC)
    ever = tuple(date(2026, 7, 1) + timedelta(days=n) for n in range(400))
    assert opening(["Europe/Berlin"], datetime(2026, 7, 1, 12, tzinfo=UTC), holidays=ever) == datetime(
        2027, 8, 5, 6, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("phone", "day"),
    [
        ("+12125550101", date(2026, 11, 26)),  # Thanksgiving
        ("+972502345678", date(2026, 9, 21)),  # Yom Kippur
        ("+4930123456", date(2026, 10, 3)),  # German Unity
        ("+442079460000", date(2026, 12, 25)),
        ("+81312345678", date(2026, 5, 5)),
    ],
)
def test_a_public_holiday_of_the_callee_s_country_is_shut_where_the_business_says_so(
    phone: str, day: date
) -> None:
    (zone,) = zones_of(phone)
    noon = datetime.combine(day, time(12), ZoneInfo(zone)).astimezone(UTC)
    assert opening([zone], noon, country_of(phone)) == noon
    opens = opening([zone], noon, country_of(phone), public_holidays=True)
    assert opens is not None
    assert opens.astimezone(ZoneInfo(zone)).date() > day


def test_holidays_of_a_country_that_nobody_knows_may_be_any_day() -> None:
    for country in (None, "XX"):
        assert opening(["Europe/Berlin"], FRIDAY, country) == FRIDAY
        assert opening(["Europe/Berlin"], FRIDAY, country, public_holidays=True) is None


# --- Through the dialler --------------------------------------------------------------------

WEEKEND = datetime(2026, 10, 31, tzinfo=UTC)
"""The clocks go back in New York and Los Angeles on the next day; in London and Berlin they have."""

MORNINGS = {
    "+6493001234": "2026-10-31T19:00", "+61293744000": "2026-10-31T21:00",
    "+61265632000": "2026-10-31T21:00", "+81312345678": "2026-10-31T23:00",
    "+97714123456": "2026-11-01T02:15", "+972502345678": "2026-11-01T06:00",
    "+4930123456": "2026-11-01T07:00", "+442079460000": "2026-11-01T08:00",
    "+551131234567": "2026-11-01T11:00", "+12125550101": "2026-11-01T13:00",
    "+16025550101": "2026-11-01T15:00", "+13105550101": "2026-11-01T16:00",
}  # fmt: skip
"""Sunday's eight o'clock of numbers in twelve zones."""


@pytest.fixture
def spread(installation: Installation) -> World:
    """A business whose leads live all over the world."""
    return make_world("Spread", number="+12125550190", phones=tuple(MORNINGS), window=DAYTIME)


def test_a_run_dials_each_number_at_its_own_minute(
    installation: Installation, spread: World, carrier: ListeningCarrier
) -> None:
    with unit_of_work(spread.scope) as session:
        business = tenants.get_business(session, spread.business_id)
        business.calling_rules = {"days": ["sunday"]}
        business.max_outbound_calls = business.max_calls = 50
    run = spread.make_run(concurrency=10)
    # Saturday in all of them but where Sunday has begun and nobody is up.
    with clock.frozen_at(WEEKEND + timedelta(hours=14)):
        start(spread, run)
        installation.run_jobs()
    assert carrier.orders == []
    waits = {item.phone: (item.waits_for, item.not_before) for item in items(spread, run)}
    expected = {phone: datetime.fromisoformat(at).replace(tzinfo=UTC) for phone, at in MORNINGS.items()}
    assert waits == {phone: ("calling_hours", at) for phone, at in expected.items()}
    dialled: dict[str, datetime] = {}
    for at in sorted(set(expected.values())):
        for now in (at - timedelta(microseconds=1), at):
            with clock.frozen_at(now):
                with unit_of_work(spread.scope) as session:  # as the sweeper does every few seconds
                    tending.tend_run(session, spread.business_id, run.id, limits=installed_limits())
                installation.run_jobs()
                free_lines(spread, run)
            for order in carrier.orders[len(dialled) :]:
                dialled[order.to] = now
    assert dialled == expected


def free_lines(world: World, run: Run) -> None:
    """Let every dial that was made be over."""
    with unit_of_work(world.scope) as session:
        for attempt in run_store.attempts_of_run(session, world.business_id, run.id):
            attempt.state, attempt.resolved_at = "ended", clock.now()
