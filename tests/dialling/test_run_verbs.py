"""What people ask of runs: start now or later, go before others, call again, call back, let go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from dialling.staging import (
    ListeningCarrier,
    answered,
    attempts,
    claim,
    claimed,
    items,
    lead_ids,
    limit,
    options,
    report,
    run_over,
    start,
    started,
    told,
)
from support.installation import Installation
from support.world import World, make_world
from trunkline.core.db import unit_of_work
from trunkline.core.errors import Conflict, InvalidInput, NotFound, RunAlreadyActive
from trunkline.core.jobs.models import Job, JobState
from trunkline.core.runs.models import Run, RunState
from trunkline.core.toolbox import ToolCaller, run_tool
from trunkline.domain.calls import service as calls
from trunkline.domain.leads import imports
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.schemas import LeadFilter
from trunkline.domain.leads.selection import Whom, people_of
from trunkline.domain.outbound import run_store, service, tending
from trunkline.domain.outbound.callbacks import moment_of
from trunkline.domain.outbound.claim import Denied
from trunkline.domain.outbound.models import OutboundAttempt
from trunkline.domain.outbound.options import install_limits, installed_limits
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import CallStatus, CarrierRefused, CarrierUncertain

NOW = datetime(2099, 1, 15, 17, tzinfo=UTC)


def run_of(world: World, run_id: UUID) -> Run:
    with unit_of_work(world.scope) as session:
        return service.get_run(session, world.business_id, run_id, fresh=True)


# --- Whom, and when ------------------------------------------------------------------------


def test_a_run_is_over_a_filter_s_leads(acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        run = service.create_run(
            session, acme.business_id, title="By filter", whom=Whom(where=LeadFilter(search="0102")),
            options=options(acme), actor="test",
        )  # fmt: skip
    assert [item.phone for item in items(acme, run)] == ["+12125550102"]


def test_chosen_leads_are_called_in_the_order_chosen(acme: World) -> None:
    run = run_over(acme, acme.phones[2], acme.phones[0])
    assert [item.phone for item in items(acme, run)] == [acme.phones[2], acme.phones[0]]


def test_a_run_that_would_call_nobody_is_not_made(acme: World) -> None:
    with pytest.raises(InvalidInput, match="nobody"), unit_of_work(acme.scope) as session:
        service.create_run(
            session, acme.business_id, title="Nobody", whom=Whom(where=LeadFilter(search="nobody like this")),
            options=options(acme), actor="test",
        )  # fmt: skip
    both = Whom(acme.list_id, lead_ids(acme))
    with pytest.raises(InvalidInput, match="one way"), unit_of_work(acme.scope) as session:
        service.create_run(
            session, acme.business_id, title="Both", whom=both,
            options=options(acme), actor="test",
        )  # fmt: skip
    with unit_of_work(acme.scope) as session:
        assert session.scalars(select(Run)).all() == []


def test_up_to_three_are_called_at_once_and_more_are_not(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    ids = lead_ids(acme)
    with unit_of_work(acme.scope) as session:
        service.dial_now(
            session, acme.business_id, lead_ids=ids, options=options(acme, concurrency=3), actor="test"
        )
    installation.run_jobs()
    assert [order.to for order in carrier.orders] == list(acme.phones)
    with pytest.raises(InvalidInput, match="make a run"), unit_of_work(acme.scope) as session:
        service.dial_now(
            session, acme.business_id, lead_ids=[acme.list_id, *ids], options=options(acme), actor="test",
        )  # fmt: skip


def test_a_scheduled_run_starts_at_its_moment_and_not_before(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    run = acme.make_run()
    with clock.frozen_at(NOW), unit_of_work(acme.scope) as session:
        service.schedule_run(
            session, acme.business_id, run.id, starts_at=NOW + timedelta(hours=1), actor="test"
        )
    with clock.frozen_at(NOW + timedelta(minutes=59, seconds=59)):
        installation.run_jobs()
    assert run_of(acme, run.id).state == RunState.PENDING
    with clock.frozen_at(NOW + timedelta(hours=1)):
        installation.run_jobs()
    assert run_of(acme, run.id).state == RunState.RUNNING
    assert len(carrier.orders) == 3


@pytest.mark.parametrize("later", [timedelta(hours=2), None])
def test_a_schedule_that_was_changed_or_taken_back_no_longer_holds(
    installation: Installation, acme: World, carrier: ListeningCarrier, later: timedelta | None
) -> None:
    run = acme.make_run()
    with clock.frozen_at(NOW):
        for starts_at in (NOW + timedelta(hours=1), later and NOW + later):
            with unit_of_work(acme.scope) as session:
                service.schedule_run(session, acme.business_id, run.id, starts_at=starts_at, actor="test")
    with clock.frozen_at(NOW + timedelta(hours=1, minutes=30)):
        installation.run_jobs()
    assert run_of(acme, run.id).state == RunState.PENDING
    with clock.frozen_at(NOW + timedelta(hours=3)):
        installation.run_jobs()
    assert run_of(acme, run.id).state == (RunState.PENDING if later is None else RunState.RUNNING)


def test_a_scheduled_run_waits_for_its_list_to_be_free(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    run = acme.make_run()
    with clock.frozen_at(NOW):
        busy = started(acme)
        with unit_of_work(acme.scope) as session:
            service.schedule_run(
                session, acme.business_id, run.id, starts_at=NOW + timedelta(minutes=1), actor="test"
            )
    with clock.frozen_at(NOW + timedelta(minutes=1)):
        installation.run_jobs()
        assert run_of(acme, run.id).state == RunState.PENDING
        with unit_of_work(acme.scope) as session:
            service.cancel_run(session, acme.business_id, busy.id, force=False, actor="test")
    with clock.frozen_at(NOW + timedelta(minutes=3)):
        installation.run_jobs()
    assert run_of(acme, run.id).state == RunState.RUNNING


def test_only_a_run_that_has_not_begun_is_scheduled_and_only_for_later(acme: World) -> None:
    run = acme.make_run()
    with pytest.raises(InvalidInput), unit_of_work(acme.scope) as session:
        service.schedule_run(session, acme.business_id, run.id, starts_at=clock.now(), actor="test")
    start(acme, run)
    with pytest.raises(Conflict), unit_of_work(acme.scope) as session:
        service.schedule_run(
            session, acme.business_id, run.id, starts_at=clock.now() + timedelta(days=1), actor="test"
        )


# --- Which goes first ----------------------------------------------------------------------


def test_a_run_of_higher_priority_is_served_first(acme: World, carrier: ListeningCarrier) -> None:
    run_over(acme, acme.phones[0], acme.phones[1])
    urgent = run_over(acme, acme.phones[2], priority=5)
    assert claimed(acme).run_id == urgent.id


def test_runs_of_one_priority_take_turns(acme: World, carrier: ListeningCarrier) -> None:
    first = run_over(acme, acme.phones[0], acme.phones[1], concurrency=2)
    second = run_over(acme, acme.phones[2], concurrency=2)
    assert [claimed(acme).run_id for _ in range(3)] == [first.id, second.id, first.id]


def test_priority_and_lines_are_changed_while_a_run_goes_on(acme: World, carrier: ListeningCarrier) -> None:
    limit(acme, max_outbound_calls=5, max_calls=5)
    run = run_over(acme, *acme.phones)
    claimed(acme)
    assert claim(acme) == Denied("no_slot")
    with unit_of_work(acme.scope) as session:
        service.change_run(session, acme.business_id, run.id, priority=7, concurrency=2, actor="test")
    claimed(acme)
    assert claim(acme) == Denied("no_slot")
    with unit_of_work(acme.scope) as session:
        assert run_store.outbound_run(session, acme.business_id, run.id).priority == 7


def test_a_ramp_opens_one_line_and_then_so_many_each_minute(acme: World, carrier: ListeningCarrier) -> None:
    limit(acme, max_outbound_calls=5, max_calls=5)
    with clock.frozen_at(NOW):
        run_over(acme, *acme.phones, concurrency=3, ramp_up_per_minute=1)
        claimed(acme)
        assert claim(acme) == Denied("no_slot")
    with clock.frozen_at(NOW + timedelta(seconds=59)):
        assert claim(acme) == Denied("no_slot")
    with clock.frozen_at(NOW + timedelta(seconds=60)):
        claimed(acme)
        assert claim(acme) == Denied("no_slot")


# --- The account's turns -------------------------------------------------------------------


@pytest.fixture
def slow(carrier: ListeningCarrier) -> None:
    """An account that takes one call a second."""
    install_limits(replace(installed_limits(), per_second=1))


def test_businesses_take_turns_at_an_account_whoever_asks_more_often(
    acme: World, umbrella: World, slow: None
) -> None:
    limit(acme, max_outbound_calls=5, max_calls=5)
    with clock.frozen_at(NOW):
        run_over(acme, *acme.phones, concurrency=3)
        run_over(umbrella, *umbrella.phones, concurrency=2)
        claimed(acme)
        # Acme asks again and again before the other comes; its turn is one all the same.
        mine = [claim(acme) for _ in range(5)]
        theirs = claim(umbrella)
    assert {answer.retry_at for answer in mine if isinstance(answer, Denied)} == {NOW + timedelta(seconds=1)}
    assert theirs == Denied("pace", retry_at=NOW + timedelta(seconds=2))
    with clock.frozen_at(NOW + timedelta(seconds=1)):
        assert claim(umbrella) == Denied("pace", retry_at=NOW + timedelta(seconds=2))
        claimed(acme)
        assert claim(acme) == Denied("pace", retry_at=NOW + timedelta(seconds=3))
    with clock.frozen_at(NOW + timedelta(seconds=2)):
        claimed(umbrella)


def test_a_turn_taken_late_costs_the_next_one_nothing_and_brings_no_two_dials_together(
    acme: World, umbrella: World, slow: None
) -> None:
    with clock.frozen_at(NOW):
        run_over(acme, *acme.phones, concurrency=3)
        run_over(umbrella, *umbrella.phones, concurrency=2)
        claimed(acme)
        assert claim(acme) == Denied("pace", retry_at=NOW + timedelta(seconds=1))
        assert claim(umbrella) == Denied("pace", retry_at=NOW + timedelta(seconds=2))
    late = NOW + timedelta(seconds=1.9)
    with clock.frozen_at(late):
        claimed(acme)
    with clock.frozen_at(NOW + timedelta(seconds=2)):
        assert claim(umbrella) == Denied("pace", retry_at=late + timedelta(seconds=0.2))
    with clock.frozen_at(late + timedelta(seconds=0.2)):
        claimed(umbrella)


def test_a_free_line_goes_to_whoever_has_waited_longest(
    acme: World, umbrella: World, carrier: ListeningCarrier
) -> None:
    install_limits(replace(installed_limits(), system=1))
    with clock.frozen_at(NOW):
        run_over(acme, *acme.phones)
        run_over(umbrella, *umbrella.phones)
        first = claimed(acme)
        assert claim(umbrella) == Denied("no_line")
    with clock.frozen_at(NOW + timedelta(seconds=5)):
        report(acme, next(row for row in rows(acme) if row.id == first.attempt_id), CallStatus.BUSY)
        assert claim(acme) == Denied("no_line", gives_way_to=umbrella.business_id)
        claimed(umbrella)
        assert claim(acme) == Denied("no_line")


def test_who_has_given_up_waiting_holds_nobody_up(
    acme: World, umbrella: World, carrier: ListeningCarrier
) -> None:
    install_limits(replace(installed_limits(), system=1))
    with clock.frozen_at(NOW):
        run_over(acme, *acme.phones)
        run_over(umbrella, *umbrella.phones)
        first = claimed(acme)
        assert claim(umbrella) == Denied("no_line")
    with clock.frozen_at(NOW + timedelta(seconds=181)):
        report(acme, next(row for row in rows(acme) if row.id == first.attempt_id), CallStatus.BUSY)
        claimed(acme)


def test_who_waits_for_a_line_and_is_denied_again_and_again_keeps_its_place(
    installation: Installation, acme: World, umbrella: World, carrier: ListeningCarrier
) -> None:
    install_limits(replace(installed_limits(), system=1))
    third = make_world("Third", number="+13125550188", phones=("+13125550101",))
    with clock.frozen_at(NOW):
        run = run_over(acme, *acme.phones)
        run_over(umbrella, *umbrella.phones)
        claimed(acme)
        assert claim(umbrella) == Denied("no_line")
    with clock.frozen_at(NOW + timedelta(seconds=170)):
        assert claim(umbrella) == Denied("no_line")
        run_over(third, *third.phones)
        assert claim(third) == Denied("no_line")
    with clock.frozen_at(NOW + timedelta(seconds=300)):
        (dial,) = attempts(acme, run)
        report(acme, dial, CallStatus.BUSY)
        assert claim(third) == Denied("no_line", gives_way_to=umbrella.business_id)
        claimed(umbrella)


def pushed_by_the_sweeper(world: World, run: UUID) -> bool:
    """Tend a run as the sweeper does. Returns whether that had its business dial."""
    with unit_of_work(world.scope) as session:
        tending.tend_run(session, world.business_id, run, limits=installed_limits())
    with unit_of_work(world.scope) as session:
        waiting = session.scalars(select(Job.name).where(Job.state == JobState.QUEUED)).all()
    return "dial_next" in waiting


def test_who_waits_for_a_line_is_pushed_only_if_one_is_free_or_nobody_pushed_it_for_long(
    installation: Installation, acme: World, umbrella: World, carrier: ListeningCarrier
) -> None:
    install_limits(replace(installed_limits(), system=1))
    with clock.frozen_at(NOW):
        first = run_over(acme, *acme.phones)
        claimed(acme)
        second = run_over(umbrella, *umbrella.phones).id
        installation.run_jobs()
    with clock.frozen_at(NOW + timedelta(seconds=59)):
        assert not pushed_by_the_sweeper(umbrella, second)
    with clock.frozen_at(NOW + timedelta(seconds=61)):
        assert pushed_by_the_sweeper(umbrella, second)
        installation.run_jobs()
        assert not pushed_by_the_sweeper(umbrella, second), "it has asked again"
    with clock.frozen_at(NOW + timedelta(seconds=62)):
        (dial,) = attempts(acme, first)
        report(acme, dial, CallStatus.BUSY)
        # The job that would dial on, or tell whoever is first, comes late.
        assert pushed_by_the_sweeper(umbrella, second), "a line is free, and it is first"


def test_a_line_that_was_kept_for_somebody_who_wants_it_no_more_goes_to_the_next(
    installation: Installation, acme: World, umbrella: World, carrier: ListeningCarrier
) -> None:
    install_limits(replace(installed_limits(), system=1))
    third = make_world("Third", number="+13125550188", phones=("+13125550101",))
    with clock.frozen_at(NOW):
        first = run_over(acme, *acme.phones)
        gone = run_over(umbrella, *umbrella.phones)
        claimed(acme)
        assert claim(umbrella) == Denied("no_line")
    with clock.frozen_at(NOW + timedelta(seconds=1)):
        run_over(third, *third.phones)
        assert claim(third) == Denied("no_line")
    with clock.frozen_at(NOW + timedelta(seconds=2)):
        with unit_of_work(umbrella.scope) as session:
            service.pause_run(session, umbrella.business_id, gone.id, actor="test")
        (dial,) = attempts(acme, first)
        report(acme, dial, CallStatus.BUSY)
        assert claim(acme) == Denied("no_line", gives_way_to=umbrella.business_id)
        assert claim(umbrella) == Denied("no_run", gives_way_to=third.business_id)
        claimed(third)
        assert claim(umbrella) == Denied("no_run")


def test_the_line_that_is_another_s_is_dialled_on_by_them(
    installation: Installation, acme: World, umbrella: World, carrier: ListeningCarrier
) -> None:
    install_limits(replace(installed_limits(), system=1))
    with clock.frozen_at(NOW):
        run_over(acme, *acme.phones[1:])
        run_over(umbrella, umbrella.phones[1])
        installation.run_jobs()
    with clock.frozen_at(NOW + timedelta(seconds=1)):
        (only,) = rows(acme)
        report(acme, only, CallStatus.BUSY)
        installation.run_jobs()
    assert [order.to for order in carrier.orders] == [acme.phones[1], umbrella.phones[1]]


def rows(world: World) -> list[OutboundAttempt]:
    with unit_of_work(world.scope) as session:
        return list(session.scalars(select(OutboundAttempt).order_by(OutboundAttempt.created_at)))


# --- When dials fail -----------------------------------------------------------------------


def test_a_run_whose_dials_fail_rests_and_goes_on_with_one_line(
    acme: World, carrier: ListeningCarrier
) -> None:
    world = make_world(
        "Many", number="+13125550199", phones=tuple(f"+1312555{number:04}" for number in range(100, 112))
    )
    limit(world, max_outbound_calls=9, max_calls=9)
    breaker = {"of_last": 4, "share": 0.5, "within_s": 600, "pause_s": 120}
    with clock.frozen_at(NOW):
        run = run_over(world, *world.phones, concurrency=9, ramp_up_per_minute=10, breaker=breaker)
    with clock.frozen_at(NOW + timedelta(minutes=1)):
        for status in (CallStatus.BUSY, CallStatus.FAILED, CallStatus.NO_ANSWER, CallStatus.FAILED):
            claimed(world)
            report(world, attempts(world, run)[-1], status)
        # Two of four are not more than half.
        claimed(world)
        report(world, attempts(world, run)[-1], CallStatus.FAILED)
        assert claim(world) == Denied("held", retry_at=NOW + timedelta(minutes=3))
    with clock.frozen_at(NOW + timedelta(minutes=3)):
        claimed(world)
        assert claim(world) == Denied("no_slot")


# --- Again, back, and let go ---------------------------------------------------------------


def finished(world: World, run: Run, statuses: list[CallStatus]) -> None:
    for status in statuses:
        claimed(world)
        if status is CallStatus.COMPLETED:
            told(world, answered(world, run)[0], "declined")
        report(world, attempts(world, run)[-1], status)
    with unit_of_work(world.scope) as session:
        assert tending.finish_if_done(session, world.business_id, run.id)


def test_who_was_not_reached_is_called_again_in_a_run_of_their_own(
    acme: World, carrier: ListeningCarrier
) -> None:
    run = started(acme, concurrency=1)
    with pytest.raises(Conflict, match="not over"), unit_of_work(acme.scope) as session:
        service.retry_failed(session, acme.business_id, run.id, actor="test")
    finished(acme, run, [CallStatus.BUSY, CallStatus.COMPLETED, CallStatus.NO_ANSWER])
    with unit_of_work(acme.scope) as session:
        again = service.retry_failed(session, acme.business_id, run.id, actor="test")
    assert [item.phone for item in items(acme, again)] == [acme.phones[0], acme.phones[2]]
    assert run_of(acme, again.id).state == RunState.RUNNING
    with unit_of_work(acme.scope) as session:
        assert run_store.outbound_run(session, acme.business_id, again.id).retry_of == run.id
    finished(acme, again, [CallStatus.COMPLETED, CallStatus.COMPLETED])
    with pytest.raises(Conflict, match="Nobody"), unit_of_work(acme.scope) as session:
        service.retry_failed(session, acme.business_id, again.id, actor="test")


def test_a_dial_in_doubt_is_released_by_a_person_once_it_cannot_be_live(
    installation: Installation, acme: World, umbrella: World, carrier: ListeningCarrier
) -> None:
    carrier.answers = [CarrierUncertain("no reply")]
    with clock.frozen_at(NOW):
        run = started(acme, concurrency=1)
        installation.run_jobs()
        (doubt,) = attempts(acme, run)

    def release(world: World, attempt_id: UUID) -> None:
        with unit_of_work(world.scope) as session:
            service.release_attempt(session, world.business_id, run.id, attempt_id, actor="test")

    with clock.frozen_at(NOW + timedelta(seconds=30)), pytest.raises(Conflict, match="may still ring"):
        release(acme, doubt.id)
    with clock.frozen_at(NOW + installed_limits().longest_life + timedelta(seconds=1)):
        with pytest.raises(NotFound):
            release(umbrella, doubt.id)
        release(acme, doubt.id)
        with pytest.raises(Conflict, match="nobody knows"):
            release(acme, doubt.id)
        run_over(acme, acme.phones[0], priority=1)
        assert claimed(acme).phone == acme.phones[0]


@pytest.mark.parametrize("told_first", [True, False])
def test_what_a_conversation_came_to_is_the_item_s_disposition(
    installation: Installation, acme: World, carrier: ListeningCarrier, told_first: bool
) -> None:
    run = started(acme, concurrency=1)
    claimed(acme)
    call_id, _ = answered(acme, run)
    dial = attempts(acme, run)[-1]
    if told_first:
        told(acme, call_id, "booked")
        report(acme, dial, CallStatus.COMPLETED)
    else:
        report(acme, dial, CallStatus.COMPLETED)
        assert items(acme, run)[0].state == "wrap_up"
        # The line is free: the next is dialled while this one is written down.
        assert claimed(acme).phone == acme.phones[1]
        told(acme, call_id, "booked")
        installation.run_jobs()
    first = items(acme, run)[0]
    assert (first.state, first.disposition) == ("completed", "booked")


def test_an_outcome_whose_job_was_lost_is_found_by_the_sweeper(
    acme: World, carrier: ListeningCarrier
) -> None:
    run = started(acme, concurrency=1)
    claimed(acme)
    call_id, _ = answered(acme, run)
    report(acme, attempts(acme, run)[-1], CallStatus.COMPLETED)
    told(acme, call_id, "voicemail")
    with unit_of_work(acme.scope) as session:
        tending.tend_run(session, acme.business_id, run.id, limits=installed_limits())
    assert items(acme, run)[0].disposition == "voicemail"


def test_a_machine_is_called_again_by_its_own_rule(acme: World, carrier: ListeningCarrier) -> None:
    with clock.frozen_at(NOW):
        run = run_over(
            acme, acme.phones[0], max_attempts=3, retries={"voicemail": {"times": 1, "delay_s": 7_200}}
        )
        claimed(acme)
        call_id, _ = answered(acme, run)
        told(acme, call_id, "voicemail")
        report(acme, attempts(acme, run)[-1], CallStatus.COMPLETED)
    (item,) = items(acme, run)
    assert (item.state, item.not_before) == ("retry_wait", NOW + timedelta(hours=2))


def test_call_me_at_five_is_dialled_at_five_before_the_others_and_counts_as_no_try(
    acme: World, carrier: ListeningCarrier
) -> None:
    with clock.frozen_at(NOW):  # noon in New York
        run = started(acme, concurrency=1)
        claimed(acme)
        call_id, caller = answered(acme, run)
        result = run_tool("request_callback", {"at": "17:00"}, caller=caller, allowed=("request_callback",))
        assert result.ok, result
        told(acme, call_id, "callback_requested")
        report(acme, attempts(acme, run)[-1], CallStatus.COMPLETED)
    five = NOW + timedelta(hours=5)
    first = items(acme, run)[0]
    assert (first.state, first.not_before, first.attempts_used) == ("retry_wait", five, 0)
    with clock.frozen_at(five - timedelta(seconds=1)):
        assert claimed(acme).phone == acme.phones[1]
        report(acme, attempts(acme, run)[-1], CallStatus.BUSY)
    with clock.frozen_at(five):
        assert claimed(acme).phone == acme.phones[0]


def test_somebody_who_called_us_is_called_back_by_a_run_of_one(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    with clock.frozen_at(NOW):
        with unit_of_work(acme.scope) as session:
            lead_id = leads.lead_of_caller(session, acme.business_id, acme.phones[1])
            call = calls.open_call(
                session, acme.business_id, sid="CA" + "9" * 32, direction="inbound", ours=acme.number,
                theirs=acme.phones[1], agent_id=acme.agent_id, lead_id=lead_id,
            )  # fmt: skip
        caller = ToolCaller(acme.business_id, call.id, acme.agent_id, lead_id, acme.phones[1])
        assert run_tool(
            "request_callback", {"at": "2099-01-15T14:30"}, caller=caller, allowed=("request_callback",)
        ).ok
        told(acme, call.id, "callback_requested")
        installation.run_jobs()
        assert carrier.orders == []
    with clock.frozen_at(NOW + timedelta(hours=2, minutes=30)):
        installation.run_jobs()
    assert [order.to for order in carrier.orders] == [acme.phones[1]]


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("17:00", "2026-03-07T17:00"),
        ("09:00", "2026-03-08T09:00"),
        ("2026-03-09T08:15", "2026-03-09T08:15"),
        (" 2026-03-09 08:15 ", "2026-03-09T08:15"),
    ],
)
def test_a_time_that_a_person_named_is_read_in_their_zone(text: str, local: str) -> None:
    zone = ZoneInfo("America/New_York")
    now = datetime(2026, 3, 7, 15, tzinfo=UTC)  # ten in the morning; the clocks change that night
    expected = datetime.fromisoformat(local).replace(tzinfo=zone)
    assert moment_of(text, zone, now=now) == expected


@pytest.mark.parametrize("text", ["", "soon", "25:00", "2026-03-07T09:59", "2027-01-01T10:00", "at 5"])
def test_what_is_no_time_to_come_is_told_so(text: str) -> None:
    with pytest.raises(InvalidInput):
        moment_of(text, ZoneInfo("America/New_York"), now=datetime(2026, 3, 7, 15, tzinfo=UTC))


# --- What a carrier can ----------------------------------------------------------------------


def test_a_carrier_that_knows_an_order_by_its_key_is_asked_again_with_the_same_key(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    carrier.capabilities = replace(carrier.capabilities, idempotency_key=True)
    carrier.answers = [CarrierUncertain("no reply")]
    run = run_over(acme, acme.phones[0])
    installation.run_jobs()
    first, second = carrier.orders
    assert first.key == second.key
    assert [row.state for row in attempts(acme, run)] == ["placed"]


def test_a_refusal_is_not_asked_again(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    carrier.capabilities = replace(carrier.capabilities, idempotency_key=True)
    carrier.answers = [CarrierRefused("not a number", code="21211")]
    run_over(acme, acme.phones[0])
    installation.run_jobs()
    assert len(carrier.orders) == 1


def test_force_is_refused_where_the_carrier_cannot_hang_up_and_nothing_is_cancelled(
    acme: World, carrier: ListeningCarrier
) -> None:
    carrier.capabilities = replace(carrier.capabilities, hangs_up=False)
    run = started(acme)
    with pytest.raises(Conflict, match="cannot hang up"), unit_of_work(acme.scope) as session:
        service.cancel_run(session, acme.business_id, run.id, force=True, actor="test")
    assert run_of(acme, run.id).state == RunState.RUNNING


# --- What is asked for twice ---------------------------------------------------------------


def test_a_call_asked_for_twice_at_once_is_made_once(acme: World, carrier: ListeningCarrier) -> None:
    ids = lead_ids(acme)

    def call(chosen: list[UUID]) -> Run:
        with unit_of_work(acme.scope) as session:
            return service.dial_now(
                session, acme.business_id, lead_ids=chosen, options=options(acme), actor="test"
            )

    first = call(ids[:2])
    with pytest.raises(RunAlreadyActive) as refused:
        call([ids[1], ids[0]])
    assert refused.value.data["run_id"] == str(first.id)
    assert call(ids[2:]).id != first.id


def test_a_retry_asked_for_twice_is_made_once(acme: World, carrier: ListeningCarrier) -> None:
    run = started(acme, concurrency=1)
    finished(acme, run, [CallStatus.BUSY] * 3)
    with unit_of_work(acme.scope) as session:
        again = service.retry_failed(session, acme.business_id, run.id, actor="test")
    with pytest.raises(RunAlreadyActive) as refused, unit_of_work(acme.scope) as session:
        service.retry_failed(session, acme.business_id, run.id, actor="test")
    assert refused.value.data["run_id"] == str(again.id)


def test_of_wishes_in_one_call_the_last_counts_and_no_count_of_dials_holds_it_up(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    with unit_of_work(acme.scope) as session:
        business = tenants.get_business(session, acme.business_id)
        business.calling_rules = {"attempts_per_day": 1}
    with clock.frozen_at(NOW - timedelta(hours=1)):
        earlier = run_over(acme, acme.phones[1])
        claimed(acme)
        report(acme, attempts(acme, earlier)[-1], CallStatus.NO_ANSWER)
    with clock.frozen_at(NOW):
        with unit_of_work(acme.scope) as session:
            lead_id = leads.lead_of_caller(session, acme.business_id, acme.phones[1])
            call = calls.open_call(
                session, acme.business_id, sid="CA" + "8" * 32, direction="inbound", ours=acme.number,
                theirs=acme.phones[1], agent_id=acme.agent_id, lead_id=lead_id,
            )  # fmt: skip
        caller = ToolCaller(acme.business_id, call.id, acme.agent_id, lead_id, acme.phones[1])
        for at in ("15:00", "15:00", "15:30"):
            assert run_tool("request_callback", {"at": at}, caller=caller, allowed=("request_callback",)).ok
        told(acme, call.id, "callback_requested")
    for hours in (3, 3.5, 4):
        with clock.frozen_at(NOW + timedelta(hours=hours)):
            installation.run_jobs()
            assert [order.to for order in carrier.orders] == [acme.phones[1]] * (hours >= 3.5)


# --- What would stay for ever ----------------------------------------------------------------


def test_a_call_that_the_carrier_has_forgotten_frees_its_line_and_ends_as_unknown(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    with clock.frozen_at(NOW):
        run = run_over(acme, acme.phones[0])
        installation.run_jobs()
        report(acme, attempts(acme, run)[0], CallStatus.RINGING)
    later = NOW + installed_limits().longest_life + timedelta(minutes=10)
    for minutes in (0, 1):
        with clock.frozen_at(later + timedelta(minutes=minutes)):
            with unit_of_work(acme.scope) as session:
                tending.tend_run(session, acme.business_id, run.id, limits=installed_limits())
            installation.run_jobs()
    assert [row.state for row in attempts(acme, run)] == ["unknown"]
    assert [item.state for item in items(acme, run)] == ["unknown"]
    assert run_of(acme, run.id).state == RunState.COMPLETED


def test_who_heard_that_no_line_was_left_is_called_again_by_a_retry(
    acme: World, carrier: ListeningCarrier
) -> None:
    run = run_over(acme, acme.phones[0])
    claimed(acme)
    report(acme, attempts(acme, run)[-1], CallStatus.IN_PROGRESS)
    with unit_of_work(acme.scope) as session:
        (call,) = calls.list_calls(session, acme.business_id, limit=2)[0]
        calls.reject_for_capacity(call)
    report(acme, attempts(acme, run)[-1], CallStatus.COMPLETED)
    (item,) = items(acme, run)
    assert (item.state, item.disposition) == ("failed", "rejected_capacity")


def test_a_gap_of_a_week_is_kept(acme: World, carrier: ListeningCarrier) -> None:
    with unit_of_work(acme.scope) as session:
        business = tenants.get_business(session, acme.business_id)
        business.calling_rules = {"minimum_gap_minutes": 7 * 24 * 60}
    with clock.frozen_at(NOW):
        first = run_over(acme, acme.phones[0])
        claimed(acme)
        report(acme, attempts(acme, first)[-1], CallStatus.BUSY)
    with clock.frozen_at(NOW + timedelta(hours=60)):
        second = run_over(acme, acme.phones[0])
        assert claim(acme) == Denied("nothing_to_dial")
    (item,) = items(acme, second)
    assert (item.waits_for, item.not_before) == ("minimum_gap", NOW + timedelta(days=7))


def test_people_are_chosen_also_where_they_are_more_than_a_statement_has_parameters(acme: World) -> None:
    nobody, ours = [new_id() for _ in range(66_000)], lead_ids(acme)
    with unit_of_work(acme.scope) as session, pytest.raises(NotFound) as refused:
        people_of(session, acme.business_id, Whom(lead_ids=[*nobody, *ours]))
    assert len(refused.value.data["lead_ids"]) == len(nobody)


def test_a_list_that_is_being_imported_is_not_called_before_all_are_in(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    content = b"phone\n" + b"\n".join(phone.encode() for phone in acme.phones)
    with unit_of_work(acme.scope) as session:
        begun = imports.begin(
            session, acme.business_id, BytesIO(content), name="New", filename="new.csv", size=len(content),
            mapping=None, actor="test",
        )  # fmt: skip
        whom = Whom(imports.get(session, acme.business_id, begun.id)[0].list_id)

    def make_run() -> Run:
        with unit_of_work(acme.scope) as session:
            return service.create_run(
                session, acme.business_id, title="New", whom=whom, options=options(acme), actor="test"
            )

    with pytest.raises(Conflict, match="being imported") as refused:
        make_run()
    assert refused.value.data == {"import_id": str(begun.id), "reason": "list_importing"}
    installation.run_jobs()
    assert [item.phone for item in items(acme, make_run())] == list(acme.phones)
