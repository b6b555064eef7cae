"""The yard: workers, their upkeep, PostgreSQL and Redis as real processes, jobs to run, and the book.

Owns starting, killing and enqueuing; what ought to come of it is `judge`'s to say.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from support import job_handlers
from support.installation import TOKEN_KEY, Installation
from support.judge import Death, Verdict, judge
from support.ledger_book import Book, open_book
from support.own_redis import OwnRedis
from support.processes import eventually, is_alive, kill
from support.world import ALL_DAY
from support.zygote import Worker, Zygote
from trunkline.core.db import SYSTEM, Database, Scope, of_business, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.core.jobs.bell import Bell, install_bell
from trunkline.domain.tenants import service as tenants
from trunkline.kit.ids import new_id

BARRIERS = (
    "job.claimed", "job.begun", "job.writing", "job.half", "job.done", "job.settled", "sql.commit",
)  # fmt: skip
"""Every named step of a job's way through a worker. `job.writing` (inside a transaction) and `job.half`
(between two) are said by the suite's handlers, `sql.commit` by every connection of a worker: what was
claimed, settled or written is executed, and not committed."""

HASTE: dict[str, Any] = {"lease_seconds": 1.0, "sweep_seconds": 0.2}
"""Waits for tests that prove an order of events and not a length of time."""


@dataclass(slots=True)
class Yard:
    """A running installation of the job system whose processes a test may hurt."""

    installation: Installation
    folder: Path
    redis: OwnRedis
    book: Book
    scopes: list[Scope] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    enqueued: set[UUID] = field(default_factory=set)
    deaths: list[Death] = field(default_factory=list)
    crashes: int = 0
    """How often PostgreSQL died since the yard was emptied."""
    toll: Counter[str] = field(default_factory=Counter)
    """How often a worker was killed, or stopped, at each barrier; and what befell the servers."""
    reports: dict[str, Any] = field(default_factory=dict)
    """What tests have measured, for the suite's last line."""
    _zygote: Zygote | None = None

    @property
    def verdict(self) -> dict[str, Any]:
        """What was done in this session, and what came of it."""
        return {**dict(sorted(self.toll.items())), **self.reports}

    # --- Processes -----------------------------------------------------------------------

    def start_worker(
        self,
        *,
        barrier: str = "",
        nth: int = 1,
        number: signal.Signals = signal.SIGKILL,
        without: str | None = None,
        settings: dict[str, Any] | None = None,
        role: str = "worker",
        environment: dict[str, str] | None = None,
    ) -> Worker:
        """Fork a worker that at the n-th time at `barrier` sends itself a signal; none lives on."""
        log, mark = self.folder / "workers.log", self.folder / f"mark-{secrets.token_hex(6)}"
        order = {
            "role": role, "environment": environment or {}, "settings": settings or {}, "waits": None,
            "barrier": barrier, "nth": nth, "signal": int(number), "without": without,
            "log": str(log), "mark": str(mark),
        }  # fmt: skip
        if self._zygote is None:
            self._zygote = Zygote(self.environment(), log, modules=(job_handlers.__name__,))
        worker = Worker(barrier, number, self._zygote.fork(order), log, mark)
        self.workers.append(worker)
        return worker

    def start_upkeep(self, *, settings: dict[str, Any] | None = None, without: str | None = None) -> Worker:
        """Fork a supervisor that has no children: what is left of it is the upkeep."""
        return self.start_worker(role="upkeep", settings=settings, without=without)

    @contextmanager
    def child(self, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker that is no fork: a process from its start, and a child whose end we see."""
        with (self.folder / "workers.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "support.barrier_worker", "--child", job_handlers.__name__],
                env={
                    **self.environment(),
                    "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry), **environment,
                },
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def stop_workers(self) -> None:
        """Kill every process of the test and wait until none is left."""
        for worker in self.workers:
            if is_alive(worker.pid):
                kill(worker.pid)
            worker.mark.unlink(missing_ok=True)
        self.workers.clear()

    def close(self) -> None:
        self.stop_workers()
        if self._zygote is not None:
            self._zygote.close()
        self.redis.close()

    def environment(self) -> dict[str, str]:
        """The environment of a process that belongs to this installation."""
        urls = self.installation.urls
        assert urls.database_url
        assert urls.database_relay_url
        unset = {"SERVICE_ROLE", "ENABLE_SCHEDULERS", "DATABASE_OWNER_URL"}
        return {name: value for name, value in os.environ.items() if name not in unset} | {
            "TRUNKLINE_HOME": str(self.folder / "home"),
            "DATABASE_URL": urls.database_url,
            "DATABASE_RELAY_URL": urls.database_relay_url,
            "REDIS_URL": self.redis.url,
            "SECRET_KEY": TOKEN_KEY.decode(),
            "SERVICE_ROLE": "worker",
            job_handlers.JOURNAL: str(self.book.journal),
        }

    # --- Servers -------------------------------------------------------------------------

    def postmaster_pid(self) -> int:
        """The process id of the embedded PostgreSQL's first process."""
        (file,) = self.installation.home.glob("embedded/pgdata*/postmaster.pid")
        return int(file.read_text().split("\n", 1)[0])

    def kill_postgres(self) -> None:
        """Kill PostgreSQL and wait until the keeper has brought it back."""
        before = self.postmaster_pid()
        kill(before)
        self.toll["postgres killed"] += 1
        self.crashes += 1
        eventually(lambda: self._postgres_is_new(before), "PostgreSQL is there again", within_s=60)

    def kill_backend(self) -> None:
        """Kill a worker's connection inside PostgreSQL, which then ends every other one itself."""
        with self.installation.owner.connect() as witness:
            pid = witness.execute(
                text("select pid from pg_stat_activity where usename = 'trunkline_relay' limit 1")
            ).scalar_one()
            os.kill(pid, signal.SIGKILL)
            self.toll["backend killed"] += 1
            self.crashes += 1
            eventually(lambda: not _answers(witness), "PostgreSQL has ended all connections")
        eventually(self._postgres_answers, "PostgreSQL has recovered", within_s=60)

    def kill_redis(self, *, emptied: bool) -> None:
        """Kill Redis and bring it back, with what it had or without."""
        self.redis.kill()
        if emptied:
            self.redis.empty()
        self.redis.mend()
        self.toll["redis killed and emptied" if emptied else "redis killed"] += 1

    def _postgres_is_new(self, before: int) -> bool:
        try:
            return self.postmaster_pid() != before and self._postgres_answers()
        except (OSError, ValueError):
            return False

    def _postgres_answers(self) -> bool:
        try:
            with self.installation.owner.connect() as connection:
                return _answers(connection)
        except OperationalError:
            return False

    # --- Jobs ----------------------------------------------------------------------------

    def enqueue(self, name: str, *args: object, scope: Scope | None = None, **options: Any) -> UUID:
        """Enqueue one job of a business, the first if none is named, and hold the system to it."""
        job_id = new_id()
        with unit_of_work(scope or self.scopes[0]):
            enqueue_job("default", name, *args, job_id=job_id, **options)
        self.enqueued.add(job_id)
        return job_id

    def sow(self, scope: Scope, *calls: tuple[object, ...], **options: Any) -> None:
        """Enqueue jobs, each given as its name and its arguments, in one transaction."""
        ids = [new_id() for _ in calls]
        with unit_of_work(scope):
            for job_id, (name, *args) in zip(ids, calls, strict=True):
                enqueue_job("default", str(name), *args, job_id=job_id, **options)
        self.enqueued.update(ids)

    def unfinished(self) -> int:
        """How many jobs are not at an end."""
        return self.book.count("state in ('queued', 'running')")

    def locked(self) -> int:
        """How many jobs that are not at an end somebody has locked."""
        return self.unfinished() - self.book.count_unlocked("state in ('queued', 'running')")

    def judged(self) -> Verdict:
        """What came of everything enqueued since the yard was emptied."""
        return judge(self.book, self.enqueued, self.deaths, crashes=self.crashes)

    def wipe(self) -> None:
        """Begin anew: no jobs, three businesses and the system."""
        self.installation.wipe()
        self.book.wipe()
        self.enqueued.clear()
        self.deaths.clear()
        self.crashes = 0
        businesses = [new_id() for _ in range(3)]
        with unit_of_work(SYSTEM) as session:
            for number, business_id in enumerate(businesses):
                tenants.create_business(
                    session, name=f"Yard {number}", calling_window=ALL_DAY, actor="test",
                    business_id=business_id,
                )  # fmt: skip
        self.scopes = [*(of_business(business_id) for business_id in businesses), SYSTEM]


def _answers(connection: Connection) -> bool:
    try:
        connection.execute(text("select 1"))
    except OperationalError:
        return False
    return True


@contextmanager
def open_yard(installation: Installation, folder: Path) -> Iterator[Yard]:
    """Open the book and start Redis; workers are each test's own."""
    assert installation.urls.database_relay_url
    # Not the installation's own, which nobody tries before it is used: PostgreSQL may have been killed.
    relay = Database(installation.urls.database_relay_url, pool_size=2)
    with open_book(installation.owner, relay.engine, folder / "journal.txt") as book:
        yard = Yard(installation, folder, OwnRedis(folder / "redis"), book)
        bell = Bell(yard.redis.url)
        try:
            yard.redis.start()
            install_bell(bell)
            yield yard
        finally:
            install_bell(None)
            bell.close()
            yard.close()
            relay.dispose()
