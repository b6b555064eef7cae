"""A worker's own row: that it lives, what it does, how much memory it holds. Written by its heartbeat."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from trunkline import __version__
from trunkline.core.jobs.models import WorkerState
from trunkline.core.jobs.relay import Claimed

_WRITE = text(
    """
    insert into workers (name, host, pid, version, queues, state, started_at, beat_at, job_id, job_name,
                         jobs_run, rss_bytes)
    values (:name, :host, :pid, :version, :queues, :state, clock_timestamp(), clock_timestamp(), :job_id,
            :job_name, :jobs_run, :rss_bytes)
    on conflict (name) do update set
        state = excluded.state, beat_at = excluded.beat_at, job_id = excluded.job_id,
        job_name = excluded.job_name, jobs_run = excluded.jobs_run, rss_bytes = excluded.rss_bytes
    """
).bindparams(bindparam("queues", type_=JSONB))

_ERASE = text("delete from workers where name = :name")

_FORGET = text("delete from workers where beat_at < clock_timestamp() - :age")


class Standing:
    """One worker process, as others see it."""

    def __init__(self, *, name: str, host: str, queues: Sequence[str]) -> None:
        self.name = name
        self.queues = tuple(queues)
        self.stopping = False
        self._host = host

    def write(self, connection: Connection, *, job: Claimed | None, jobs_run: int) -> None:
        """Say what the worker does now."""
        state = WorkerState.BUSY if job is not None else WorkerState.IDLE
        connection.execute(
            _WRITE,
            {
                "name": self.name, "host": self._host, "pid": os.getpid(), "version": __version__,
                "queues": list(self.queues), "state": WorkerState.STOPPING if self.stopping else state,
                "job_id": None if job is None else job.id, "job_name": None if job is None else job.name,
                "jobs_run": jobs_run, "rss_bytes": rss_bytes(),
            },
        )  # fmt: skip


def erase(connection: Connection, name: str) -> None:
    """Take away the row of a worker that has ended."""
    connection.execute(_ERASE, {"name": name})


def forget(connection: Connection, *, silent_for: timedelta) -> None:
    """Take away the rows of workers that have said nothing for so long."""
    connection.execute(_FORGET, {"age": silent_for})


def rss_bytes() -> int:
    """Return how much memory this process holds, in bytes; Linux only."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
