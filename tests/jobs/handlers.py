"""Jobs that tests enqueue. They write what they did into the events table, where it can be counted."""

from __future__ import annotations

import ast
import time

from sqlalchemy import select, text

from trunkline.core.db import Scope, _current, database, unit_of_work
from trunkline.core.events import Event, announce
from trunkline.core.jobs import JobContext, TryLater, enqueue_job, job


def marks(scope: Scope) -> list[str]:
    """Return the marks that jobs of a business have left, in order."""
    with unit_of_work(scope) as session:
        rows = session.scalars(select(Event).where(Event.kind == "test.mark").order_by(Event.id))
        return [row.data["mark"] for row in rows]


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


@job(queue="default", timeout=30, retries=3)
def wait_to_be_asked(ctx: JobContext) -> None:
    """Go on until someone asks it to stop."""
    ends = time.monotonic() + 25
    while time.monotonic() < ends:
        ctx.check_cancelled()
        time.sleep(0.01)
    raise RuntimeError("nobody asked")


@job(queue="default", timeout=30, retries=3)
def spin(ctx: JobContext, seconds: float) -> None:
    """Take a while and look at nothing."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(0.005)


@job(queue="default", timeout=5, retries=3, backoff=0.01)
def finish_and_fail(ctx: JobContext, mark: str) -> None:
    """End the job together with what it writes, and then go wrong."""
    with ctx.unit_of_work(finishes=True):
        announce("test.mark", subject_id=None, actor="test", mark=mark)
    raise RuntimeError("too late to matter")


@job(queue="default", timeout=5, retries=3, backoff=60)
def fail_with(ctx: JobContext, said: str) -> None:
    """Fail with a text given as a Python literal, which JSON may not be able to carry."""
    raise RuntimeError(ast.literal_eval(said))


@job(queue="default", timeout=5, retries=3)
def leave_a_unit_open(ctx: JobContext) -> None:
    """Leave a unit of work in hand."""
    _current.set(database().begin(ctx.scope))
