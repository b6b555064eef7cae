"""Fairness: one business's backlog does not hold up another's few jobs, however many workers there are."""

from __future__ import annotations

from typing import Any

import pytest

from support.processes import eventually
from support.yard import HASTE, Yard
from trunkline.core.db import unit_of_work
from trunkline.core.jobs import enqueue_many

_BACKLOG = 20_000
_FEW = 10
_MAY_COME_BETWEEN = 30
"""So many jobs of the first business may finish, for each worker, until the other's few have."""

NO_OP: tuple[str, dict[str, Any]] = ("yard_noop", {})
FIVE_MS: tuple[str, dict[str, Any]] = ("yard_short", {"seconds": 0.005})


def jobs_between(
    yard: Yard, job: tuple[str, dict[str, Any]], *, workers: int, backlog: int, without: str | None = None
) -> int:
    """Let one business have a backlog and another then a few jobs; count what finishes in between.

    That is the first business's jobs that end after the others are enqueued and before they all have.
    """
    name, arguments = job
    large, small = yard.scopes[0], yard.scopes[1]
    with unit_of_work(large):
        enqueue_many("default", name, [arguments] * backlog)
    for _ in range(workers):
        yard.start_worker(settings=HASTE, without=without)
    # Each has learnt how long such a job takes, and takes as many at a time as it ever will.
    eventually(lambda: len(yard.book.busy()) == workers, "every worker is at work")
    eventually(lambda: yard.book.count("state = 'succeeded'") > 200 * workers, "they are in the middle of it")
    with unit_of_work(small):
        few = set(enqueue_many("default", name, [arguments] * _FEW))
    of_small = f"business_id = '{small.business_id}' and state = 'succeeded'"
    eventually(lambda: yard.book.count(of_small) == _FEW, "the few are done", within_s=60)
    history = yard.book.history()
    began = min(entry.at for entry in history if entry.job_id in few)
    ended = max(entry.at for entry in history if entry.job_id in few)
    return sum(
        entry.state == "succeeded" and began < entry.at <= ended and entry.job_id not in few
        for entry in history
    )


@pytest.mark.parametrize(
    ("job", "workers"),
    [
        pytest.param(NO_OP, 1, id="no-op, one worker"),
        pytest.param(NO_OP, 2, id="no-op, two workers", marks=pytest.mark.soak),
        pytest.param(FIVE_MS, 1, id="5 ms, one worker", marks=pytest.mark.soak),
        pytest.param(FIVE_MS, 2, id="5 ms, two workers"),
    ],
)
def test_ten_jobs_finish_within_the_time_of_thirty_of_another_s_twenty_thousand(
    yard: Yard, job: tuple[str, dict[str, Any]], workers: int
) -> None:
    between = jobs_between(yard, job, workers=workers, backlog=_BACKLOG)
    yard.reports[f"jobs between ({job[0]}, {workers} workers)"] = between
    assert between <= _MAY_COME_BETWEEN * workers
    assert yard.unfinished(), "there was no backlog to be held up by"


def test_whoever_comes_first_being_served_first_would_hold_them_up(yard: Yard) -> None:
    between = jobs_between(yard, NO_OP, workers=1, backlog=4_000, without="fair_claim")
    assert between > 10 * _MAY_COME_BETWEEN
