"""Memory: a worker that has run a great many jobs is no larger than one that has run a few."""

from __future__ import annotations

import pytest

from support.processes import eventually, memory_mb
from support.yard import Yard
from trunkline.core.db import unit_of_work
from trunkline.core.jobs import enqueue_many

_MAY_GROW_MB = 10.0
_WARM_UP = 2_000


@pytest.mark.parametrize(
    "jobs", [5_000, pytest.param(100_000, marks=[pytest.mark.soak, pytest.mark.timeout(900)])]
)
def test_a_worker_does_not_grow_with_the_jobs_it_has_run(yard: Yard, jobs: int) -> None:
    with unit_of_work(yard.scopes[0]):
        enqueue_many("default", "yard_noop", [{}] * jobs)
    with yard.child() as worker:

        def ran(how_many: int) -> bool:
            assert worker.poll() is None, "the worker has ended"
            return yard.book.count("state = 'succeeded'") >= how_many

        eventually(lambda: ran(_WARM_UP), "it has warmed up", within_s=120)
        before = memory_mb(worker.pid, "VmRSS")
        eventually(lambda: ran(jobs), "it has run them all", within_s=800)
        after = memory_mb(worker.pid, "VmRSS")
    yard.reports[f"rss over {jobs} jobs"] = {"mb": round(after, 1), "grown_mb": round(after - before, 1)}
    assert after - before < _MAY_GROW_MB
