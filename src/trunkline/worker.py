"""Floor 5: the worker. A supervisor with one child process per unit of concurrency.

Each child claims and runs jobs in its main thread. The supervisor runs none: it replaces a child that
dies and frees what it held, does the ledger's upkeep and, with ENABLE_SCHEDULERS, fires the recurring
jobs.
"""

from __future__ import annotations

import os
import socket
import time
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from trunkline import schedule
from trunkline.core.jobs.engine import WorkerEngine
from trunkline.core.jobs.executor import Executor
from trunkline.core.jobs.heartbeat import Heartbeat
from trunkline.core.jobs.standing import Standing, rss_bytes
from trunkline.core.jobs.upkeep import Upkeep
from trunkline.core.settings import Settings
from trunkline.core.telemetry import get_logger
from trunkline.kit.ids import new_id
from trunkline.supervisor import Child, Supervisor, own_command
from trunkline.wiring import Command, Runtime, open_runtime

_SCHEDULE_EVERY_S = 1.0

_FAMILY = "TRUNKLINE_WORKER_FAMILY"
"""Environment variable by which a supervisor knows its children's names: host, process id and this."""

log = get_logger(__name__)


def supervise(settings: Settings) -> None:
    """Run WORKER_CONCURRENCY worker processes until stopped."""
    with open_runtime(Command.WORKER, settings) as runtime:
        family = new_id().hex[-8:]
        children = [
            Child(f"worker-{number}", own_command("worker", "--child"), {_FAMILY: family})
            for number in range(1, settings.worker_concurrency + 1)
        ]
        upkeep = SupervisorUpkeep(runtime, schedules=bool(settings.enable_schedulers))
        Supervisor(
            children,
            upkeep=upkeep,
            on_death=lambda pid: upkeep.ledger.free(worker_name(pid, family)),
            stop_within_s=settings.drain_seconds,
        ).run()


def work(settings: Settings) -> None:
    """Be one worker process, until stopped or until the supervisor is gone."""
    with open_runtime(Command.WORKER, settings) as runtime:
        relay = runtime.database.relay
        assert relay is not None
        lease = timedelta(seconds=settings.lease_seconds)
        name = worker_name(os.getpid(), os.environ.get(_FAMILY) or new_id().hex[-8:])
        executor = Executor(
            relay, name=name, lease=lease, queues=settings.rq_queues, per_business=settings.jobs_per_business
        )
        standing = Standing(name=name, host=socket.gethostname(), queues=settings.rq_queues)
        engine = WorkerEngine(
            executor=executor,
            heartbeat=Heartbeat(relay, executor, lease=lease, standing=standing),
            redis_url=runtime.redis_url,
            queues=settings.rq_queues,
            between=lambda: _may_go_on(runtime),
        )
        log.info("worker_started", name=name, queues=settings.rq_queues)
        engine.run()


def worker_name(pid: int, family: str) -> str:
    """Return the name of a worker process: what its leases and its row are under."""
    return f"{socket.gethostname()}:{pid}:{family}"


def _may_go_on(runtime: Runtime) -> bool:
    """See to the servers; False once the process has grown too large and is better replaced."""
    runtime.upkeep()
    held = rss_bytes() / 1024**2
    if held <= runtime.settings.worker_max_rss_mb:
        return True
    log.warning("worker_grown", rss_mb=round(held), limit_mb=runtime.settings.worker_max_rss_mb)
    return False


class SupervisorUpkeep:
    """What the supervisor does beside keeping its children."""

    def __init__(self, runtime: Runtime, *, schedules: bool) -> None:
        relay = runtime.database.relay
        assert relay is not None
        self.ledger = Upkeep(
            relay,
            sweep_every_s=runtime.settings.sweep_seconds,
            keep_finished=timedelta(days=runtime.settings.jobs_kept_days),
        )
        self._runtime = runtime
        self._schedules = schedules
        self._fired_at = 0.0

    def __call__(self) -> None:
        """Do what is due."""
        self._runtime.upkeep()
        self.ledger()
        if self._schedules and time.monotonic() - self._fired_at >= _SCHEDULE_EVERY_S:
            self._fired_at = time.monotonic()
            try:
                schedule.fire_due()
            except SQLAlchemyError:
                log.warning("schedule_not_fired", exc_info=True)
