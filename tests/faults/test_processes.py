"""API, PostgreSQL and frozen workers: whatever is killed or stands still, runs go on; no second ring."""

from __future__ import annotations

import signal
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from support.local_carrier import Carrier
from support.processes import eventually, kill
from support.system import FINAL_ITEM_STATES, System
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.jobs.models import Job, JobState
from trunkline.domain.calls.models import Call
from trunkline.domain.outbound.models import OutboundAttempt


def test_the_api_killed_in_the_middle_of_live_calls_leaves_no_ghost(system: System) -> None:
    world = system.world("silent", size=3)
    run = world.make_run()
    system.start_worker(settings={"ring_timeout_seconds": 6})
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        eventually(lambda: api.run(run.id)["progress"]["active"] == 3, "three people are called")
        eventually(lambda: "live" in states_of_calls(world), "a call is live")
        system.kill_api()
        system.start_api()
        eventually(
            lambda: {row["state"] for row in api.attempts(run.id)} == {"ended"}, "every dial is over",
            within_s=60,
        )  # fmt: skip
        # Each call that media cannot tell about has been promised an end; time is moved on to it.
        assert promised_ends(world) >= unfinalized(world)
        assert bring_forward(world, "finalize_call_session") < timedelta(minutes=10)
        eventually(lambda: not unfinalized(world), "every call is finalized", within_s=60)
        # What became of them is then known of their leads as well.
        api.wait_for_state(run.id, "completed", within_s=60)
    page = system.carrier.page_of(world.phones)
    assert page.double_dials == []
    assert page.most_rings == 1


def lost_callbacks(carrier: Carrier, world: World) -> list[dict[str, Any]]:
    """The callbacks to which the carrier got no answer at least once."""
    calls = carrier.page_of(world.phones).calls
    return [callback for call in calls for callback in call["callbacks"] if 0 in callback["replies"]]


@pytest.mark.soak
def test_the_api_killed_while_lines_ring_loses_callbacks_and_nothing_else(system: System) -> None:
    world = system.world("no_answer", size=8, carrier=system.slow_carrier)
    run = world.make_run()
    system.start_worker(carrier=system.slow_carrier)
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        eventually(lambda: len(system.slow_carrier.page_of(world.phones).rang) == 3, "three lines ring")
        system.kill_api()
        eventually(lambda: lost_callbacks(system.slow_carrier, world), "a callback finds nobody")
        system.start_api()
        done = api.wait_for_state(run.id, "completed", within_s=60)
    page = system.slow_carrier.page_of(world.phones)
    assert page.rang == set(world.phones)
    assert page.double_dials == []
    assert page.most_rings == 1
    assert done["progress"]["failed"] == len(world.phones)


@pytest.mark.parametrize(
    "until", ["its dial is in doubt", pytest.param("the run is over", marks=pytest.mark.soak)]
)
def test_a_worker_that_stood_still_before_its_post_rings_once_at_most(system: System, until: str) -> None:
    world = system.world("busy", size=4)
    run = world.make_run()
    frozen = system.start_worker(barrier="dial.before_post", number=signal.SIGSTOP)
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        frozen.wait_until_stopped()
        system.start_worker()
        if until == "the run is over":
            assert api.wait_for_state(run.id, "completed")["progress"]["unknown"] == 1
        else:
            eventually(
                lambda: "unknown" in {row["state"] for row in api.attempts(run.id)}, "its dial is in doubt"
            )
        kill(frozen.pid, signal.SIGCONT)
        eventually(
            lambda: {row["state"] for row in api.attempts(run.id)} == {"ended"}, "its call is heard of"
        )
        done = api.wait_for_state(run.id, "completed")

    page = system.carrier.page_of(world.phones)
    assert page.double_dials == []
    assert page.most_rings == 1
    assert page.rang == set(world.phones)
    assert done["progress"]["failed"] == len(world.phones)
    with unit_of_work(world.scope) as session:
        late = session.scalars(select(OutboundAttempt).order_by(OutboundAttempt.created_at).limit(1)).one()
        job = session.get_one(Job, late.job_id)
        # Another worker has had the job since, and what became of it is that one's word.
        assert job.lease_epoch > late.lease_epoch
        assert job.state == "succeeded"


def test_postgresql_killed_in_the_middle_of_a_run_goes_on(system: System) -> None:
    world = system.world("no_answer", size=8, carrier=system.slow_carrier)
    run = world.make_run()
    for _ in range(2):
        system.start_worker(carrier=system.slow_carrier)
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        eventually(lambda: len(system.slow_carrier.page_of(world.phones).rang) == 3, "three lines ring")
        before = system.postmaster_pid()
        kill(before)
        eventually(lambda: system.postgres_is_new(before), "PostgreSQL is there again", within_s=60)
        api.wait_for_state(run.id, "completed", within_s=60)
        items = api.items(run.id)
    page = system.slow_carrier.page_of(world.phones)
    assert page.double_dials == []
    assert page.most_rings == 1
    assert {item["state"] for item in items} <= FINAL_ITEM_STATES
    assert {item["phone"] for item in items if item["state"] != "unknown"} == page.rang


def states_of_calls(world: World) -> set[str]:
    with unit_of_work(world.scope) as session:
        return set(session.scalars(select(Call.state)))


def unfinalized(world: World) -> set[str]:
    with unit_of_work(world.scope) as session:
        return {
            str(call_id) for call_id in session.scalars(select(Call.id).where(Call.finalized_at.is_(None)))
        }


def promised_ends(world: World) -> set[str]:
    """Return the calls that a queued job will close."""
    with unit_of_work(world.scope) as session:
        jobs = session.scalars(
            select(Job).where(Job.name == "finalize_call_session", Job.state == JobState.QUEUED)
        )
        return {job.args["args"][0] for job in jobs}


def bring_forward(world: World, name: str) -> timedelta:
    """Make the queued jobs of this name due now. Returns how long the last would have waited."""
    with unit_of_work(world.scope) as session:
        jobs = session.scalars(select(Job).where(Job.name == name, Job.state == JobState.QUEUED)).all()
        longest = max((job.run_at - job.created_at for job in jobs), default=timedelta())
        for job in jobs:
            job.run_at = func.clock_timestamp()
        return longest
