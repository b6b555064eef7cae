"""Delivery: what a Redis in trouble costs, how work goes on without it, and how a worker stops."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from uuid import UUID

import pytest

from support.processes import TWO_SECONDS, eventually
from support.redis_proxy import late_answers
from support.yard import HASTE, Yard
from trunkline.core.db import unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.core.jobs.bell import Bell, install_bell, installed_bell
from trunkline.core.jobs.engine import EXIT_COLD
from trunkline.core.jobs.models import Job

_TRIES = 15
_WAIT_S = 0.04
"""For how long a request may wait for Redis in all."""
_WORK_S = 0.01
"""What noticing that takes besides."""


class WaitingBell(Bell):
    """Only waits, once, for as long as a request may: what the machine makes of that is its own affair."""

    def __init__(self) -> None:
        self._has_waited = False

    def ring(self, _queue: str) -> bool:
        if not self._has_waited:
            time.sleep(_WAIT_S)
        self._has_waited = True
        return False


@contextmanager
def redis_in_trouble(yard: Yard, trouble: str) -> Iterator[str]:
    """Let Redis be hung, killed, or so many milliseconds late with each answer. Yields its address."""
    if trouble.endswith("ms late"):
        with late_answers(yard.redis.port, delay_s=int(trouble.split(maxsplit=1)[0]) / 1000) as port:
            yield yard.redis.url.replace(str(yard.redis.port), str(port))
        return
    if trouble == "killed":
        yard.redis.kill()
    else:
        yard.redis.hang()
    try:
        yield yard.redis.url
    finally:
        yard.redis.mend()


@pytest.mark.parametrize("trouble", ["hung", "killed", "5 ms late", "20 ms late", "100 ms late"])
def test_a_redis_in_trouble_costs_a_request_its_patience_at_most(yard: Yard, trouble: str) -> None:
    usual = installed_bell()

    def request(bell: Bell) -> float:
        install_bell(bell)
        began = time.perf_counter()
        with unit_of_work(yard.scopes[0]):
            enqueue_job("default", "yard_noop")
            enqueue_job("high", "yard_noop")
        return time.perf_counter() - began

    with redis_in_trouble(yard, trouble) as url:
        # A bell of its own each: none has learnt yet to leave this Redis alone.
        bells = [Bell(url) for _ in range(_TRIES)]
        try:
            took = [(request(WaitingBell()), request(bell)) for bell in bells]
        finally:
            install_bell(usual)
            for bell in bells:
                bell.close()
    # The quickest of each: a busy machine only ever adds, and patience that is too long is in all of them.
    waiting, ringing = (min(each) for each in zip(*took, strict=True))
    assert ringing <= waiting + _WORK_S, took
    assert yard.book.count() == 4 * _TRIES


def test_the_trace_of_a_job_that_no_wake_up_announced_is_its_own(yard: Yard) -> None:
    yard.start_worker(settings=HASTE)
    eventually(yard.redis.listeners, "the worker listens")
    job_id = yard.enqueue("yard_doomed", retry=1, run_in=1.5)
    eventually(lambda: not yard.unfinished(), "it is found and fails")
    with unit_of_work(yard.scopes[0]) as session:
        error = session.get_one(Job, job_id).error
    assert error is not None
    assert "RuntimeError: fails always" in error
    assert "During handling" not in error
    assert "DequeueTimeout" not in error


def claimed_after(yard: Yard, job_id: UUID) -> float:
    """How long a job waited from being enqueued until it was claimed."""
    way = [entry for entry in yard.book.history() if entry.job_id == job_id]
    return way[1].at - way[0].at


@pytest.mark.parametrize("trouble", ["killed", "hung"])
def test_workers_go_on_without_redis_within_two_seconds_and_listen_again_when_it_is_back(
    yard: Yard, trouble: str
) -> None:
    yard.start_worker(settings=HASTE)
    eventually(yard.redis.listeners, "the worker listens")
    with redis_in_trouble(yard, trouble):
        jobs = []
        for _ in range(3):
            jobs.append(yard.enqueue("yard_quick"))
            eventually(lambda: not yard.unfinished(), "it is done without Redis")
    assert max(claimed_after(yard, job_id) for job_id in jobs) < TWO_SECONDS

    eventually(yard.redis.listeners, "the worker listens again")
    bell = installed_bell()
    assert bell is not None
    eventually(lambda: bell.ring("default"), "we ring again")
    eventually(lambda: not yard.redis.wake_ups(), "that was heard")
    rung = []
    for _ in range(7):
        rung.append(yard.enqueue("yard_quick"))
        eventually(lambda: not yard.unfinished(), "it is done")
    # A worker that only looked for itself, once a second, would come half a second late or more.
    assert median(claimed_after(yard, job_id) for job_id in rung) < 0.25


def test_what_an_emptied_redis_has_forgotten_is_run_all_the_same(yard: Yard) -> None:
    bell = installed_bell()
    assert bell is not None
    eventually(lambda: bell.ring("default") and yard.redis.wake_ups(), "Redis hears us")
    for scope in yard.scopes:
        yard.sow(scope, *[("yard_quick",)] * 25)
    assert yard.redis.wake_ups()
    yard.redis.flush()
    assert not yard.redis.wake_ups()
    yard.start_worker(settings=HASTE)
    eventually(lambda: not yard.unfinished(), "all is done")
    assert not any(yard.judged().harms.values())


# --- Stopping ----------------------------------------------------------------------------


def test_a_worker_told_to_stop_finishes_the_job_in_hand_and_leaves_nothing_claimed(yard: Yard) -> None:
    gate = yard.folder / "gate-of-a-warm-stop"
    with yard.child(LEASE_SECONDS="30") as worker:
        held = yard.enqueue("yard_hold", str(gate))
        eventually(yard.book.notes, "the job is in hand", within_s=60)
        worker.send_signal(signal.SIGTERM)
        waits = yard.enqueue("yard_quick")
        # Told to stop, it takes nothing new; the job in hand is not hurried.
        eventually(lambda: yard.book.count("state = 'queued'"), "the other waits")
        assert worker.poll() is None
        gate.write_text("open")
        assert worker.wait(30) == 0
    states = {row.id: (row.state, row.attempt) for row in yard.book.rows()}
    assert states == {held: ("succeeded", 1), waits: ("queued", 0)}


def test_a_worker_told_to_stop_among_quick_jobs_gives_back_what_has_not_begun(yard: Yard) -> None:
    for scope in yard.scopes:
        yard.sow(scope, *[("yard_short", 0.001)] * 500)
    with yard.child(LEASE_SECONDS="30") as worker:
        eventually(lambda: yard.book.count("state = 'succeeded'") > 300, "it is in the middle", within_s=60)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    rows = yard.book.rows()
    assert {(row.state, row.attempt) for row in rows} == {("succeeded", 1), ("queued", 0)}
    begun = {entry.job_id for entry in yard.book.history() if entry.state == "succeeded"}
    assert len(begun) == sum(row.state == "succeeded" for row in rows) < len(rows)


def test_a_long_job_keeps_nothing_that_was_claimed_with_it_from_being_run(yard: Yard) -> None:
    gate = yard.folder / "gate-of-a-long-job"
    gate.unlink(missing_ok=True)
    with yard.child(LEASE_SECONDS="30") as worker:
        # By the time it comes to the long one it takes ten at a time.
        calls = [("yard_noop",)] * 205
        yard.sow(yard.scopes[0], *calls[:203], ("yard_hold", str(gate)), *calls[:9])
        eventually(yard.book.notes, "the long one is in hand", within_s=60)
        eventually(lambda: yard.book.count("state = 'running'") == 1, "the others are given back")
        yard.start_worker(settings=HASTE)
        eventually(lambda: yard.unfinished() == 1, "another has done them")
        gate.write_text("open")
        eventually(lambda: not yard.unfinished(), "the long one is done")
        assert worker.poll() is None
    assert {row.attempt for row in yard.book.rows()} == {1}


def test_a_worker_told_twice_drops_its_job_which_is_run_again(yard: Yard) -> None:
    gate = yard.folder / "gate-of-a-cold-stop"
    gate.unlink(missing_ok=True)
    with yard.child(LEASE_SECONDS="2") as worker:
        held = yard.enqueue("yard_hold", str(gate))
        eventually(yard.book.notes, "the job is in hand", within_s=60)
        worker.send_signal(signal.SIGTERM)
        eventually(yard.book.stopping, "the first was heard")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == EXIT_COLD
    yard.start_upkeep(settings=HASTE)
    gate.write_text("open")
    yard.start_worker(settings=HASTE)
    eventually(lambda: not yard.unfinished(), "it is run again")
    (row,) = yard.book.rows()
    assert (row.id, row.state, row.attempt) == (held, "succeeded", 2)
