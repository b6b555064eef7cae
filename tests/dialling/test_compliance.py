"""Whether somebody may be dialled: every reason and their order, counts, caller IDs, and who opts out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from dialling.staging import ListeningCarrier, attempts, claim, items, limit, report, started
from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.errors import InvalidInput
from trunkline.core.runs.models import Run
from trunkline.core.toolbox import ToolCaller, run_tool
from trunkline.domain.calls import service as calls
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.models import Lead
from trunkline.domain.outbound import dialling, suppressions, tending
from trunkline.domain.outbound.caller_ids import choose
from trunkline.domain.outbound.claim import Claim, Denied
from trunkline.domain.outbound.compliance import ALLOWED, Callee, Ruling, rule_on
from trunkline.domain.outbound.hours import Hours
from trunkline.domain.outbound.opting_out import is_opt_out
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.calling_rules import CallingRules
from trunkline.kit import clock
from trunkline.providers.ports import CallStatus

NOON = datetime(2026, 6, 10, 16, tzinfo=UTC)
"""In New York, on a Wednesday."""
EIGHT_TOMORROW = datetime(2026, 6, 11, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

SOMEBODY = Callee(
    phone="+12125550101", zones=("America/New_York",), country="US", suppressed=False,
    suppressed_everywhere=False, consent="express", dialled_at=(), dialled_in_all=0,
)  # fmt: skip
STRICT = {"consent_required": True, "attempts_in_all": 5, "attempts_per_day": 2, "minimum_gap_minutes": 120}


def ruling(now: datetime = NOON, rules: dict[str, Any] = STRICT, **known: Any) -> Ruling:
    hours = Hours.of({"from": "08:00", "to": "21:00"}, CallingRules.model_validate(rules))
    return rule_on(replace(SOMEBODY, **known), hours, now=now)


def test_who_meets_every_rule_is_dialled() -> None:
    assert ruling() == ALLOWED
    assert ruling().allows


def test_who_has_withdrawn_is_not_called_though_nobody_must_consent() -> None:
    assert ruling(rules={"consent_required": False}, consent="withdrawn").reason == "no_consent"
    assert ruling(rules={"consent_required": False}, consent="none").allows


REASONS: list[tuple[str, datetime | None, dict[str, Any]]] = [
    ("suppressed", None, {"suppressed": True}),
    ("suppressed", None, {"suppressed_everywhere": True}),
    ("no_consent", None, {"consent": "none"}),
    ("no_consent", None, {"consent": "withdrawn"}),
    ("attempts_in_all", None, {"dialled_in_all": 5}),
    ("no_calling_hours", None, {"zones": ()}),
    ("attempts_per_day", EIGHT_TOMORROW, {"dialled_at": (NOON - 3 * HOUR, NOON - 4 * HOUR)}),
    ("minimum_gap", NOON + HOUR, {"dialled_at": (NOON - HOUR,)}),
    ("calling_hours", EIGHT_TOMORROW, {"now": NOON + 9 * HOUR}),
]
"""Each with what is known when it is the only one."""


@pytest.mark.parametrize(("reason", "until", "known"), REASONS)
def test_each_rule_says_no_by_its_name(reason: str, until: datetime | None, known: dict[str, Any]) -> None:
    assert ruling(**known) == Ruling(reason, until)


def test_what_is_for_ever_is_said_before_what_is_for_now() -> None:
    known: dict[str, Any] = {}
    for reason, until, more in reversed(REASONS[:6]):
        known |= more
        assert ruling(**known) == Ruling(reason, until)
    # Later than both of them is what holds when both hold.
    both = (NOON - HOUR, NOON - 2 * HOUR)
    assert ruling(dialled_at=both) == Ruling("attempts_per_day", EIGHT_TOMORROW)


@pytest.mark.parametrize(
    ("dialled", "now", "reason"),
    [
        # 23:59 of yesterday in New York is no dial of today, though it is the same day in UTC.
        ("2026-06-10T03:59:59", NOON, ""),
        ("2026-06-10T04:00:00", NOON, "attempts_per_day"),
        ("2026-06-10T00:30:00", datetime(2026, 6, 11, 0, 30, tzinfo=UTC), ""),
        ("2026-06-10T12:00:00", datetime(2026, 6, 11, 0, 30, tzinfo=UTC), "attempts_per_day"),
    ],
)
def test_a_day_is_the_callee_s_own(dialled: str, now: datetime, reason: str) -> None:
    at = datetime.fromisoformat(dialled).replace(tzinfo=UTC)
    assert ruling(now, {"attempts_per_day": 1}, dialled_at=(at,)).reason == reason


def test_of_several_zones_the_one_whose_day_is_not_over_counts() -> None:
    zones = ("Asia/Tokyo", "Pacific/Auckland")
    now = datetime(2026, 6, 10, 23, tzinfo=UTC)  # eight in Tokyo, eleven in Auckland, of the 11th
    dialled = (datetime(2026, 6, 10, 13, tzinfo=UTC),)  # still the 10th in Tokyo
    ruled = ruling(now, {"attempts_per_day": 1}, zones=zones, dialled_at=dialled)
    # Auckland's day began at noon UTC: it ends there, and the next hour shared with Tokyo is Tokyo's eight.
    assert ruled == Ruling("attempts_per_day", datetime(2026, 6, 11, 23, tzinfo=UTC))


def test_a_gap_ends_on_its_minute_and_into_the_night_not_before_morning() -> None:
    rules = {"minimum_gap_minutes": 90, "attempts_per_day": None}
    dialled = (NOON - 90 * MINUTE,)
    assert ruling(NOON, rules, dialled_at=dialled) == ALLOWED
    assert ruling(NOON - timedelta(seconds=1), rules, dialled_at=dialled) == Ruling("minimum_gap", NOON)
    evening = datetime(2026, 6, 11, 0, tzinfo=UTC)
    assert ruling(evening, rules, dialled_at=(evening,)) == Ruling("minimum_gap", EIGHT_TOMORROW)


def test_who_asked_to_be_called_is_exempt_from_counts_and_from_nothing_else() -> None:
    rules = CallingRules.model_validate(STRICT).without_counts().model_dump()
    assert ruling(rules=rules, dialled_in_all=50, dialled_at=(NOON - MINUTE,) * 9) == ALLOWED
    for known in ({"suppressed": True}, {"consent": "none"}, {"zones": ()}):
        assert not ruling(rules=rules, **known).allows
    assert ruling(NOON + 9 * HOUR, rules) == Ruling("calling_hours", EIGHT_TOMORROW)


def test_a_gap_of_days_holds_in_the_dialler(acme: World, carrier: ListeningCarrier) -> None:
    with unit_of_work(acme.scope) as session:
        tenants.get_business(session, acme.business_id).calling_rules = {"minimum_gap_minutes": 10 * 24 * 60}
    with clock.frozen_at(NOON):
        run = started(acme)
        for _ in acme.phones:
            assert isinstance(claim(acme), Claim)
        for attempt in attempts(acme, run):
            report(acme, attempt, CallStatus.COMPLETED)
        with unit_of_work(acme.scope) as session:
            assert tending.finish_if_done(session, acme.business_id, run.id)
    with clock.frozen_at(NOON + timedelta(days=5)):
        again = started(acme)
        assert claim(acme) == Denied("nothing_to_dial")
    told = {(item.waits_for, item.not_before) for item in items(acme, again)}
    assert told == {("minimum_gap", NOON + timedelta(days=10))}


# --- Which number calls ------------------------------------------------------------------------

POOL = ("+12125550190", "+13105550190", "+442079460190", "+12125550191")


@pytest.mark.parametrize(
    ("callee", "local", "used"),
    [
        ("+12125550101", True, {"+12125550190", "+12125550191"}),
        ("+13105550101", True, {"+13105550190"}),
        # No number of their area: any of their country.
        ("+16025550101", True, {"+12125550190", "+13105550190", "+12125550191"}),
        ("+442079460000", True, {"+442079460190"}),
        ("+4930123456", True, set(POOL)),
        ("+12125550101", False, set(POOL)),
    ],
)
def test_a_callee_sees_a_number_near_to_them(callee: str, local: bool, used: set[str]) -> None:
    turns = [choose(POOL, callee, turn=turn, local=local) for turn in range(12)]
    assert set(turns) == used
    # Each equally often, and never the same twice running where there is another.
    assert {turns.count(number) for number in used} == {12 // len(used)}
    assert all(one != other for one, other in pairwise(turns)) or len(used) == 1


# --- Opting out ----------------------------------------------------------------------------------


def written(world: World, text: str, phone: str) -> None:
    """Do what receiving a message does."""
    if is_opt_out(text):
        with unit_of_work(world.scope) as session:
            suppressions.suppress(
                session, world.business_id, phone, reason=text, source="whatsapp", actor="whatsapp"
            )


def test_what_is_written_ends_what_waits_in_every_run(
    acme: World, umbrella: World, carrier: ListeningCarrier
) -> None:
    shared = acme.phones[0]
    runs = [started(acme), acme.make_run()]
    theirs = started(umbrella)
    written(acme, "Can you stop by tomorrow?", shared)
    assert {item.state for run in runs for item in items(acme, run)} == {"queued"}
    written(acme, "הסר", shared)
    for run in runs:
        told = {item.phone: (item.state, item.disposition) for item in items(acme, run)}
        assert told.pop(shared) == ("failed", "suppressed")
        assert set(told.values()) == {("queued", None)}
    # It was said to one business: the other's run goes on.
    assert {item.state for item in items(umbrella, theirs)} == {"queued"}


def test_what_is_written_takes_back_a_dial_that_is_not_made_yet(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    run = started(acme)
    claimed = claim(acme)
    assert isinstance(claimed, Claim)
    written(acme, "STOP", claimed.phone)
    with unit_of_work(acme.scope) as session:
        assert not dialling.run_allows(session, acme.business_id, run.id, claimed.attempt_id)
    assert [row.state for row in attempts(acme, run)] == ["rejected"]
    with clock.frozen_at(clock.now() + HOUR):
        installation.run_jobs()
    assert claimed.phone not in [order.to for order in carrier.orders]
    assert len(carrier.orders) == 2


@pytest.mark.parametrize("heard", [True, False])
def test_a_live_call_goes_on_to_its_end_though_its_number_is_called_no_more(
    heard: bool, acme: World, carrier: ListeningCarrier
) -> None:
    limit(acme, max_outbound_calls=1)
    run, other = started(acme, max_attempts=3), acme.make_run()
    claimed = claim(acme)
    assert isinstance(claimed, Claim)
    (dial,) = attempts(acme, run)
    report(acme, dial, CallStatus.IN_PROGRESS)
    call_id = call_of(acme)
    if heard:
        caller = ToolCaller(acme.business_id, call_id, acme.agent_id, None, claimed.phone)
        assert run_tool("do_not_call", {}, caller=caller, allowed=("do_not_call",)).ok
    else:
        written(acme, "please stop calling me", claimed.phone)
    states = {item.phone: item.state for item in items(acme, run)}
    assert states[claimed.phone] == "in_call"
    assert {item.phone: item.state for item in items(acme, other)}[claimed.phone] == "failed"
    assert attempts(acme, run)[0].state == "answered"
    with unit_of_work(acme.scope) as session:
        calls.spend_media_token(session, acme.business_id, call_id)
        calls.finalize(session, acme.business_id, call_id, end_reason="goodbye", disposition="opted_out")
    report(acme, attempts(acme, run)[0], CallStatus.COMPLETED)
    told = {item.phone: (item.state, item.disposition) for item in items(acme, run)}
    assert told[claimed.phone] == ("completed", "opted_out")


def call_of(world: World) -> UUID:
    with unit_of_work(world.scope) as session:
        (call,) = calls.list_calls(session, world.business_id, limit=9)[0]
        return call.id


def test_a_lead_that_has_no_number_is_set_aside_and_the_others_are_called(acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        changed = {"calling_window": {"from": "08:00", "to": "21:00"}}
        tenants.change_business(session, acme.business_id, changed, actor="test")
        session.execute(update(Lead).where(Lead.phone == acme.phones[0]).values(phone="dana@acme.example"))
    with clock.frozen_at(NOON):
        run = started(acme)
        claimed = claim(acme)
    assert isinstance(claimed, Claim)
    assert claimed.phone == acme.phones[1]
    told = {item.phone: (item.state, item.disposition) for item in items(acme, run)}
    assert told["dana@acme.example"] == ("failed", "no_calling_hours")


@pytest.mark.parametrize("phone", ["dana@acme.example", "anonymous"])
def test_only_numbers_become_leads_of_callers_or_stand_on_the_list(acme: World, phone: str) -> None:
    with unit_of_work(acme.scope) as session, pytest.raises(InvalidInput):
        leads.lead_of_caller(session, acme.business_id, phone)
    with unit_of_work(acme.scope) as session, pytest.raises(InvalidInput):
        suppressions.suppress(session, acme.business_id, phone, reason="", source="call", actor="test")


def at_night(world: World, not_after: datetime) -> Run:
    """Begin a run at nine in the evening over there, when nobody is called before eight."""
    with unit_of_work(world.scope) as session:
        changed = {"calling_window": {"from": "08:00", "to": "21:00"}}
        tenants.change_business(session, world.business_id, changed, actor="test")
    with clock.frozen_at(NOON + 9 * HOUR):
        run = started(world, not_after=not_after)
        assert isinstance(claim(world), Denied)
    return run


def test_who_would_have_to_wait_beyond_a_runs_use_is_not_called(acme: World) -> None:
    run = at_night(acme, EIGHT_TOMORROW)
    assert {(item.state, item.disposition) for item in items(acme, run)} == {("failed", "too_late")}


def test_who_can_be_called_in_time_is_and_nobody_after_that(acme: World) -> None:
    run = at_night(acme, EIGHT_TOMORROW + HOUR)
    assert {item.disposition for item in items(acme, run)} == {None}
    with clock.frozen_at(EIGHT_TOMORROW):
        assert isinstance(claim(acme), Claim)
    with clock.frozen_at(EIGHT_TOMORROW + HOUR):
        assert isinstance(claim(acme), Denied)
    assert {item.disposition for item in items(acme, run)} == {None, "too_late"}
