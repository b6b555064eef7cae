"""Jobs that tests enqueue. They write what they did into the events table, where it can be counted."""

from __future__ import annotations

import time

from trunkline.core.events import announce
from trunkline.core.jobs import JobContext, enqueue_job, job


@job(queue="default", timeout=5, retries=3, backoff=0.01)
def leave_mark(ctx: JobContext, mark: str) -> None:
    """Announce a mark."""
    with ctx.unit_of_work():
        announce("test.mark", subject_id=None, actor="test", mark=mark)


@job(queue="default", timeout=5, retries=3, backoff=0.01)
def fail_until(ctx: JobContext, succeeds_at: int) -> None:
    """Fail until a given attempt."""
    if ctx.attempt < succeeds_at:
        raise RuntimeError(f"attempt {ctx.attempt} fails")
    with ctx.unit_of_work():
        announce("test.mark", subject_id=None, actor="test", mark=f"attempt {ctx.attempt}")


@job(queue="default", timeout=0.2, retries=1)
def sleep_long(ctx: JobContext) -> None:
    """Take longer than the timeout."""
    time.sleep(5)


@job(queue="default", timeout=5, retries=1)
def have_a_child(ctx: JobContext) -> None:
    """Enqueue another job."""
    with ctx.unit_of_work():
        enqueue_job("default", leave_mark, "child")
