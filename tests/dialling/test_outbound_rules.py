"""The dialler's pure decisions: calling hours wherever a number may be at home, slots, verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from trunkline.domain.outbound.hours import Hours, next_opening
from trunkline.domain.outbound.models import OPEN_ITEM_STATES, AttemptState, ItemState
from trunkline.domain.outbound.options import RetryRule, RunOptions
from trunkline.domain.outbound.rules import (
    Limits,
    Load,
    attempt_state_of,
    disposition_of,
    has_slot,
    item_after,
)
from trunkline.domain.tenants.calling_rules import CallingRules
from trunkline.kit.ids import new_id
from trunkline.kit.phone import zones_of
from trunkline.providers.ports import CallStatus

DAYTIME = {"from": "08:00", "to": "21:00"}
ALL_DAY = {"from": "00:00", "to": "24:00"}


def may_ring_now(zones: Sequence[str], window: dict[str, str], *, now: datetime) -> bool:
    return next_opening(zones, Hours.of(window, CallingRules()), country=None, now=now) == now


@pytest.mark.parametrize(
    ("phone", "instant", "may"),
    [
        # New York in winter is five hours behind UTC, in summer four.
        ("+12125550101", "2026-01-15T12:59:59", False),
        ("+12125550101", "2026-01-15T13:00:00", True),
        ("+12125550101", "2026-07-15T11:59:59", False),
        ("+12125550101", "2026-07-15T12:00:00", True),
        # The evening ends at 21:00 itself, on a UTC day that is tomorrow's.
        ("+12125550101", "2026-01-16T01:59:59", True),
        ("+12125550101", "2026-01-16T02:00:00", False),
        # The hour that is skipped on 8 March and the one that comes twice on 1 November are at night.
        ("+12125550101", "2026-03-08T12:00:00", True),
        ("+12125550101", "2026-03-07T12:00:00", False),
        ("+12125550101", "2026-11-01T12:30:00", False),
        ("+12125550101", "2026-10-31T12:30:00", True),
        # Jerusalem, which changes its clocks on days of its own (27 March 2026).
        ("+972502345678", "2026-03-26T05:30:00", False),
        ("+972502345678", "2026-03-27T05:30:00", True),
        ("+442079460000", "2026-01-15T08:00:00", True),
        # Arizona keeps no summer time.
        ("+16025550101", "2026-07-15T14:59:59", False),
        ("+16025550101", "2026-07-15T15:00:00", True),
    ],
)
def test_a_number_rings_only_in_its_own_calling_hours(phone: str, instant: str, may: bool) -> None:
    now = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert may_ring_now(zones_of(phone), DAYTIME, now=now) is may


def test_a_number_that_may_be_at_home_in_many_zones_rings_only_where_all_are_awake() -> None:
    zones = zones_of("+18005550101")
    assert len(zones) > 3
    for hour in range(24):
        now = datetime(2026, 1, 15, hour, 30, tzinfo=UTC)
        awake = [8 <= now.astimezone(ZoneInfo(zone)).hour < 21 for zone in zones]
        assert may_ring_now(zones, DAYTIME, now=now) is all(awake)


def test_a_number_that_nobody_can_place_rings_only_in_a_window_of_all_day() -> None:
    assert zones_of("+88213123456") == ()
    for hour in range(24):
        now = datetime(2026, 1, 15, hour, tzinfo=UTC)
        assert not may_ring_now((), DAYTIME, now=now)
        assert not may_ring_now((), {"from": "00:00", "to": "23:59"}, now=now)
        assert may_ring_now((), ALL_DAY, now=now)


@given(
    instant=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    zones=st.lists(
        st.sampled_from(["America/New_York", "Asia/Jerusalem", "Australia/Lord_Howe", "Asia/Kathmandu"]),
        min_size=1, max_size=3,
    ),
)  # fmt: skip
def test_whenever_it_may_ring_every_clock_on_every_wall_says_so(instant: datetime, zones: list[str]) -> None:
    clocks = [instant.astimezone(ZoneInfo(zone)) for zone in zones]
    assert may_ring_now(zones, DAYTIME, now=instant) == all(8 <= clock.hour < 21 for clock in clocks)
    assert may_ring_now(zones, ALL_DAY, now=instant)
    # One zone more never opens a window.
    if not may_ring_now(zones, DAYTIME, now=instant):
        assert not may_ring_now([*zones, "Europe/London"], DAYTIME, now=instant)


_COUNTS = st.integers(0, 6)


@given(
    load=st.builds(Load, business_outbound=_COUNTS, business_inbound=_COUNTS),
    limits=st.builds(Limits, business_outbound=_COUNTS, business_all=_COUNTS),
)
def test_a_slot_leaves_no_limit_exceeded_and_is_refused_only_for_one(load: Load, limits: Limits) -> None:
    exceeded = [
        load.business_outbound + 1 > limits.business_outbound,
        load.business_outbound + load.business_inbound + 1 > limits.business_all,
    ]
    assert has_slot(load, limits) == (not any(exceeded))


def options(**values: Any) -> RunOptions:
    return RunOptions(agent_id=new_id(), from_number="+12125550190", **values)


@pytest.mark.parametrize(
    ("disposition", "used", "most", "over", "state"),
    [
        ("answered", 1, 3, False, ItemState.COMPLETED),
        ("answered", 1, 3, True, ItemState.COMPLETED),
        ("booked", 1, 3, False, ItemState.COMPLETED),
        ("voicemail", 1, 3, False, ItemState.COMPLETED),
        ("busy", 1, 2, False, ItemState.RETRY_WAIT),
        ("busy", 2, 2, False, ItemState.FAILED),
        ("no_answer", 1, 2, False, ItemState.RETRY_WAIT),
        ("failed", 1, 2, False, ItemState.RETRY_WAIT),
        ("failed", 1, 2, True, ItemState.FAILED),
        ("our_fault", 1, 2, False, ItemState.RETRY_WAIT),
        ("our_fault", 2, 2, False, ItemState.FAILED),
        ("cancelled", 1, 2, False, ItemState.FAILED),
        ("refused", 1, 2, False, ItemState.FAILED),
    ],
)
def test_who_is_tried_again(disposition: str, used: int, most: int, over: bool, state: ItemState) -> None:
    verdict = item_after(
        disposition, options=options(max_attempts=most), attempts_used=used, tries_of_this=used,
        run_is_over=over,
    )  # fmt: skip
    assert verdict.state is state
    assert (verdict.retry_in_s == 1_800) == (state is ItemState.RETRY_WAIT)


@pytest.mark.parametrize(
    ("disposition", "tries", "used", "retry_in_s"),
    [
        ("voicemail", 1, 1, 7_200),
        ("voicemail", 2, 2, None),
        ("busy", 1, 1, 300),
        ("busy", 3, 3, 300),
        ("busy", 4, 4, None),
        ("no_answer", 1, 1, None),
        ("failed", 1, 1, 1_800),
        # `max_attempts` is the limit of them all.
        ("busy", 1, 6, None),
        ("declined", 1, 1, None),
    ],
)
def test_each_disposition_has_a_rule_of_its_own(
    disposition: str, tries: int, used: int, retry_in_s: float | None
) -> None:
    rules = {
        "voicemail": RetryRule(times=1, delay_s=7_200), "busy": RetryRule(times=3, delay_s=300),
        "no_answer": RetryRule(times=0),
    }  # fmt: skip
    verdict = item_after(
        disposition, options=options(max_attempts=6, retries=rules), attempts_used=used,
        tries_of_this=tries, run_is_over=False,
    )  # fmt: skip
    assert verdict.retry_in_s == retry_in_s


def test_a_conversation_is_no_reason_to_call_again() -> None:
    for disposition in ("booked", "declined", "opted_out", "answered"):
        with pytest.raises(ValidationError, match=disposition):
            options(retries={disposition: RetryRule(times=1)})


@given(
    disposition=st.sampled_from([disposition_of(status) for status in CallStatus if status.is_final]),
    used=st.integers(1, 12),
    most=st.integers(1, 10),
)
def test_nobody_is_tried_more_often_than_allowed_nor_after_the_run(
    disposition: str, used: int, most: int
) -> None:
    run = options(max_attempts=most)
    verdict = item_after(disposition, options=run, attempts_used=used, tries_of_this=used, run_is_over=False)
    assert (verdict.retry_in_s is not None) == (
        disposition in {"busy", "no_answer", "failed"} and used < most
    )
    after_run = item_after(disposition, options=run, attempts_used=used, tries_of_this=used, run_is_over=True)
    assert after_run.state not in OPEN_ITEM_STATES


def test_every_status_of_a_carrier_has_a_place_and_later_ones_rank_higher() -> None:
    course = [CallStatus.INITIATED, CallStatus.RINGING, CallStatus.IN_PROGRESS, CallStatus.COMPLETED]
    ranks = [attempt_state_of(status).rank for status in course]
    assert ranks == sorted(set(ranks))
    for status in CallStatus:
        state = attempt_state_of(status)
        assert state.rank > AttemptState.UNKNOWN.rank
        assert (state is AttemptState.ENDED) == status.is_final


def test_a_day_on_which_the_clocks_change_opens_and_closes_the_window_once() -> None:
    start = datetime(2026, 3, 8, tzinfo=UTC)
    minutes = [start + timedelta(minutes=minute) for minute in range(24 * 60)]
    open_ = [may_ring_now(["America/New_York"], DAYTIME, now=minute) for minute in minutes]
    # Saturday's window closes at 21:00 in winter time, Sunday's opens at 08:00 in summer time.
    assert open_[0]
    assert [minutes[at] for at in range(1, len(open_)) if open_[at] != open_[at - 1]] == [
        datetime(2026, 3, 8, 2, tzinfo=UTC),
        datetime(2026, 3, 8, 12, tzinfo=UTC),
    ]
