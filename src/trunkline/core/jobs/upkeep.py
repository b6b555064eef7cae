"""The upkeep of the ledger and the runs: what goes on by itself, whatever workers are busy with.

Frees what silent workers hold, expires what is late, pushes runs, prunes what is long over, and
forgets workers that are gone. The supervisor of workers does it in its own loop, a process that runs
no job; several at once, on several machines, do no harm.
"""

from __future__ import annotations

import time
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from trunkline.core.jobs import bell, relay, service, standing
from trunkline.core.runs import sweeper
from trunkline.core.telemetry import get_logger

_PRUNE_EVERY_S = 60.0
_MERCY_S = 4.0
"""How long after an outage of PostgreSQL no lease is taken for lost: a few renewals."""
_FORGET_WORKERS_AFTER = timedelta(minutes=10)

log = get_logger(__name__)


class Upkeep:
    """Call it often; it does each thing when its time has come."""

    def __init__(self, relay_engine: Engine, *, sweep_every_s: float, keep_finished: timedelta) -> None:
        self._relay = relay_engine
        self._sweep_every_s = sweep_every_s
        self._keep_finished = keep_finished
        self._swept_at = self._pruned_at = self._free_from = float("-inf")

    def __call__(self) -> None:
        """Do what is due. Where PostgreSQL is away it is done the next time."""
        try:
            if time.monotonic() - self._swept_at >= self._sweep_every_s:
                self._swept_at = time.monotonic()
                self.sweep()
            if time.monotonic() - self._pruned_at >= _PRUNE_EVERY_S:
                self._pruned_at = time.monotonic()
                self._prune()
        except SQLAlchemyError:
            log.warning("upkeep_not_done", exc_info=True)

    def sweep(self) -> None:
        """Free what silent workers hold, expire what is late, push the runs."""
        if time.monotonic() >= self._free_from:
            self._free_late()
        with self._relay.begin() as connection:
            relay.expire(connection)
        sweeper.sweep(self._relay, pause=timedelta(seconds=self._sweep_every_s))

    def _free_late(self) -> None:
        try:
            with self._relay.begin() as connection:
                freed = relay.sweep(connection)
        except SQLAlchemyError:
            # Workers could not renew either. When PostgreSQL is back they get a moment to do so. Only
            # this says so: what else may go wrong here must not keep the dead from being freed.
            self._free_from = time.monotonic() + _MERCY_S
            raise
        _tell(freed)

    def free(self, worker: str) -> None:
        """Free what a worker that is certainly dead holds, without waiting for its leases to run out."""
        try:
            with self._relay.begin() as connection:
                freed = relay.free_owner(connection, worker)
                standing.erase(connection, worker)
        except SQLAlchemyError:
            log.warning("dead_worker_not_freed", worker=worker, exc_info=True)
            return
        _tell(freed)

    def _prune(self) -> None:
        service.cleanup_old_jobs(None, self._keep_finished, relay_engine=self._relay)
        with self._relay.begin() as connection:
            standing.forget(connection, silent_for=_FORGET_WORKERS_AFTER)


def _tell(freed: list[relay.Freed]) -> None:
    for row in freed:
        log.warning("job_swept", job=row.name, job_id=str(row.id), state=row.state)
    ringing = bell.installed_bell()
    if ringing is not None:
        for queue in {row.queue for row in freed if row.state == "queued"}:
            ringing.ring(queue)
