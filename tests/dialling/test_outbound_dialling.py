"""Dialling in one process: what the committing transaction checks, what answers do, who may ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter

import pytest
from sqlalchemy import func, select, text

from dialling.staging import ListeningCarrier, at_once, attempts, claim, items, limit, report, start, started
from support.installation import Installation
from support.world import World, make_world
from trunkline.core.db import unit_of_work
from trunkline.core.errors import NotFound, RunAlreadyActive
from trunkline.core.jobs.models import Job
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run
from trunkline.domain.leads.selection import Whom, people_of
from trunkline.domain.outbound import dialling, hearing, service, store, tending
from trunkline.domain.outbound.claim import Claim, Denied
from trunkline.domain.outbound.options import RunOptions, install_limits, installed_limits
from trunkline.domain.outbound.suppressions import suppress
from trunkline.kit import clock
from trunkline.providers.ports import (
    CallReport,
    CallStatus,
    CarrierCall,
    CarrierRefused,
    CarrierUncertain,
)

NOON_IN_NEW_YORK = datetime(2099, 1, 15, 17, tzinfo=UTC)
"""An account's pace begins at PostgreSQL's own time, so a clock that is held must be ahead of it."""


# --- What the committing transaction checks ------------------------------------------------


def test_who_is_on_the_suppression_list_is_not_rung_and_counts_as_failed(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    run = started(acme)
    with unit_of_work(acme.scope) as session:
        suppress(session, acme.business_id, acme.phones[0], reason="asked", source="person", actor="test")
    installation.run_jobs()
    assert [order.to for order in carrier.orders] == list(acme.phones[1:])
    first, *_ = items(acme, run)
    assert (first.state, first.disposition) == ("failed", "suppressed")


def test_a_suppression_is_one_business_s_own(
    installation: Installation, acme: World, umbrella: World, carrier: ListeningCarrier
) -> None:
    with unit_of_work(umbrella.scope) as session:
        suppress(session, umbrella.business_id, acme.phones[0], reason="asked", source="person", actor="test")
    started(acme)
    installation.run_jobs()
    assert acme.phones[0] in {order.to for order in carrier.orders}


def test_outside_their_calling_hours_people_wait_and_the_run_with_them(
    installation: Installation, carrier: ListeningCarrier
) -> None:
    new_york, los_angeles = "+12125550101", "+13105550101"
    world = make_world(
        "Daytime", number="+12125550190", phones=(los_angeles, new_york),
        window={"from": "08:00", "to": "21:00"},
    )  # fmt: skip
    morning = datetime(2099, 1, 15, 14, tzinfo=UTC)  # 9:00 in New York, 6:00 in Los Angeles
    with clock.frozen_at(morning):
        run = started(world)
        installation.run_jobs()
        assert [order.to for order in carrier.orders] == [new_york]
        assert [item.state for item in items(world, run)] == ["retry_wait", "dialling"]
    with clock.frozen_at(morning + timedelta(hours=3)):
        assert isinstance(claim(world), Claim)


def test_the_pace_of_the_account_holds_for_all_businesses(acme: World, umbrella: World) -> None:
    slow = replace(installed_limits(), per_second=0.5)
    started(acme), started(umbrella)
    with clock.frozen_at(NOON_IN_NEW_YORK):
        assert isinstance(claim(acme, slow), Claim)
        refused = claim(umbrella, slow)
        assert refused == Denied("pace", retry_at=NOON_IN_NEW_YORK + timedelta(seconds=2))
    with clock.frozen_at(NOON_IN_NEW_YORK + timedelta(seconds=2)):
        assert isinstance(claim(umbrella, slow), Claim)


def test_a_run_goes_on_at_its_pace_without_anybody_pushing_it(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    install_limits(replace(installed_limits(), per_second=1))
    with clock.frozen_at(NOON_IN_NEW_YORK):
        started(acme)
    for second in range(3):
        with clock.frozen_at(NOON_IN_NEW_YORK + timedelta(seconds=second)):
            installation.run_jobs()
        assert len(carrier.orders) == second + 1


@pytest.mark.parametrize(
    ("business", "run_lines", "system", "dials"),
    [
        ({"max_outbound_calls": 5, "max_calls": 5}, 2, 50, 2),
        ({"max_outbound_calls": 1, "max_calls": 5}, 3, 50, 1),
        ({"max_outbound_calls": 5, "max_calls": 2}, 3, 50, 2),
        ({"max_outbound_calls": 5, "max_calls": 5}, 3, 1, 1),
        ({"max_outbound_calls": 5, "max_calls": 5}, 3, 50, 3),
    ],
)
def test_askers_at_the_same_moment_take_no_slot_too_many(  # noqa: PLR0917
    acme: World, carrier: ListeningCarrier, business: dict[str, int], run_lines: int, system: int, dials: int
) -> None:
    limit(acme, **business)
    run = started(acme, concurrency=run_lines)
    limits = replace(installed_limits(), system=system)
    answers = at_once(*[lambda: claim(acme, limits)] * 6)
    assert sum(isinstance(answer, Claim) for answer in answers) == dials
    assert len(attempts(acme, run)) == dials
    assert {answer.phone for answer in answers if isinstance(answer, Claim)} == set(acme.phones[:dials])


def test_two_businesses_at_the_same_moment_keep_the_system_s_limit(
    acme: World, umbrella: World, carrier: ListeningCarrier
) -> None:
    limits = replace(installed_limits(), system=1)
    started(acme), started(umbrella)
    answers = at_once(lambda: claim(acme, limits), lambda: claim(umbrella, limits))
    assert sorted(type(answer).__name__ for answer in answers) == ["Claim", "Denied"]


def test_calls_that_come_in_take_the_business_s_lines_too(acme: World, carrier: ListeningCarrier) -> None:
    from trunkline.domain.calls import service as calls

    limit(acme, max_outbound_calls=3, max_calls=2)
    started(acme)
    with unit_of_work(acme.scope) as session:
        calls.open_call(
            session, acme.business_id, sid="CA1", direction="inbound", ours=acme.number,
            theirs="+12125559999", agent_id=acme.agent_id, lead_id=None,
        )  # fmt: skip
    assert isinstance(claim(acme), Claim)
    assert claim(acme) == Denied("no_slot")


def to_leads(world: World) -> Run:
    """Make and start a run over the leads themselves, which unlike a list two runs may share."""
    with unit_of_work(world.scope) as session:
        people = session.execute(people_of(session, world.business_id, Whom(world.list_id)))
        ids = [row.id for row in sorted(people, key=attrgetter("position"))]
        run = service.create_run(
            session, world.business_id, title="To leads", whom=Whom(lead_ids=ids), actor="test",
            options=RunOptions(agent_id=world.agent_id, from_number=world.number, concurrency=1),
        )  # fmt: skip
    start(world, run)
    return run


def test_two_runs_at_the_same_moment_do_not_dial_one_person(acme: World, carrier: ListeningCarrier) -> None:
    to_leads(acme), to_leads(acme)
    answers = at_once(lambda: claim(acme), lambda: claim(acme))
    phones = [answer.phone for answer in answers if isinstance(answer, Claim)]
    assert len(phones) == len(set(phones)) == 2


@pytest.mark.parametrize("state", ["submitting", "placed", "ringing", "answered", "unknown"])
def test_a_number_is_fenced_while_a_dial_to_it_is_not_resolved(
    acme: World, carrier: ListeningCarrier, state: str
) -> None:
    to_leads(acme), to_leads(acme)
    fenced = claim(acme)
    assert isinstance(fenced, Claim)
    with unit_of_work(acme.scope) as session:
        session.execute(text("update outbound_attempts set state = :state"), {"state": state})
    other = claim(acme)
    assert isinstance(other, Claim)
    assert other.phone != fenced.phone


def test_an_unknown_dial_gives_back_its_slot_long_before_its_fence(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    limits = installed_limits()
    carrier.answers = [CarrierUncertain("no reply")]
    now = clock.now() + timedelta(minutes=1)
    with clock.frozen_at(now):
        run = started(acme, concurrency=1)
        installation.run_jobs()
        assert claim(acme) == Denied("no_slot")
    with clock.frozen_at(now + limits.longest_life + timedelta(seconds=1)):
        with unit_of_work(acme.scope) as session:
            tending.tend_run(session, acme.business_id, run.id, limits=limits)
        assert items(acme, run)[0].state == "unknown"
        assert isinstance(claim(acme), Claim)
        again = to_leads(acme)
        dialled = claim(acme, replace(limits, system=50))
        assert not isinstance(dialled, Claim) or dialled.phone != acme.phones[0]
        assert (items(acme, again)[0].state, items(acme, again)[0].waits_for) == ("retry_wait", "fence")
    with clock.frozen_at(now + limits.fence + timedelta(minutes=1)):
        with unit_of_work(acme.scope) as session:
            store.release_old_unknowns(session, acme.business_id, fenced_since=clock.now() - limits.fence)
            session.execute(text("update outbound_attempts set state = 'ended' where state <> 'unknown'"))
        claims = [claim(acme), claim(acme)]
        assert acme.phones[0] in {one.phone for one in claims if isinstance(one, Claim)}


# --- What an answer does -------------------------------------------------------------------


def test_one_order_a_person_and_each_names_its_own_attempt(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    run = started(acme)
    installation.run_jobs()
    assert [order.to for order in carrier.orders] == list(acme.phones)
    assert len({order.answer_url for order in carrier.orders}) == 3
    assert [row.state for row in attempts(acme, run)] == ["placed"] * 3


def test_a_definite_no_fails_the_item_and_frees_the_slot(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    carrier.answers = [CarrierRefused("not a number", code="21211")]
    run = started(acme, concurrency=1, max_attempts=3)
    installation.run_jobs()
    assert [(item.state, item.disposition) for item in items(acme, run)][:2] == [
        ("failed", "refused"), ("dialling", None),
    ]  # fmt: skip
    assert [row.state for row in attempts(acme, run)] == ["rejected", "placed"]


def test_too_fast_is_no_fault_of_the_person_and_everybody_waits_as_long_as_told(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    carrier.answers = [CarrierRefused("too many", code="20429", retry_after_s=7)]
    with clock.frozen_at(NOON_IN_NEW_YORK):
        run = started(acme)
        installation.run_jobs()
    assert len(carrier.orders) == 1
    first = items(acme, run)[0]
    assert (first.state, first.attempts_used) == ("queued", 0)
    with clock.frozen_at(NOON_IN_NEW_YORK + timedelta(seconds=6.9)):
        installation.run_jobs()
        assert len(carrier.orders) == 1
    with clock.frozen_at(NOON_IN_NEW_YORK + timedelta(seconds=7)):
        installation.run_jobs()
    assert [order.to for order in carrier.orders] == [acme.phones[0], *acme.phones]


def test_doubt_is_never_answered_with_another_order(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    carrier.answers = [CarrierUncertain("no reply")] * 3
    run = started(acme, max_attempts=5)
    for minutes in (0, 1, 5, 30):
        with clock.frozen_at(clock.now() + timedelta(minutes=minutes)):
            with unit_of_work(acme.scope) as session:
                tending.tend_run(session, acme.business_id, run.id, limits=installed_limits())
            installation.run_jobs()
    assert len(carrier.orders) == 3
    assert {row.state for row in attempts(acme, run)} == {"unknown"}
    assert {item.state for item in items(acme, run)} == {"unknown"}


def test_what_the_carrier_lists_binds_the_dial_in_doubt(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    carrier.answers = [CarrierUncertain("no reply")]
    run = started(acme, concurrency=1)
    installation.run_jobs()
    carrier.listed = [
        CarrierCall("CAfound", acme.phones[0], acme.number, CallStatus.BUSY, created_at=clock.now())
    ]
    with clock.frozen_at(clock.now() + timedelta(seconds=2)):
        installation.run_jobs()
    first = attempts(acme, run)[0]
    assert (first.state, first.carrier_sid) == ("ended", "CAfound")
    assert items(acme, run)[0].disposition == "busy"


def test_a_call_that_is_another_dial_s_is_not_taken_for_this_one_s(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    run = started(acme, concurrency=1, max_attempts=2)
    installation.run_jobs()
    (first,) = attempts(acme, run)
    carrier.answers = [CarrierUncertain("no reply")]
    carrier.listed = [
        CarrierCall(first.carrier_sid or "", first.phone, acme.number, CallStatus.BUSY, clock.now())
    ]
    report(acme, first, CallStatus.BUSY)
    installation.run_jobs()
    with clock.frozen_at(clock.now() + timedelta(seconds=2)):
        installation.run_jobs()
    second = attempts(acme, run)[1]
    assert (second.phone, second.state, second.carrier_sid) == (first.phone, "unknown", None)


@pytest.mark.parametrize(
    ("status", "max_attempts", "states"),
    [
        (CallStatus.BUSY, 2, ["retry_wait", "failed"]),
        (CallStatus.NO_ANSWER, 2, ["retry_wait", "failed"]),
        (CallStatus.FAILED, 2, ["retry_wait", "failed"]),
        (CallStatus.CANCELED, 2, ["failed"]),
        (CallStatus.COMPLETED, 2, ["failed"]),
        (CallStatus.BUSY, 1, ["failed"]),
    ],
)
def test_people_are_tried_again_by_what_came_of_it_and_not_before_the_delay(  # noqa: PLR0917
    installation: Installation, acme: World, carrier: ListeningCarrier, status: CallStatus,
    max_attempts: int, states: list[str],
) -> None:  # fmt: skip
    now = clock.now() + timedelta(minutes=1)
    seen = []
    with clock.frozen_at(now):
        run = started(acme, concurrency=1, max_attempts=max_attempts, retry_delay_s=600)
        installation.run_jobs()
    for number in range(len(states)):
        with clock.frozen_at(now + timedelta(seconds=number * 600)):
            if number:
                assert isinstance(claim(acme), Claim)
            dial = [row for row in attempts(acme, run) if row.phone == acme.phones[0]][-1]
            report(acme, dial, status)
            seen.append(items(acme, run)[0].state)
            with unit_of_work(acme.scope) as session:
                # Nobody else is to be dialled here.
                session.execute(text("update outbound_items set state = 'cancelled' where position > 1"))
        with clock.frozen_at(now + timedelta(seconds=number * 600 + 599)):
            assert isinstance(claim(acme), Denied)
    assert seen == states
    assert items(acme, run)[0].attempts_used == len(states)


# --- Who may ask ---------------------------------------------------------------------------


def test_another_business_s_attempt_is_nobody_s(
    installation: Installation, acme: World, umbrella: World, carrier: ListeningCarrier
) -> None:
    run = started(acme)
    installation.run_jobs()
    ours = attempts(acme, run)[0]
    hostile = CallReport(
        sid="CAx",
        status=CallStatus.COMPLETED,
        to=ours.phone,
        from_=ours.from_number,
        direction="outbound-api",
    )
    with unit_of_work(umbrella.scope) as session:
        assert hearing.hear_report(session, umbrella.business_id, ours.id, hostile) is None
        # Not even when the caller names the right business in the wrong scope.
        assert hearing.hear_report(session, acme.business_id, ours.id, hostile) is None
    assert attempts(acme, run)[0].state == "placed"


def test_a_second_call_for_one_attempt_is_refused_and_changes_nothing(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    run = started(acme)
    installation.run_jobs()
    dial = attempts(acme, run)[0]
    with pytest.raises(hearing.SecondCall):
        report(acme, dial, CallStatus.COMPLETED, sid="CAanother")
    after = attempts(acme, run)[0]
    assert (after.state, after.carrier_sid) == ("placed", dial.carrier_sid)


def test_another_business_s_run_can_be_neither_started_nor_cancelled(acme: World, umbrella: World) -> None:
    run = acme.make_run()
    with unit_of_work(umbrella.scope) as session:
        for business_id in (umbrella.business_id, acme.business_id):
            with pytest.raises(NotFound):
                service.start_run(session, business_id, run.id, actor="them")
            with pytest.raises(NotFound):
                service.cancel_run(session, business_id, run.id, force=True, actor="them")


def test_a_refused_start_writes_no_row(acme: World) -> None:
    first, second = started(acme), acme.make_run()

    def jobs() -> int:
        with unit_of_work(acme.scope) as session:
            return session.scalar(select(func.count()).select_from(Job)) or 0

    before = jobs()
    for run in (first, second):
        with pytest.raises(RunAlreadyActive) as refused:
            start(acme, run)
        assert refused.value.data["run_id"] == str(first.id)
    assert jobs() == before
    with unit_of_work(acme.scope) as session:
        assert runs.get(session, acme.business_id, second.id).state == "pending"


def test_a_dial_that_others_gave_up_while_its_worker_stood_still_is_not_begun(
    acme: World, carrier: ListeningCarrier
) -> None:
    run = started(acme)
    dial = claim(acme)
    assert isinstance(dial, Claim)
    with unit_of_work(acme.scope) as session:
        dialling.leave_unknown(session, acme.business_id, dial.attempt_id, error="its worker stood still")
    with unit_of_work(acme.scope) as session:
        assert not dialling.run_allows(session, acme.business_id, run.id, dial.attempt_id)
    assert [row.state for row in attempts(acme, run)] == ["unknown"]


def test_a_late_reply_does_not_take_back_what_a_callback_has_told(
    acme: World, carrier: ListeningCarrier
) -> None:
    run = started(acme)
    dial = claim(acme)
    assert isinstance(dial, Claim)
    report(acme, attempts(acme, run)[0], CallStatus.BUSY, sid="CA1")
    with unit_of_work(acme.scope) as session:
        dialling.bind(session, acme.business_id, dial.attempt_id, sid="CA1")
        dialling.refuse(
            session, acme.business_id, dial.attempt_id, error="late", account="a", retry_after_s=None
        )
        dialling.leave_unknown(session, acme.business_id, dial.attempt_id, error="late")
    assert [row.state for row in attempts(acme, run)] == ["ended"]
    assert items(acme, run)[0].state == "failed"
    assert items(acme, run)[0].disposition == "busy"
