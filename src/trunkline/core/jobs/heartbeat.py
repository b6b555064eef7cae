"""The heartbeat: keeps a worker's leases, and tells of it, from a thread of its own.

The one thread of a worker. It renews the leases of the rows in hand; when one job takes long it writes
what else is done and gives back what has not begun; it tells the job when the lease is lost or when it
is asked to stop, stops it by force when asked to, and ends the process when a job is deaf to that or to
its timeout: the supervisor starts another. Every few seconds it writes the worker's own row.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from trunkline.core.jobs import bell, relay
from trunkline.core.jobs.executor import STOP_SIGNAL, Executor
from trunkline.core.jobs.handlers import JobContext
from trunkline.core.jobs.standing import Standing, erase
from trunkline.core.telemetry import get_logger

THREAD_NAME = "worker-heartbeat"
EXIT_DEAF = 70
"""Exit status of a process that was ended because its job ignored its timeout, or being stopped."""

_BEAT_S = 0.1
_LOOK_AT_LEASES_S = 1.0
_TAKES_LONG_S = 0.1
"""A job that runs longer holds up what else its worker has in hand no further."""
_STANDING_S = 5.0
_GRACE_S = 10.0

log = get_logger(__name__)


class Heartbeat:
    """Keeps the executor's hand. Start it once; it lives as long as the worker."""

    def __init__(
        self, relay_engine: Engine, executor: Executor, *, lease: timedelta, standing: Standing
    ) -> None:
        self._relay = relay_engine
        self._executor = executor
        self._hand = executor.hand
        self._length = lease
        self._standing = standing
        self._renew_s = min(_LOOK_AT_LEASES_S, lease.total_seconds() / 4)
        self._renewed_at = self._told_at = 0.0
        self._deaf_at: tuple[JobContext, float] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=THREAD_NAME, daemon=True)

    def start(self) -> None:
        """Begin beating."""
        self._thread.start()

    def stopping(self) -> None:
        """Say that the worker was told to stop; at once, as its job may take a while."""
        self._standing.stopping = True
        self._told_at = 0.0

    def stop(self) -> None:
        """Stop beating, wait for the thread, and take the worker's row away."""
        self._stopping.set()
        self._thread.join()
        try:
            self._executor.tally.write(self._relay)
            with self._relay.begin() as connection:
                erase(connection, self._standing.name)
        except SQLAlchemyError:
            # The row is forgotten when it has been silent for a while.
            log.warning("heartbeat_unwritten", exc_info=True)

    def _beat(self) -> None:
        while not self._stopping.wait(_BEAT_S):
            self._end_the_deaf()
            try:
                self._unburden()
                if time.monotonic() - self._renewed_at >= self._renew_s:
                    self._renewed_at = time.monotonic()
                    self._renew()
                if time.monotonic() - self._told_at >= _STANDING_S:
                    self._told_at = time.monotonic()
                    self._tell()
            except SQLAlchemyError:
                # Nobody can take a row while PostgreSQL is away; the next beat tries again.
                log.warning("heartbeat_unwritten", exc_info=True)
            except Exception:  # the thread's outermost loop
                # A worker whose leases nobody renews would work for nothing, and not know it.
                log.critical("heartbeat_failed", exc_info=True)
                os._exit(EXIT_DEAF)

    def _unburden(self) -> None:
        """Let a long job hold up nothing else: write what is done, give back what has not begun."""
        hand = self._hand
        if hand.context is None or time.monotonic() - hand.began_at < _TAKES_LONG_S:
            return
        if self._executor.settle() and (rung := bell.installed_bell()) is not None:
            for queue in self._standing.queues:
                rung.ring(queue)

    def _renew(self) -> None:
        hand = self._hand
        with hand.writing:
            leases = hand.leases()
            if not leases:
                return
            with self._relay.begin() as connection:
                kept = {
                    (row.id, row.epoch): row
                    for row in relay.renew(connection, leases, owner=self._standing.name, length=self._length)
                }
            # Still with the hand to ourselves: nobody claims the same row anew in the middle of this.
            hand.drop(set(leases) - set(kept))
            context = hand.context
            if context is None or (context.job_id, context.lease_epoch) not in leases:
                return
            lease = kept.get((context.job_id, context.lease_epoch))
            if lease is None:
                context.lease_lost = True
                return
        if lease.force and self._executor.stopped_by_force is not context:
            log.warning("job_stopped_by_force", job_id=str(context.job_id))
            self._executor.stopped_by_force = context
            self._deaf_at = (context, time.monotonic() + _GRACE_S)
            signal.pthread_kill(threading.main_thread().ident or 0, STOP_SIGNAL)

    def _end_the_deaf(self) -> None:
        """End the process when its job ignores its timeout, or being stopped by force."""
        context, now = self._hand.context, time.monotonic()
        if context is None:
            return
        stopped = self._deaf_at is not None and self._deaf_at[0] is context and now > self._deaf_at[1]
        if stopped or now > context.deadline + _GRACE_S:
            log.critical("job_deaf", job_id=str(context.job_id), to="force" if stopped else "timeout")
            os._exit(EXIT_DEAF)

    def _tell(self) -> None:
        with self._relay.begin() as connection:
            self._standing.write(connection, job=self._hand.current(), jobs_run=self._executor.tally.jobs_run)
        self._executor.tally.write(self._relay)
