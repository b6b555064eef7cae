"""The executor: claims rows and runs them, one at a time, in the process's main thread.

Owns the timeout, the verdict and what it means for the row. The heartbeat keeps the lease from
its own thread; all writes about a row carry its epoch.
"""

from __future__ import annotations

import random
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from uuid import UUID

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from trunkline.core.jobs import ledger
from trunkline.core.jobs.handlers import JobCancelled, JobContext, JobTimedOut, TryLater, handler_named
from trunkline.core.jobs.heartbeat import Heartbeat
from trunkline.core.jobs.ledger import Claimed, Lease
from trunkline.core.jobs.models import JobState
from trunkline.core.telemetry import get_logger
from trunkline.kit import barriers

_NO_TENANT = UUID(int=0)
_LONGEST_WAIT = timedelta(minutes=15)
_STATEMENT_GRACE_S = 0.25
"""By how much PostgreSQL's timeout of a job's statement comes before the signal, which cannot end one."""

log = get_logger(__name__)


class Executor:
    """One worker process's hands."""

    def __init__(self, relay: Engine, *, name: str, lease: timedelta, heartbeat: Heartbeat) -> None:
        self._relay = relay.execution_options(isolation_level="AUTOCOMMIT")
        self._name = name
        self._lease = lease
        self._heartbeat = heartbeat
        self._last_tenant: dict[str, UUID] = {}

    def work_slice(
        self, queue: str, *, seconds: float, should_stop: Callable[[], bool] = lambda: False
    ) -> int:
        """Run ready rows of a queue until none is left, the slice is over or it is told to stop.

        Returns how many ran.
        """
        ends = time.monotonic() + seconds
        done = 0
        while time.monotonic() < ends and not should_stop():
            with self._relay.connect() as connection:
                claimed = ledger.claim(
                    connection,
                    queue=queue,
                    owner=self._name,
                    lease=self._lease,
                    last_tenant=self._last_tenant.get(queue, _NO_TENANT),
                )
            if claimed is None:
                break
            self._last_tenant[queue] = claimed.tenant_key
            self._run(claimed)
            done += 1
        return done

    def _run(self, claimed: Claimed) -> None:
        barriers.reached("job.claimed")
        lease = Lease(claimed.id, claimed.lease_epoch)
        context = JobContext(
            job_id=claimed.id,
            business_id=claimed.business_id,
            run_id=claimed.run_id,
            trace_id=claimed.trace_id,
            attempt=claimed.attempt,
            lease_epoch=claimed.lease_epoch,
            deadline=time.monotonic() + claimed.timeout_s,
        )
        with (
            structlog.contextvars.bound_contextvars(
                trace_id=claimed.trace_id,
                job=claimed.name,
                job_id=str(claimed.id),
                business_id=str(claimed.business_id or ""),
            ),
            self._heartbeat.keeping(lease, context, deadline_s=claimed.timeout_s),
        ):
            started = time.monotonic()
            try:
                with _time_limit(claimed.timeout_s + _STATEMENT_GRACE_S):
                    handler_named(claimed.name).function(
                        context, *claimed.args["args"], **claimed.args["kwargs"]
                    )
            except TryLater as later:
                self._send_back(lease, delay=timedelta(seconds=later.delay_s), error=None, counted=False)
            except JobCancelled as cancelled:
                self._end(lease, JobState.CANCELLED, error=str(cancelled))
            except Exception as error:  # noqa: BLE001 - the outermost loop of a job: every failure is recorded
                self._failed(claimed, lease, error)
            else:
                barriers.reached("job.done")
                self._end(lease, JobState.SUCCEEDED)
                log.info("job_succeeded", ms=round((time.monotonic() - started) * 1_000, 1))

    def _failed(self, claimed: Claimed, lease: Lease, error: Exception) -> None:
        trace = "".join(traceback.format_exception(error))
        if claimed.attempt >= claimed.max_attempts:
            log.error("job_failed", attempt=claimed.attempt, exc_info=error)
            self._end(lease, JobState.FAILED, error=trace)
            return
        delay = backoff(claimed.backoff_s, claimed.attempt)
        log.warning("job_sent_back", attempt=claimed.attempt, delay_s=delay.total_seconds(), exc_info=error)
        self._send_back(lease, delay=delay, error=trace, counted=True)

    def _send_back(self, lease: Lease, *, delay: timedelta, error: str | None, counted: bool) -> None:
        try:
            with self._relay.connect() as connection:
                ledger.send_back(connection, lease, delay=delay, error=error, counted=counted)
        except OperationalError:
            # As in `_end`: the lease runs out and the sweeper sends the row back.
            log.exception("job_send_back_unwritten")

    def _end(self, lease: Lease, state: JobState, *, error: str | None = None) -> None:
        try:
            with self._relay.connect() as connection:
                if not ledger.finish(connection, lease, state=state.value, error=error):
                    log.warning("job_lease_lost", state=state.value)
        except OperationalError:
            # PostgreSQL is away. The row keeps its lease, runs out and is swept: attempted again.
            log.exception("job_end_unwritten", state=state.value)


def backoff(base_s: float, attempt: int) -> timedelta:
    """Return the wait after a failed attempt: exponential, at most 15 minutes, with full jitter on half."""
    ceiling = min(base_s * 2 ** (attempt - 1), _LONGEST_WAIT.total_seconds())
    return timedelta(seconds=ceiling / 2 + random.random() * ceiling / 2)  # noqa: S311 - spreads load, guards nothing


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise JobTimedOut in the main thread when the block takes longer."""

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise JobTimedOut(f"took longer than {seconds:g} s")

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
