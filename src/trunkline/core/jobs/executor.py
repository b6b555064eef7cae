"""The executor: claims rows and runs them, one at a time, in the process's main thread.

Owns the timeout, the verdict and what it means for the row. Quick jobs are claimed several at a time,
as many as run within a few hundredths of a second, and what came of them is written together with the
next claim, in one transaction. The heartbeat keeps the leases from its own thread.
"""

from __future__ import annotations

import contextvars
import random
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from uuid import UUID

import structlog
from sqlalchemy import Engine

from trunkline.core.jobs import relay
from trunkline.core.jobs.counters import Tally
from trunkline.core.jobs.hand import Hand
from trunkline.core.jobs.handlers import JobCancelled, JobContext, JobTimedOut, TryLater, find_handler
from trunkline.core.jobs.models import JobState
from trunkline.core.jobs.relay import NO_TENANT, Claimed, Outcome, Wanted
from trunkline.core.telemetry import get_logger
from trunkline.kit import barriers

_LARGEST_HAND = 10
"""How many rows of one business may stand before another's, at the most."""
_HAND_LASTS_S = 0.02
"""How long a hand should take to play."""
_OUT_OF_ORDER_EVERY = 8
"""Every so many claims another queue than the first comes first, so that none waits for ever."""
_SUSPECTS_FIRST = 0.25
"""In how many claims a row that may have killed its worker, and is taken alone, goes before the others."""
_UNKNOWN_WAIT_S = 5.0
_LONGEST_ERROR = 16_000
"""Characters of an error that are kept."""
_LONGEST_WAIT = timedelta(minutes=15)
_STATEMENT_GRACE_S = 0.25
"""By how much PostgreSQL's timeout of a job's statement comes before the signal, which cannot end one."""
STOP_SIGNAL = signal.SIGUSR1
"""What the heartbeat sends the main thread to stop a job by force."""

log = get_logger(__name__)


class Executor:
    """One worker process's hands."""

    def __init__(
        self,
        relay_engine: Engine,
        *,
        name: str,
        lease: timedelta,
        queues: Sequence[str],
        per_business: Mapping[str, int] | None = None,
    ) -> None:
        """`per_business`: by queue, how many workers one business may occupy at once."""
        self.hand = Hand()
        self.tally = Tally()
        self.stopped_by_force: JobContext | None = None
        """Set by the heartbeat before it sends STOP_SIGNAL."""
        self._relay = relay_engine
        self._name = name
        self._lease = lease
        self._wanted = [Wanted(queue, NO_TENANT, (per_business or {}).get(queue, 0)) for queue in queues]
        self._claims = 0
        self._interruptible: JobContext | None = None
        """Set while a handler runs, and at no other time is it stopped."""
        self._job_takes_s = 1.0
        """Moving average of the run time, from which the size of a hand follows."""

    def work(
        self,
        *,
        seconds: float,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> int:
        """Run ready rows of all queues until none is left, the time is over or it is told to stop.

        Returns how many ran. When it returns, nothing is in hand and every outcome is written. Raises
        OperationalError when PostgreSQL is away; what is not written then is written by the next call.
        """
        ends = time.monotonic() + seconds
        ran = 0
        with _signals(self._expire, self._stop):
            while time.monotonic() < ends and not should_stop():
                if not self._exchange():
                    return ran
                while not should_stop() and (claimed := self.hand.take()) is not None:
                    self._run(claimed)
                    ran += 1
            self.settle()
        return ran

    def settle(self) -> int:
        """Write what came of the rows in hand, and give back those that have not begun. Returns how many.

        The heartbeat calls it too, while a job runs that takes long.
        """
        with self.hand.writing:
            given_back = self.hand.give_back()
            if outcomes := self.hand.outcomes():
                with self._relay.begin() as connection:
                    written = relay.settle(connection, outcomes, owner=self._name)
                self._written(outcomes, written)
        return given_back

    def _exchange(self) -> bool:
        """Write what came of the last hand and claim the next, at once. False: there is nothing to do."""
        size = max(1, min(_LARGEST_HAND, int(_HAND_LASTS_S / self._job_takes_s)))
        with self.hand.writing:
            with self._relay.begin() as connection:
                outcomes = self.hand.outcomes()
                written = relay.settle(connection, outcomes, owner=self._name)
                claimed = relay.claim(
                    connection, self._in_turn(), owner=self._name, lease=self._lease, size=size,
                    # At random: a steady rhythm could fall in with the businesses' turns.
                    suspects_first=random.random() < _SUSPECTS_FIRST,  # noqa: S311
                )  # fmt: skip
            self._written(outcomes, written)
            self.hand.deal(claimed)
        if claimed:
            self._remember_turns(claimed)
            barriers.reached("job.claimed")
        return bool(claimed)

    def _written(self, outcomes: Sequence[Outcome], written: set[UUID]) -> None:
        self.hand.written(outcomes)
        for outcome in outcomes:
            if outcome.id not in written:
                log.warning("job_lease_lost", job_id=str(outcome.id), state=outcome.state.value)
        if outcomes:
            barriers.reached("job.settled")

    def _in_turn(self) -> list[Wanted]:
        """Return the queues in the order of this claim."""
        self._claims += 1
        out_of_order, remainder = divmod(self._claims, _OUT_OF_ORDER_EVERY)
        if remainder:
            return self._wanted
        first = out_of_order % len(self._wanted)
        return self._wanted[first:] + self._wanted[:first]

    def _remember_turns(self, claimed: Sequence[Claimed]) -> None:
        """In each queue the next claim begins behind the business that was served last."""
        last = {row.queue: row.tenant_key for row in claimed}
        self._wanted = [
            Wanted(w.queue, last.get(w.queue, w.last_tenant), w.per_business) for w in self._wanted
        ]

    def _run(self, claimed: Claimed) -> None:
        context = JobContext(
            job_id=claimed.id,
            business_id=claimed.business_id,
            run_id=claimed.run_id,
            trace_id=claimed.trace_id,
            attempt=claimed.attempt,
            lease_owner=claimed.lease_owner,
            lease_epoch=claimed.lease_epoch,
            deadline=time.monotonic() + claimed.timeout_s,
        )
        barriers.reached("job.begun")
        self.hand.begin(context)
        began = self.hand.began_at
        with structlog.contextvars.bound_contextvars(
            trace_id=claimed.trace_id,
            job=claimed.name,
            job_id=str(claimed.id),
            business_id=str(claimed.business_id or ""),
        ):
            outcome, verdict = self._play(claimed, context)
            took = time.monotonic() - began
            if outcome.state is JobState.SUCCEEDED:
                log.info("job_succeeded", ms=round(took * 1_000, 1))
        if context.finished:
            # Its own commit has ended it, whatever came afterwards.
            verdict = "succeeded"
        self.hand.end(None if context.finished else outcome)
        self.tally.add(queue=claimed.queue, name=claimed.name, outcome=verdict, seconds=took)
        self._job_takes_s = 0.8 * self._job_takes_s + 0.2 * took

    def _play(self, claimed: Claimed, context: JobContext) -> tuple[Outcome, str]:
        """Call the handler. Returns what comes of the row, and the word under which it is counted."""
        began = self.hand.began_at
        handler = find_handler(claimed.name)

        def outcome(state: JobState, **facts: object) -> Outcome:
            facts.setdefault("attempt", claimed.attempt)
            return Outcome(
                claimed.id, claimed.lease_epoch, state,
                began_ago_s=time.monotonic() - began, **facts,  # type: ignore[arg-type]
            )  # fmt: skip

        if handler is None:
            # Enqueued by a newer version, in the middle of a deploy: a worker of that version will know it.
            log.error("job_unknown", attempt=claimed.attempt)
            return outcome(JobState.QUEUED, delay_s=_UNKNOWN_WAIT_S, attempt=claimed.attempt - 1), "later"
        try:
            with _time_limit(claimed.timeout_s + _STATEMENT_GRACE_S):
                self._interruptible = context
                try:
                    # What an exception out of a signal leaves set in the context is gone with the job.
                    contextvars.copy_context().run(
                        handler.function, context, *claimed.args["args"], **claimed.args["kwargs"]
                    )
                finally:
                    self._interruptible = None
        except TryLater as later:
            return outcome(JobState.QUEUED, delay_s=later.delay_s, attempt=claimed.attempt - 1), "later"
        except JobCancelled as cancelled:
            log.info("job_cancelled", reason=str(cancelled))
            return outcome(JobState.CANCELLED, error=_storable(str(cancelled))), "cancelled"
        except Exception as error:
            # The outermost loop of a job: whatever it raises is its verdict.
            trace = _storable("".join(traceback.format_exception(error)))
            if claimed.attempt >= claimed.max_attempts:
                log.error("job_failed", attempt=claimed.attempt, exc_info=error)
                return outcome(JobState.FAILED, error=trace), "failed"
            delay_s = backoff(claimed.backoff_s, claimed.attempt).total_seconds()
            log.warning("job_sent_back", attempt=claimed.attempt, delay_s=delay_s, exc_info=error)
            return outcome(JobState.QUEUED, delay_s=delay_s, error=trace), "sent_back"
        barriers.reached("job.done")
        return outcome(JobState.SUCCEEDED), "succeeded"

    def _expire(self, _signal: int, _frame: FrameType | None) -> None:
        raise JobTimedOut("took longer than its timeout")

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        if self.stopped_by_force is not None and self.stopped_by_force is self._interruptible:
            raise JobCancelled("stopped by force")


def _storable(said: str) -> str:
    """Return what PostgreSQL can hold of an error's text: its first and last part, in characters it knows."""
    if len(said) > _LONGEST_ERROR:
        said = f"{said[: _LONGEST_ERROR // 4]}\n[...]\n{said[-_LONGEST_ERROR * 3 // 4 :]}"
    return said.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")


def backoff(base_s: float, attempt: int) -> timedelta:
    """Return the wait after a failed attempt: exponential, at most 15 minutes, with full jitter on half."""
    ceiling = min(base_s * 2 ** (attempt - 1), _LONGEST_WAIT.total_seconds())
    return timedelta(seconds=ceiling / 2 + random.random() * ceiling / 2)  # noqa: S311 - spreads load, guards nothing


@contextmanager
def _signals(expire: Callable[..., None], stop: Callable[..., None]) -> Iterator[None]:
    """Let the two signals that end a job do so while the block runs."""
    old = [signal.signal(signal.SIGALRM, expire), signal.signal(STOP_SIGNAL, stop)]
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, old[0])
        signal.signal(STOP_SIGNAL, old[1])


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise JobTimedOut in the main thread when the block takes longer."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
