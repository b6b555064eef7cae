"""Jobs of the fault suite: what they do is told in two places, one fenced by the lease and one not.

An effect is a row written in the job's unit of work, keyed by job and part, and written only if it
is not there yet: the way in which handlers are to be written. Nothing unique stands on that table,
so an effect done twice would be seen. A note is a line appended to a file outside any transaction:
it tells how often a step was really gone through, whatever became of it.
"""

from __future__ import annotations

import os
import time

from sqlalchemy import text
from sqlalchemy.orm import Session

from trunkline.core.jobs import JobContext, TryLater, enqueue_job, job
from trunkline.kit import barriers

JOURNAL = "TRUNKLINE_TEST_JOURNAL"
"""Environment variable with the file that notes go to."""

_RETRIES = 60
"""So many that no death of a worker is a job's last; those meant to die say so when they are enqueued."""


@job(queue="default", timeout=60, retries=_RETRIES, backoff=0.05)
def yard_quick(ctx: JobContext, brood: int = 0) -> None:
    """Do something in two halves; the second enqueues `brood` children."""
    note(ctx, "begun")
    effect(ctx, "first")
    note(ctx, "half")
    barriers.reached("job.half")
    effect(ctx, "second", brood=brood)
    note(ctx, "done")


@job(queue="default", timeout=60, retries=_RETRIES, backoff=0.01)
def yard_sulk(ctx: JobContext) -> None:
    """Fail under the first lease, succeed under any later one."""
    note(ctx, "begun")
    barriers.reached("job.half")
    if ctx.lease_epoch == 1:
        raise RuntimeError("fails under its first lease")
    effect(ctx, "second")
    note(ctx, "done")


@job(queue="default", timeout=60, retries=_RETRIES, backoff=0.05)
def yard_child(ctx: JobContext, parent: str) -> None:
    """What `yard_quick` enqueued."""
    effect(ctx, f"child of {parent}")


@job(queue="default", timeout=60, retries=_RETRIES, backoff=0.05)
def yard_slow(ctx: JobContext, seconds: float) -> None:
    """The same in two halves, between which time passes: work of some length."""
    note(ctx, "begun")
    effect(ctx, "first")
    note(ctx, "half")
    barriers.reached("job.half")
    time.sleep(seconds)  # the work itself
    effect(ctx, "second")
    note(ctx, "done")


@job(queue="default", timeout=60, retries=_RETRIES, backoff=0.05)
def yard_flaky(ctx: JobContext, failures: int) -> None:
    """Fail a number of times, by what was noted and not by the attempt, and then succeed."""
    note(ctx, "begun")
    if count_notes(ctx, "begun") <= failures:
        raise RuntimeError("fails for now")
    effect(ctx, "second")
    note(ctx, "done")


@job(queue="default", timeout=60, retries=3, backoff=0.05)
def yard_doomed(ctx: JobContext) -> None:
    """Fail always: it is meant for the dead letter."""
    note(ctx, "begun")
    raise RuntimeError("fails always")


@job(queue="default", timeout=60, retries=3, backoff=0.05)
def yard_poison(ctx: JobContext) -> None:
    """Kill whatever worker runs it: it is meant for the dead letter too."""
    note(ctx, "begun")
    note(ctx, "killed")
    os.kill(os.getpid(), 9)


@job(queue="default", timeout=60, retries=_RETRIES, backoff=0.05)
def yard_later(ctx: JobContext) -> None:
    """Ask for later once."""
    note(ctx, "begun")
    if count_notes(ctx, "begun") == 1:
        raise TryLater(0.2)
    effect(ctx, "second")
    note(ctx, "done")


@job(queue="default", timeout=60, retries=3)
def yard_noop(ctx: JobContext) -> None:
    """Do nothing."""


@job(queue="default", timeout=60, retries=3)
def yard_short(ctx: JobContext, seconds: float) -> None:
    """Take some time and nothing else."""
    time.sleep(seconds)  # the work itself


@job(queue="default", timeout=60, retries=3)
def yard_hold(ctx: JobContext, gate: str) -> None:
    """Run until a file appears."""
    note(ctx, "begun")
    ends = time.monotonic() + 50
    while not os.path.exists(gate):  # noqa: PTH110 - as plain as can be
        if time.monotonic() > ends:
            raise RuntimeError(f"nobody opened {gate}")
        time.sleep(0.01)
    note(ctx, "done")


def effect(ctx: JobContext, part: str, *, brood: int = 0) -> None:
    """Do a part that is to be done once, unless it is done."""
    with ctx.unit_of_work() as session:
        if not _is_done(session, ctx, part):
            barriers.reached("job.writing")
            session.execute(
                text("insert into faults.effects (job_id, part, epoch) values (:job, :part, :epoch)"),
                {"job": ctx.job_id, "part": part, "epoch": ctx.lease_epoch},
            )
            for _ in range(brood):
                enqueue_job("default", yard_child, str(ctx.job_id))


def note(ctx: JobContext, step: str) -> None:
    """Append a line: the step, the job, its epoch, this process, the time."""
    line = f"{step} {ctx.job_id} {ctx.lease_epoch} {os.getpid()} {time.time():.6f}\n"
    file = os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def count_notes(ctx: JobContext, step: str) -> int:
    """How often a step of this job was noted."""
    sought = f"{step} {ctx.job_id} "
    with open(os.environ[JOURNAL]) as journal:  # noqa: PTH123 - read line by line
        return sum(line.startswith(sought) for line in journal)


def _is_done(session: Session, ctx: JobContext, part: str) -> bool:
    return bool(
        session.scalar(
            text("select count(*) from faults.effects where job_id = :job and part = :part"),
            {"job": ctx.job_id, "part": part},
        )
    )
