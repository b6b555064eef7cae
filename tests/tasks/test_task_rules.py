"""When tasks are due, when they come again, when people are not disturbed: by wall clocks that are moved."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import InvalidInput
from trunkline.domain.notifications.rules import Ways, due_minutes, topic_of, ways_of
from trunkline.domain.tasks.rules import due_instant, following, read_rule

JERUSALEM, NEW_YORK = "Asia/Jerusalem", "America/New_York"
CHANGES = {
    JERUSALEM: (date(2026, 3, 27), date(2026, 10, 25)),
    NEW_YORK: (date(2026, 3, 8), date(2026, 11, 1)),
}
"""Zone -> the days of 2026 on which its clock is put forward and back, both at two in the morning."""


@pytest.mark.parametrize(
    ("zone", "day", "at", "utc"),
    [
        # The day before, the day of the change, and the day after: the wall clock holds, the instant moves.
        (JERUSALEM, date(2026, 3, 26), time(9), "2026-03-26T07:00"),
        (JERUSALEM, date(2026, 3, 27), time(9), "2026-03-27T06:00"),
        (JERUSALEM, date(2026, 10, 24), time(9), "2026-10-24T06:00"),
        (JERUSALEM, date(2026, 10, 25), time(9), "2026-10-25T07:00"),
        (NEW_YORK, date(2026, 3, 7), time(9), "2026-03-07T14:00"),
        (NEW_YORK, date(2026, 3, 8), time(9), "2026-03-08T13:00"),
        (NEW_YORK, date(2026, 10, 31), time(9), "2026-10-31T13:00"),
        (NEW_YORK, date(2026, 11, 1), time(9), "2026-11-01T14:00"),
        # Times that the clock leaves out: as long after midnight as on other days.
        (JERUSALEM, date(2026, 3, 27), time(2, 30), "2026-03-27T00:30"),
        (NEW_YORK, date(2026, 3, 8), time(2, 30), "2026-03-08T07:30"),
        # Times that it passes twice: the first.
        (JERUSALEM, date(2026, 10, 25), time(1, 30), "2026-10-24T22:30"),
        (NEW_YORK, date(2026, 11, 1), time(1, 30), "2026-11-01T05:30"),
        # Days without a time end with the day, be it 23 or 25 hours long.
        (JERUSALEM, date(2026, 3, 27), None, "2026-03-27T21:00"),
        (JERUSALEM, date(2026, 10, 25), None, "2026-10-25T22:00"),
        (NEW_YORK, date(2026, 3, 8), None, "2026-03-09T04:00"),
        (NEW_YORK, date(2026, 11, 1), None, "2026-11-02T05:00"),
    ],
)
def test_what_is_due_is_due_by_the_wall_clock(zone: str, day: date, at: time | None, utc: str) -> None:
    assert due_instant(day, at, zone) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@given(zone=st.sampled_from([JERUSALEM, NEW_YORK]), day=DAYS, at=TIMES, minutes=st.integers(0, 1_440))
def test_a_reminder_comes_so_many_true_minutes_before(zone: str, day: date, at: time, minutes: int) -> None:
    due = due_instant(day, at, zone)
    moment, long_ago = due - timedelta(minutes=minutes), due - timedelta(days=9)
    assert due_minutes([minutes], at=due, set_at=long_ago, now=moment) == minutes
    assert due_minutes([minutes], at=due, set_at=long_ago, now=moment - timedelta(seconds=1)) is None
    # The wall clock shows what was asked for, but for the hour that it leaves out.
    shown = due.astimezone(ZoneInfo(zone))
    assert shown.time() == at or day == CHANGES[zone][0] or day.year != 2026


@given(zone=st.sampled_from([JERUSALEM, NEW_YORK]), day=DAYS, frequency=st.sampled_from(["DAILY", "WEEKLY"]))
def test_a_series_keeps_its_wall_clock_over_both_changes(zone: str, day: date, frequency: str) -> None:
    rule = read_rule(f"FREQ={frequency}")
    nine = [time(9)]
    for _ in range(5):
        found = following(rule, first=day, after=day)
        assert found is not None
        assert found - day == timedelta(days=1 if frequency == "DAILY" else 7)
        day = found
        nine.append(due_instant(day, time(9), zone).astimezone(ZoneInfo(zone)).time())
    assert set(nine) == {time(9)}


@pytest.mark.parametrize(
    ("rule", "first", "days"),
    [
        ("FREQ=DAILY;INTERVAL=3", "2026-03-26", ["2026-03-29", "2026-04-01"]),
        ("FREQ=WEEKLY;BYDAY=SU,TH", "2026-11-22", ["2026-11-26", "2026-11-29", "2026-12-03"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "2026-11-23", ["2026-12-07", "2026-12-21"]),
        ("FREQ=MONTHLY", "2026-01-31", ["2026-02-28", "2026-03-31", "2026-04-30"]),
        ("FREQ=MONTHLY", "2027-11-30", ["2027-12-30", "2028-01-30", "2028-02-29", "2028-03-30"]),
        ("FREQ=MONTHLY;INTERVAL=2", "2026-01-15", ["2026-03-15", "2026-05-15"]),
        ("RRULE:FREQ=DAILY;UNTIL=20260328", "2026-03-27", ["2026-03-28", None]),
    ],
)
def test_a_rule_comes_again_on_its_days(rule: str, first: str, days: list[str | None]) -> None:
    after = date.fromisoformat(first)
    for day in days:
        found = following(read_rule(rule), first=date.fromisoformat(first), after=after)
        assert found == (day and date.fromisoformat(day))
        after = found or after


@pytest.mark.parametrize(
    "rule",
    [
        "", "DAILY", "FREQ=YEARLY", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=100", "FREQ=DAILY;BYDAY=MO",
        "FREQ=WEEKLY;BYDAY=1MO", "FREQ=WEEKLY;BYDAY=", "FREQ=DAILY;FREQ=WEEKLY", "FREQ=DAILY;COUNT=3",
        "FREQ=DAILY;UNTIL=soon", "FREQ=DAILY;INTERVAL=²",
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_rule(rule)
    assert refused.value.data["reason"] == "no_rule"


def test_a_rule_is_kept_in_one_form() -> None:
    assert str(read_rule("rrule:byday=th,su;freq=weekly;interval=01")) == "FREQ=WEEKLY;BYDAY=TH,SU"


def test_the_latest_reminder_counts_and_none_whose_moment_had_passed_when_it_was_set() -> None:
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    long_ago = at - timedelta(days=1)
    ahead = (30, 15, 5)
    for minutes, wanted in ((31, None), (30, 30), (16, 30), (15, 15), (5, 5), (0, 5)):
        now = at - timedelta(minutes=minutes)
        assert due_minutes(ahead, at=at, set_at=long_ago, now=now) == wanted
    # Made ten minutes before: the half hour and the quarter are not made up for.
    made = at - timedelta(minutes=10)
    assert due_minutes(ahead, at=at, set_at=made, now=made) is None
    assert due_minutes(ahead, at=at, set_at=made, now=at - timedelta(minutes=5)) == 5
    assert due_minutes((), at=at, set_at=long_ago, now=at) is None


def test_what_one_has_chosen_takes_the_place_of_what_is_usual() -> None:
    usual = Ways(page=True, push=True, email=False)
    assert ways_of(usual, None) == usual
    assert ways_of(usual, {"page": False, "push": False, "email": False}).any is False
    assert ways_of(usual, {"email": True}) == Ways(page=True, push=True, email=True)


def test_a_topic_fits_push_services_and_tells_nothing() -> None:
    assert len(topic_of("task_due:1")) == 32
    assert topic_of("task_due:1") != topic_of("task_due:2")
    assert set(topic_of("x")) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
