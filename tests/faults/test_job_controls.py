"""The judge of the job system convicts: with a safeguard taken out, the harm it prevents is in the book.

Each control runs twice, with the safeguard and without, and the same judge looks at both.
"""

from __future__ import annotations

import signal
from collections import Counter

import pytest

from support.judge import Verdict, unreached
from support.processes import eventually, kill
from support.storm import Storm
from support.yard import BARRIERS, HASTE, Yard


def overtaken(yard: Yard, job: str, *, barrier: str, without: str | None) -> Verdict:
    """Let a worker stand still at a barrier until another has done its job, and then go on."""
    yard.start_upkeep(settings=HASTE)
    frozen = yard.start_worker(barrier=barrier, number=signal.SIGSTOP, settings=HASTE, without=without)
    job_id = yard.enqueue(job)
    frozen.wait_until_stopped()
    other = yard.start_worker(settings=HASTE, without=without)
    eventually(lambda: not yard.unfinished(), "another has done it")
    # Alone, and with one more job to do after that one: when this is done, that one was settled.
    kill(other.pid)
    kill(frozen.pid, signal.SIGCONT)
    yard.enqueue("yard_quick")
    eventually(lambda: not yard.unfinished(), "who stood still has gone on")
    assert any(note.pid == frozen.pid and note.job_id == job_id for note in yard.book.notes())
    return yard.judged()


@pytest.mark.parametrize("without", [None, "lease_fence"])
def test_without_the_lease_s_fence_an_effect_is_done_twice(yard: Yard, without: str | None) -> None:
    verdict = overtaken(yard, "yard_quick", barrier="job.writing", without=without)
    convicted = {harm for harm, jobs in verdict.harms.items() if jobs}
    assert convicted == ({"done_twice"} if without else set())


@pytest.mark.parametrize("without", [None, "settle_fence"])
def test_without_the_verdict_s_fence_a_job_that_succeeded_is_run_again(
    yard: Yard, without: str | None
) -> None:
    verdict = overtaken(yard, "yard_sulk", barrier="job.half", without=without)
    convicted = {harm for harm, jobs in verdict.harms.items() if jobs}
    assert convicted == ({"wrong_ways", "succeeded_twice"} if without else set())


@pytest.mark.parametrize("swept", [True, False])
def test_without_the_sweeper_what_the_dead_held_is_lost(yard: Yard, swept: bool) -> None:
    storm = Storm(yard, barriers=("job.claimed", "job.half"), victims=2, settings=HASTE)
    if swept:
        storm.start_upkeep()
    storm.rage(6, within_s=60)
    if swept:
        assert sum(storm.calm(workers=2, within_s=60).harms.values()) == 0
        return
    with pytest.raises(AssertionError, match="every job is at its end"):
        storm.calm(workers=2, within_s=8)
    harms = yard.judged().harms
    assert harms["lost"] >= 6
    assert harms["unrecovered"] >= 6


def test_a_barrier_at_which_nobody_died_is_named(yard: Yard) -> None:
    before = Counter(yard.toll)
    storm = Storm(yard, barriers=("job.claimed", "job.begun"), victims=2, settings=HASTE)
    storm.start_upkeep()
    storm.rage(4, within_s=60)
    toll = yard.toll - before
    assert unreached(toll, ("job.claimed", "job.begun")) == []
    assert unreached(toll, BARRIERS) == [b for b in BARRIERS if b not in {"job.claimed", "job.begun"}]
