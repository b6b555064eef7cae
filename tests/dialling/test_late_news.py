"""What comes later than it should, or not at all: outcomes, starts, and rules that are changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update

from api.doorway import TestClient, build_app
from dialling.staging import (
    ListeningCarrier,
    answered,
    attempts,
    claim,
    claimed,
    items,
    report,
    run_over,
    started,
    told,
)
from support.installation import Installation
from support.processes import eventually
from support.world import World
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.core.jobs.models import Job, JobState
from trunkline.core.runs.models import Run
from trunkline.domain.calls import service as calls
from trunkline.domain.outbound import hearing, retrying, service, tending
from trunkline.domain.outbound.claim import Denied
from trunkline.domain.outbound.options import installed_limits
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.providers.ports import CallStatus, CarrierCall

NOON = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
"""Tuesday, twelve o'clock in New York."""

HOUR = timedelta(hours=1)
FROM_ELEVEN, FROM_ONE = {"from": "11:00", "to": "20:00"}, {"from": "13:00", "to": "20:00"}
AGAIN = {calls.CUT_OFF: {"times": 2, "delay_s": HOUR.total_seconds()}}


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    with clock.frozen_at(NOON):
        yield


def fell_silent(installation: Installation, world: World, run: Run) -> UUID:
    """Let a person be talked to, the call end, and nobody tell what it came to."""
    claimed(world)
    call_id, _ = answered(world, run)
    report(world, attempts(world, run)[-1], CallStatus.COMPLETED)
    with unit_of_work(world.scope) as session:
        calls.finalize(
            session, world.business_id, call_id, end_reason=calls.PROCESS_LOST, disposition=calls.CUT_OFF
        )
    installation.run_jobs()
    return call_id


# --- Outcomes ------------------------------------------------------------------------------


def test_whoever_would_be_called_again_is_not_once_the_true_outcome_is_told(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    run = run_over(acme, acme.phones[0], max_attempts=3, retries=AGAIN)
    call_id = fell_silent(installation, acme, run)
    assert [(row.state, row.disposition) for row in items(acme, run)] == [("retry_wait", calls.CUT_OFF)]
    told(acme, call_id, "booked")
    installation.run_jobs()
    (item,) = items(acme, run)
    assert (item.state, item.disposition, item.not_before) == ("completed", "booked", None)
    with clock.frozen_at(NOON + 2 * HOUR):
        installation.run_jobs()
        assert isinstance(claim(acme), Denied)


def test_the_true_outcome_of_a_lead_that_is_done_with_is_its_disposition(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    run = run_over(acme, acme.phones[0])
    call_id = fell_silent(installation, acme, run)
    told(acme, call_id, "declined")
    installation.run_jobs()
    assert [(row.state, row.disposition) for row in items(acme, run)] == [("completed", "declined")]


def test_the_outcome_of_an_earlier_dial_leaves_the_newest_one_its_own(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    run = run_over(acme, acme.phones[0], max_attempts=3, retries=AGAIN)
    call_id = fell_silent(installation, acme, run)
    with clock.frozen_at(NOON + HOUR):
        claimed(acme)
        told(acme, call_id, "booked")
        installation.run_jobs()
        assert items(acme, run)[0].state == "dialling"
        assert [dial.disposition for dial in attempts(acme, run)] == ["booked", None]
        report(acme, attempts(acme, run)[-1], CallStatus.BUSY)
    assert items(acme, run)[0].disposition == "busy"


def test_while_no_answer_of_ours_comes_nobody_is_used_up_and_the_run_rests(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    breaker = {"of_last": 4, "share": 0.5, "within_s": 600, "pause_s": 120}
    run = run_over(acme, *acme.phones, max_attempts=3, retry_delay_s=150, breaker=breaker)
    for minute in range(4):
        with clock.frozen_at(NOON + timedelta(minutes=minute)):
            installation.run_jobs()  # which dials
            call_id, _ = answered(acme, run)
            report(acme, attempts(acme, run)[-1], CallStatus.COMPLETED)
            with unit_of_work(acme.scope) as session:
                calls.finalize(
                    session, acme.business_id, call_id, end_reason="brain_failed", disposition=calls.OUR_FAULT
                )
                hearing.hear_outcome(session, acme.business_id, call_id)
    assert [dial.disposition for dial in attempts(acme, run)] == ["our_fault"] * 4
    assert {(row.state, row.disposition) for row in items(acme, run)} == {("retry_wait", "our_fault")}
    with clock.frozen_at(NOON + timedelta(minutes=4)):
        assert claim(acme) == Denied("held", retry_at=NOON + timedelta(minutes=5))


def test_an_outcome_that_nobody_tells_is_concluded_though_the_job_for_it_died(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    run = run_over(acme, acme.phones[0])
    claimed(acme)
    answered(acme, run)
    report(acme, attempts(acme, run)[-1], CallStatus.COMPLETED)
    kill_jobs(acme, "finalize_call_session")
    tend(installation, acme, run)
    assert items(acme, run)[0].state == "wrap_up"
    with clock.frozen_at(NOON + installed_limits().longest_life + timedelta(seconds=1)):
        tend(installation, acme, run)
    assert [(row.state, row.disposition) for row in items(acme, run)] == [("failed", calls.CUT_OFF)]


def test_whom_we_hung_up_on_has_not_hung_up_and_is_among_the_unreached(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    run = run_over(acme, acme.phones[0])
    claimed(acme)
    call_id, _ = answered(acme, run)
    with unit_of_work(acme.scope) as session:
        service.cancel_run(session, acme.business_id, run.id, force=True, actor="test")
    installation.run_jobs()
    assert carrier.hung_up == [attempts(acme, run)[0].carrier_sid]
    report(acme, attempts(acme, run)[0], CallStatus.COMPLETED)
    with unit_of_work(acme.scope) as session:
        calls.finalize(session, acme.business_id, call_id, end_reason="stop", disposition=calls.NO_OUTCOME)
    installation.run_jobs()
    with unit_of_work(acme.scope) as session:
        call = calls.get_call(session, acme.business_id, call_id)
        assert (call.end_reason, call.disposition) == ("hung_up", "cancelled")
        assert retrying.failed_leads(session, acme.business_id, run.id) == [call.lead_id]


def tend(installation: Installation, world: World, run: Run) -> None:
    with unit_of_work(world.scope) as session:
        tending.tend_run(session, world.business_id, run.id, limits=installed_limits())
    installation.run_jobs()


def kill_jobs(world: World, name: str) -> None:
    """Let these jobs have failed, as after their last try."""
    with unit_of_work(world.scope) as session:
        killed = session.execute(
            update(Job)
            .where(Job.name == name, Job.state == JobState.QUEUED)
            .values(state=JobState.FAILED, finished_at=clock.now())
            .returning(Job.id)
        )
        assert killed.all(), f"there is no {name} to kill"


# --- Starts --------------------------------------------------------------------------------


def test_a_scheduled_run_whose_start_died_is_started_all_the_same(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    run = acme.make_run()
    with unit_of_work(acme.scope) as session:
        service.schedule_run(session, acme.business_id, run.id, starts_at=NOON + HOUR, actor="test")
    kill_jobs(acme, "start_scheduled_run")
    for late, state in ((timedelta(seconds=30), "pending"), (timedelta(minutes=2), "running")):
        with clock.frozen_at(NOON + HOUR + late):
            with unit_of_work(SYSTEM):
                enqueue_job("maintenance", "tend_businesses")
            installation.run_jobs()
        with unit_of_work(acme.scope) as session:
            assert service.get_run(session, acme.business_id, run.id, fresh=True).state == state


# --- Rules ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"calling_window": FROM_ONE}, {"calling_window": FROM_ELEVEN}),
        ({"calling_rules": {"attempts_per_day": 1}}, {"calling_rules": {"attempts_per_day": None}}),
        ({"calling_rules": {"minimum_gap_minutes": 600}}, {"calling_rules": {"minimum_gap_minutes": 0}}),
    ],
    ids=["hours", "a day's count", "the gap"],
)
def test_rules_that_are_changed_hold_for_those_who_wait_by_the_old_ones(
    installation: Installation, acme: World, carrier: ListeningCarrier,
    before: dict[str, Any], after: dict[str, Any],
) -> None:  # fmt: skip
    with clock.frozen_at(NOON - HOUR):
        called_before = run_over(acme, acme.phones[0])
        claimed(acme)
        report(acme, attempts(acme, called_before)[-1], CallStatus.BUSY)
    change(acme, before)
    run = run_over(acme, acme.phones[0])
    assert isinstance(claim(acme), Denied)
    assert items(acme, run)[0].state == "retry_wait"
    change(acme, after)
    installation.run_jobs()
    assert [order.to for order in carrier.orders] == [acme.phones[0]]


def test_a_change_that_is_none_of_the_dialler_s_wakes_nobody(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    change(acme, {"calling_window": FROM_ONE})
    run = started(acme)
    claim(acme)
    installation.run_jobs()
    waiting = [row.not_before for row in items(acme, run)]
    with clock.frozen_at(NOON + timedelta(minutes=1)):
        change(acme, {"name": "Acme & Sons"})
        installation.run_jobs()
    assert [row.not_before for row in items(acme, run)] == waiting == [NOON + HOUR] * 3


def change(world: World, changes: dict[str, Any]) -> None:
    with unit_of_work(world.scope) as session:
        tenants.change_business(session, world.business_id, changes, actor="test")


def test_rules_are_changed_for_however_many_and_hold_no_claim_up(
    installation: Installation, acme: World, carrier: ListeningCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_RECHECKED_AT_ONCE", 2)
    change(acme, {"calling_window": FROM_ONE})
    run = started(acme, concurrency=3)
    claim(acme)
    assert [row.waits_for for row in items(acme, run)] == ["calling_hours"] * 3
    with clock.frozen_at(NOON + timedelta(minutes=1)):
        # Whoever is judged anew and must wait all the same is not asked again by the same change.
        change(acme, {"calling_window": {"from": "14:00", "to": "20:00"}})
        with unit_of_work(acme.scope) as session:
            assert service.recheck_waiting(session, acme.business_id, changed_at=clock.now())
            held = "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"
            assert session.scalar(text(held)) == 0
        installation.run_jobs()
    assert [row.not_before for row in items(acme, run)] == [NOON + 2 * HOUR] * 3
    with clock.frozen_at(NOON + timedelta(minutes=2)):
        change(acme, {"calling_window": FROM_ELEVEN})
        installation.run_jobs()
    assert sorted(order.to for order in carrier.orders) == sorted(acme.phones)


def test_a_process_that_starts_asks_about_the_calls_whose_end_nobody_was_there_to_hear(
    installation: Installation, acme: World, carrier: ListeningCarrier
) -> None:
    run = run_over(acme, acme.phones[0])
    claimed(acme)
    answered(acme, run)
    (dial,) = attempts(acme, run)
    assert dial.carrier_sid is not None
    carrier.listed = [CarrierCall(dial.carrier_sid, dial.phone, dial.from_number, CallStatus.COMPLETED, NOON)]
    tend(installation, acme, run)
    assert attempts(acme, run)[0].state == "answered"
    with TestClient(build_app(spool=installation.home / "no-spool")):
        eventually(lambda: waiting_jobs(acme, "reconcile_attempt") == 1, "it is asked for", within_s=20)
    installation.run_jobs()
    assert attempts(acme, run)[0].state == "ended"


def waiting_jobs(world: World, name: str) -> int:
    with unit_of_work(world.scope) as session:
        wanted = select(func.count()).where(Job.name == name, Job.state == JobState.QUEUED)
        return session.scalar(wanted) or 0
