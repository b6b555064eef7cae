"""The job service: how anything asks for background work, stops it and has it done again.

A job is a row written in the caller's transaction, so it exists exactly if what caused it does.
The bell is rung after the commit; where it cannot be, workers find the row by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trunkline.core.db import UnitOfWork, current_unit
from trunkline.core.errors import Conflict, NotFound
from trunkline.core.jobs import bell, ledger, relay
from trunkline.core.jobs.handlers import Handler, handler_named
from trunkline.core.jobs.models import Job, JobState
from trunkline.core.settings import QUEUES
from trunkline.core.telemetry import current_trace_id
from trunkline.kit.ids import new_id

Retry = int
"""How often a job is attempted in all."""

_LONGEST_S = 10 * 365 * 24 * 3_600.0
_CANCEL_GRACE = timedelta(seconds=30)
"""How long a running job that was asked to stop has until it is stopped by force."""
_ROWS_A_STATEMENT = 1_000
_PRUNED_AT_ONCE = 5_000


def enqueue_job(
    queue: str,
    func: Callable[..., None] | str,
    *args: Any,
    business_id: UUID | None = None,
    run_id: UUID | None = None,
    job_id: UUID | None = None,
    ttl: float | None = None,
    timeout: float | None = None,
    retry: Retry | None = None,
    run_in: float = 0.0,
    **kwargs: Any,
) -> UUID:
    """Write a job into the unit of work in hand and return its id.

    `func` is a handler or its name. `ttl`, `timeout` and `run_in` are seconds; a job not begun
    within `ttl` expires. `business_id` defaults to the scope's and may not differ from it.
    Raises NoUnitOfWork outside a transaction, and Conflict for a `job_id` that there is already.
    """
    unit = _unit_of(business_id)
    written = ledger.insert(
        unit.session, id=job_id or new_id(), args={"args": list(args), "kwargs": kwargs}, dedup_key=None,
        **_row(unit, queue, func, run_id=run_id, ttl=ttl, timeout=timeout, retry=retry, run_in=run_in),
    )  # fmt: skip
    if written is None:
        raise Conflict("There is a job of this id already.", reason="job_known")
    _ring_after_commit(unit, queue, run_in)
    return written


def enqueue_unique(
    queue: str,
    func: Callable[..., None] | str,
    dedup_key: str,
    *args: Any,
    business_id: UUID | None = None,
    run_id: UUID | None = None,
    ttl: float | None = None,
    timeout: float | None = None,
    retry: Retry | None = None,
    run_in: float = 0.0,
    **kwargs: Any,
) -> UUID | None:
    """Like `enqueue_job`, but write nothing and return None while a job of this key is active."""
    unit = _unit_of(business_id)
    written = ledger.insert(
        unit.session, id=new_id(), args={"args": list(args), "kwargs": kwargs}, dedup_key=dedup_key,
        **_row(unit, queue, func, run_id=run_id, ttl=ttl, timeout=timeout, retry=retry, run_in=run_in),
    )  # fmt: skip
    if written is not None:
        _ring_after_commit(unit, queue, run_in)
    return written


def enqueue_many(
    queue: str,
    func: Callable[..., None] | str,
    calls: Iterable[dict[str, Any]],
    *,
    business_id: UUID | None = None,
    run_id: UUID | None = None,
    ttl: float | None = None,
    timeout: float | None = None,
    retry: Retry | None = None,
    run_in: float = 0.0,
) -> list[UUID]:
    """Write one job for each of `calls`, which are keyword arguments, in few statements; return their ids."""
    unit = _unit_of(business_id)
    row = _row(unit, queue, func, run_id=run_id, ttl=ttl, timeout=timeout, retry=retry, run_in=run_in)
    written: list[UUID] = []
    left = iter(calls)
    while batch := list(islice(left, _ROWS_A_STATEMENT)):
        # Of the same moment, so that their ids alone keep them in order.
        ids = sorted(new_id() for _ in batch)
        ledger.insert_many(unit.session, ids=ids, args=[{"args": [], "kwargs": c} for c in batch], **row)
        written += ids
    if written:
        _ring_after_commit(unit, queue, run_in)
    return written


def cancel_job(job_id: UUID, *, force: bool = False) -> JobState:
    """Cancel a queued job, or ask a running one to stop; return its state.

    A running job is asked first, and stopped by force half a minute later; `force` does not wait.
    Raises NotFound, or Conflict when the job is over.
    """
    session = current_unit().session
    if not ledger.cancel(session, job_id, grace=timedelta(0) if force else _CANCEL_GRACE):
        row = _get(session, job_id)
        raise Conflict(
            f"The job is {row.state} and cannot be cancelled.", state=row.state, reason="job_state"
        )
    return JobState(_get(session, job_id).state)


def cancel_jobs_for_run(run_id: UUID, business_id: UUID, *, force: bool = False) -> int:
    """Do as `cancel_job` does with every active job of a run. Returns how many there were."""
    unit = _unit_of(business_id)
    grace = timedelta(0) if force else _CANCEL_GRACE
    return ledger.cancel_of_run(unit.session, run_id, business_id, grace=grace)


def retry_job(job_id: UUID) -> None:
    """Send a dead job back to its queue with its attempts counted anew.

    Raises NotFound, or Conflict when the job is not in the dead letter, or when another with its
    dedup key is active.
    """
    unit = current_unit()
    row = _get(unit.session, job_id)
    if row.state != JobState.FAILED:
        raise Conflict(
            f"The job is {row.state}; only a failed one can be retried.", state=row.state, reason="job_state"
        )
    if not _revive(unit, row.id):
        raise Conflict("Another job that does the same is active.", reason="job_twin")
    _ring_after_commit(unit, row.queue, 0)


def retry_jobs(
    *, queue: str | None = None, name: str | None = None, run_id: UUID | None = None, limit: int = 1_000
) -> int:
    """Send the oldest dead jobs of the scope that match back to their queues. Returns how many went.

    One whose like is active stays where it is.
    """
    unit = current_unit()
    ids = ledger.dead(
        unit.session, business_id=unit.scope.business_id, queue=queue, name=name, run_id=run_id, limit=limit
    )
    revived = [job_id for job_id in ids if _revive(unit, job_id)]
    for queue_name in {_get(unit.session, job_id).queue for job_id in revived}:
        _ring_after_commit(unit, queue_name, 0)
    return len(revived)


def get_job_status(job_id: UUID) -> JobState:
    """Return where a job of this scope stands. Raises NotFound."""
    return JobState(_get(current_unit().session, job_id).state)


def cleanup_old_jobs(queue: str | None, max_age: timedelta, *, relay_engine: Engine) -> int:
    """Delete jobs of a queue, or of all, that succeeded, expired or were cancelled so long ago.

    The dead letter stays. Works in small transactions of its own, over all businesses, as the relay.
    Returns how many.
    """
    deleted = 0
    while True:
        with relay_engine.begin() as connection:
            batch = relay.prune(connection, age=max_age, limit=_PRUNED_AT_ONCE, queue=queue)
        deleted += batch
        if batch < _PRUNED_AT_ONCE:
            return deleted


def _unit_of(business_id: UUID | None) -> UnitOfWork:
    """Return the unit of work in hand, which must be this business's, if one is named."""
    unit = current_unit()
    if business_id is not None and business_id != unit.scope.business_id:
        raise ValueError("a job belongs to the business whose transaction writes it")
    return unit


def _row(
    unit: UnitOfWork,
    queue: str,
    func: Callable[..., None] | str,
    *,
    run_id: UUID | None,
    ttl: float | None,
    timeout: float | None,
    retry: Retry | None,
    run_in: float,
) -> dict[str, Any]:
    handler: Handler = handler_named(func if isinstance(func, str) else func.__name__)
    if queue not in QUEUES:
        raise ValueError(f"there is no queue called {queue}; there are {', '.join(QUEUES)}")
    for seconds in (timeout, ttl, run_in):
        if seconds is not None and not 0 <= seconds <= _LONGEST_S:
            raise ValueError(f"{seconds} is no number of seconds for a job")
    return {
        "business_id": unit.scope.business_id,
        "run_id": run_id,
        "name": handler.name,
        "queue": queue,
        "max_attempts": retry or handler.max_attempts,
        "timeout_s": timeout or handler.timeout_s,
        "backoff_s": handler.backoff_s,
        "run_in": timedelta(seconds=run_in),
        "ttl": None if ttl is None else timedelta(seconds=ttl),
        "trace_id": current_trace_id(),
    }


def _get(session: Session, job_id: UUID) -> Job:
    business_id = current_unit().scope.business_id
    row = session.get(Job, job_id, populate_existing=True)
    if row is None or row.business_id != business_id:
        raise NotFound("There is no such job.")
    return row


def _revive(unit: UnitOfWork, job_id: UUID) -> bool:
    try:
        with unit.session.begin_nested():
            return ledger.revive(unit.session, job_id)
    except IntegrityError:
        return False  # one that does the same is active


def _ring_after_commit(unit: UnitOfWork, queue: str, run_in: float) -> None:
    ring = bell.ringer(queue)
    if run_in <= 0 and ring not in unit.after_commit:
        unit.after_commit.append(ring)
