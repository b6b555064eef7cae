"""Stopping jobs: queued ones at once, running ones by asking and then by force, a run's all together."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from uuid import UUID

import pytest

from jobs.handlers import leave_mark, marks, spin, wait_to_be_asked
from support.installation import Installation
from support.processes import eventually
from support.world import World
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import Conflict, NotFound
from trunkline.core.jobs import (
    cancel_job,
    cancel_jobs_for_run,
    enqueue_job,
    enqueue_unique,
    get_job_status,
    retry_job,
    retry_jobs,
)
from trunkline.core.jobs.executor import Executor
from trunkline.core.jobs.heartbeat import Heartbeat
from trunkline.core.jobs.models import Job, JobState
from trunkline.core.jobs.standing import Standing
from trunkline.kit.ids import new_id

_LEASE = timedelta(seconds=15)


def state_of(world: World, job_id: UUID) -> JobState:
    with unit_of_work(world.scope):
        return get_job_status(job_id)


def work_with_heartbeat(installation: Installation) -> None:
    relay = installation.database.relay
    assert relay is not None
    executor = Executor(relay, name="w", lease=_LEASE, queues=("default",))
    heartbeat = Heartbeat(
        relay, executor, lease=_LEASE, standing=Standing(name="w", host="h", queues=("default",))
    )
    heartbeat.start()
    try:
        executor.work(seconds=30)
    finally:
        heartbeat.stop()


def when_running(world: World, job_id: UUID, act: object) -> threading.Thread:
    """Do something from another thread once the job runs."""

    def watch() -> None:
        eventually(lambda: state_of(world, job_id) is JobState.RUNNING, "the job runs")
        assert callable(act)
        act()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_a_queued_job_is_cancelled_at_once_and_never_runs(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", leave_mark, "never")
    with unit_of_work(acme.scope):
        assert cancel_job(job_id) is JobState.CANCELLED
    installation.run_jobs()
    assert marks(acme.scope) == []
    with unit_of_work(acme.scope), pytest.raises(Conflict, match="is cancelled and cannot be cancelled"):
        cancel_job(job_id)


def test_a_running_job_that_looks_is_stopped_by_asking(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", wait_to_be_asked)

    def ask() -> None:
        with unit_of_work(acme.scope):
            assert cancel_job(job_id) is JobState.RUNNING

    asking = when_running(acme, job_id, ask)
    work_with_heartbeat(installation)
    asking.join()
    assert state_of(acme, job_id) is JobState.CANCELLED


def test_a_running_job_that_does_not_look_is_stopped_by_force(
    installation: Installation, acme: World
) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", spin, 25)

    def ask() -> None:
        with unit_of_work(acme.scope):
            cancel_job(job_id, force=True)

    began = time.monotonic()
    asking = when_running(acme, job_id, ask)
    work_with_heartbeat(installation)
    asking.join()
    assert time.monotonic() - began < 20, "it came to its own end"
    with unit_of_work(acme.scope) as session:
        row = session.get_one(Job, job_id)
    assert (row.state, row.error) == (JobState.CANCELLED, "stopped by force")


def test_a_job_that_is_only_asked_is_not_stopped_by_force_before_its_grace_is_over(
    installation: Installation, acme: World
) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", spin, 3)

    def ask() -> None:
        with unit_of_work(acme.scope):
            cancel_job(job_id)

    asking = when_running(acme, job_id, ask)
    work_with_heartbeat(installation)
    asking.join()
    assert state_of(acme, job_id) is JobState.SUCCEEDED


def test_a_run_s_jobs_are_cancelled_together_and_nobody_else_s(
    installation: Installation, acme: World, umbrella: World
) -> None:
    run_id = new_id()
    with unit_of_work(acme.scope):
        ours = [enqueue_job("default", leave_mark, "run", run_id=run_id) for _ in range(3)]
        other = enqueue_job("default", leave_mark, "other", run_id=new_id())
    with unit_of_work(umbrella.scope):
        theirs = enqueue_job("default", leave_mark, "theirs", run_id=run_id)
        assert cancel_jobs_for_run(run_id, umbrella.business_id) == 1
        with pytest.raises(ValueError, match="belongs to the business"):
            cancel_jobs_for_run(run_id, acme.business_id)
    with unit_of_work(acme.scope):
        assert cancel_jobs_for_run(run_id, acme.business_id) == 3
    assert {state_of(acme, job_id) for job_id in ours} == {JobState.CANCELLED}
    assert state_of(acme, other) is JobState.QUEUED
    assert state_of(umbrella, theirs) is JobState.CANCELLED


def test_nobody_stops_or_repeats_another_business_s_job(
    installation: Installation, acme: World, umbrella: World
) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", leave_mark, "mine")
    for verb in (cancel_job, retry_job, get_job_status):
        with unit_of_work(of_business(umbrella.business_id)), pytest.raises(NotFound):
            verb(job_id)
    assert state_of(acme, job_id) is JobState.QUEUED


def test_the_dead_letter_is_sent_back_by_the_dozen(
    installation: Installation, acme: World, umbrella: World
) -> None:
    with unit_of_work(acme.scope):
        dead = [enqueue_job("default", "fail_until", 2, retry=1) for _ in range(5)]
        other = enqueue_job("low", "fail_until", 2, retry=1)
        twin = enqueue_unique("default", "fail_until", "twin", 2, retry=1)
        assert twin is not None
    with unit_of_work(umbrella.scope):
        theirs = enqueue_job("default", "fail_until", 2, retry=1)
    installation.run_jobs()
    with unit_of_work(acme.scope):
        # The like of one of them is queued by now, so that one stays where it is.
        enqueue_unique("default", "fail_until", "twin", 2, run_in=3_600)
        assert retry_jobs(queue="default", limit=3) == 3
        assert retry_jobs(queue="default", name="fail_until") == 2
        assert retry_jobs(queue="default") == 0
    assert {state_of(acme, job_id) for job_id in dead} == {JobState.QUEUED}
    assert state_of(acme, other) is state_of(acme, twin) is JobState.FAILED
    assert state_of(umbrella, theirs) is JobState.FAILED
