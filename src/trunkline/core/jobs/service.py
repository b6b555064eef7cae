"""The job service: how anything asks for background work.

A job is a row written in the caller's transaction, so it exists exactly if what caused it does.
The bell is rung after the commit; where it cannot be, workers find the row by themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trunkline.core.db import UnitOfWork, current_unit
from trunkline.core.errors import Conflict, NotFound
from trunkline.core.jobs import bell, ledger
from trunkline.core.jobs.handlers import Handler, handler_named
from trunkline.core.jobs.models import Job, JobState
from trunkline.core.telemetry import current_trace_id
from trunkline.kit.ids import new_id

Retry = int
"""How often a job is attempted in all."""


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
    enqueued = _write(
        queue, func, args, kwargs,
        business_id=business_id, run_id=run_id, job_id=job_id, ttl=ttl, timeout=timeout, retry=retry,
        run_in=run_in, dedup_key=None,
    )  # fmt: skip
    if enqueued is None:
        raise Conflict("There is a job of this id already.")
    return enqueued


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
    return _write(
        queue, func, args, kwargs,
        business_id=business_id, run_id=run_id, job_id=None, ttl=ttl, timeout=timeout, retry=retry,
        run_in=run_in, dedup_key=dedup_key,
    )  # fmt: skip


def retry_job(session: Session, job_id: UUID) -> None:
    """Send a dead job back to its queue with its attempts counted anew.

    Raises NotFound, or Conflict when the job is not in the dead letter, or when another with its
    dedup key is active.
    """
    row = session.get(Job, job_id)
    if row is None:
        raise NotFound("There is no such job.")
    try:
        with session.begin_nested():
            revived = ledger.revive(session, job_id)
    except IntegrityError as error:
        raise Conflict("Another job that does the same is active.") from error
    if not revived:
        raise Conflict(f"The job is {row.state}; only a failed one can be retried.", state=row.state)
    _ring_after_commit(current_unit(), row.queue)


def get_job_status(session: Session, job_id: UUID) -> JobState:
    """Return where a job of this scope stands. Raises NotFound."""
    row = session.get(Job, job_id)
    if row is None:
        raise NotFound("There is no such job.")
    return JobState(row.state)


def _write(
    queue: str,
    func: Callable[..., None] | str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    business_id: UUID | None,
    run_id: UUID | None,
    job_id: UUID | None,
    ttl: float | None,
    timeout: float | None,
    retry: Retry | None,
    run_in: float,
    dedup_key: str | None,
) -> UUID | None:
    unit = current_unit()
    if business_id is not None and business_id != unit.scope.business_id:
        raise ValueError("a job belongs to the business whose transaction writes it")
    handler: Handler = handler_named(func if isinstance(func, str) else func.__name__)
    written = ledger.insert(
        unit.session,
        id=job_id or new_id(),
        business_id=unit.scope.business_id,
        run_id=run_id,
        name=handler.name,
        queue=queue,
        args={"args": list(args), "kwargs": kwargs},
        dedup_key=dedup_key,
        max_attempts=retry or handler.max_attempts,
        timeout_s=timeout or handler.timeout_s,
        backoff_s=handler.backoff_s,
        run_in=timedelta(seconds=run_in),
        ttl=None if ttl is None else timedelta(seconds=ttl),
        trace_id=current_trace_id(),
    )
    if written is not None and run_in <= 0:
        _ring_after_commit(unit, queue)
    return written


def _ring_after_commit(unit: UnitOfWork, queue: str) -> None:
    ring = bell.ringer(queue)
    if ring not in unit.after_commit:
        unit.after_commit.append(ring)
