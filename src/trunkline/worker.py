"""Floor 5: the worker. A supervisor with one child process per unit of concurrency.

Each child claims and runs jobs in its main thread; the supervisor replaces a child that dies and,
with ENABLE_SCHEDULERS, fires the recurring jobs.
"""

from __future__ import annotations

import os
import socket
import time
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from trunkline import schedule
from trunkline.core.jobs import ledger
from trunkline.core.jobs.engine import WorkerEngine
from trunkline.core.jobs.executor import Executor
from trunkline.core.jobs.heartbeat import Heartbeat
from trunkline.core.runs import sweeper
from trunkline.core.settings import Settings
from trunkline.core.telemetry import get_logger
from trunkline.kit.ids import new_id
from trunkline.supervisor import Child, Supervisor, own_command
from trunkline.wiring import Command, Runtime, open_runtime

_SCHEDULE_EVERY_S = 1.0
_PRUNE_EVERY_S = 60.0
_PRUNED_AT_ONCE = 10_000
_KEPT_FINISHED = timedelta(days=3)
"""How long a job that needs nobody's attention stays in the ledger."""

log = get_logger(__name__)


def supervise(settings: Settings) -> None:
    """Run WORKER_CONCURRENCY worker processes until stopped."""
    with open_runtime(Command.WORKER, settings) as runtime:
        children = [
            Child(f"worker-{number}", own_command("worker", "--child"))
            for number in range(1, settings.worker_concurrency + 1)
        ]
        upkeep = _Upkeep(runtime, schedules=bool(settings.enable_schedulers))
        Supervisor(children, upkeep=upkeep).run()


def work(settings: Settings) -> None:
    """Be one worker process, until stopped or until the supervisor is gone."""
    with open_runtime(Command.WORKER, settings) as runtime:
        relay = runtime.database.relay
        assert relay is not None
        lease = timedelta(seconds=settings.lease_seconds)
        heartbeat = Heartbeat(relay, lease=lease)
        name = f"{socket.gethostname()}:{os.getpid()}:{new_id().hex[-8:]}"
        engine = WorkerEngine(
            executor=Executor(relay, name=name, lease=lease, heartbeat=heartbeat),
            heartbeat=heartbeat,
            redis_url=runtime.redis_url,
            queues=settings.rq_queues,
        )
        engine.between = _Between(runtime)
        log.info("worker_started", name=name, queues=settings.rq_queues)
        engine.run()


class _Between:
    """What a worker does between jobs: keep the servers, and sweep."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._swept_at = self._pruned_at = 0.0

    def __call__(self) -> None:
        self._runtime.upkeep()
        if time.monotonic() - self._swept_at >= self._runtime.settings.sweep_seconds:
            self._swept_at = time.monotonic()
            self._sweep()

    def _sweep(self) -> None:
        relay = self._runtime.database.relay
        assert relay is not None
        with relay.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for freed in ledger.sweep(connection):
                log.warning("job_swept", job=freed.name, job_id=str(freed.id), state=freed.state)
        if time.monotonic() - self._pruned_at >= _PRUNE_EVERY_S:
            self._pruned_at = time.monotonic()
            with relay.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                ledger.prune(connection, age=_KEPT_FINISHED, limit=_PRUNED_AT_ONCE)
        sweeper.sweep(relay, pause=timedelta(seconds=self._runtime.settings.sweep_seconds))


class _Upkeep:
    """What the supervisor does beside keeping its children."""

    def __init__(self, runtime: Runtime, *, schedules: bool) -> None:
        self._runtime = runtime
        self._schedules = schedules
        self._fired_at = 0.0

    def __call__(self) -> None:
        self._runtime.upkeep()
        if self._schedules and time.monotonic() - self._fired_at >= _SCHEDULE_EVERY_S:
            self._fired_at = time.monotonic()
            try:
                schedule.fire_due()
            except SQLAlchemyError:
                log.warning("schedule_not_fired", exc_info=True)
