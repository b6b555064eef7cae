"""Jobs that tests enqueue. They write what they did into the events table, where it can be counted."""

from __future__ import annotations

import time

from sqlalchemy import text

from trunkline.core.db import database
from trunkline.core.events import announce
from trunkline.core.jobs import JobContext, TryLater, enqueue_job, job


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


@job(queue="default", timeout=5, retries=1)
def lose_lease_then_mark(ctx: JobContext) -> None:
    """Write while another worker takes the row."""
    relay = database().relay
    assert relay is not None
    with ctx.unit_of_work():
        announce("test.mark", subject_id=None, actor="test", mark="too late")
        with relay.begin() as connection:
            connection.execute(
                text("update jobs set lease_epoch = lease_epoch + 1, state = 'queued' where id = :id"),
                {"id": ctx.job_id},
            )
            # Nobody is to run it again in this test.
            connection.execute(text("update jobs set state = 'cancelled' where id = :id"), {"id": ctx.job_id})


_came_back: set[object] = set()


@job(queue="default", timeout=5, retries=1)
def come_back_once(ctx: JobContext) -> None:
    """Ask to be run again, the first time."""
    if ctx.job_id not in _came_back:
        _came_back.add(ctx.job_id)
        raise TryLater(10)


@job(queue="default", timeout=0.3, retries=1)
def query_long(ctx: JobContext) -> None:
    """Let PostgreSQL take longer than the timeout."""
    with ctx.unit_of_work() as session:
        session.execute(text("select pg_sleep(5)"))
