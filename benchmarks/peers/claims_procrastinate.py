"""Procrastinate's fetch: its job manager asks `procrastinate_fetch_job_v2` through its own connector.

A finished job is a row of its own and three of its events, and stays until somebody prunes it.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.manager import JobManager

from peers.claims import Claims, wait_until

_AT_ONCE = 1_000
_QUEUE = "default"

_HISTORY = """
    set session_replication_role = replica;
    insert into procrastinate_jobs (queue_name, task_name, args, status, attempts)
    select '{queue}', 'history', '{{}}', 'succeeded', 1 from generate_series(1, {rows});
    insert into procrastinate_events (job_id, type, at)
    select j.id, kind::procrastinate_job_event_type, now() - interval '30 days' + j.id * interval '2 seconds'
    from procrastinate_jobs j cross join unnest(array['deferred', 'started', 'succeeded']) kind
"""


class ProcrastinateClaims(Claims):
    """A worker's fetching, without the worker."""

    def __init__(self, history: int) -> None:
        self._history = history
        self._admin = psycopg.connect(os.environ["BENCH_ADMIN"], autocommit=True)
        self._loop = asyncio.new_event_loop()
        self._app = App(connector=PsycopgConnector(conninfo=os.environ["BENCH_DATABASE_URL"]))
        self._app.task(name="noop", queue=_QUEUE)(_noop)
        self._loop.run_until_complete(self._app.open_async())
        self._manager = JobManager(self._app.connector)
        self._worker: int | None = None

    def prepare(self) -> None:
        self._loop.run_until_complete(self._app.schema_manager.apply_schema_async())
        if self._history:
            self._admin.execute(_HISTORY.format(queue=_QUEUE, rows=self._history))
            self._admin.execute("set session_replication_role = origin")
            self._admin.execute("vacuum analyze")

    def reset(self, queued: int) -> None:
        self._admin.execute("delete from procrastinate_jobs where task_name <> 'history'")
        self._loop.run_until_complete(self._fill(queued))
        self._admin.execute("vacuum analyze procrastinate_jobs, procrastinate_events")

    async def _fill(self, queued: int) -> None:
        for begin in range(0, queued, _AT_ONCE):
            size = min(_AT_ONCE, queued - begin)
            await self._app.tasks["noop"].batch_defer_async(*({} for _ in range(size)))

    def settle(self) -> int:
        return self._admin.execute(
            "update procrastinate_jobs set status = 'succeeded', attempts = attempts + 1"
            " where status = 'doing'"
        ).rowcount

    def claim(self, count: int, at: float) -> dict[str, Any]:
        return self._loop.run_until_complete(self._claim(count, at))

    async def _claim(self, count: int, at: float) -> dict[str, Any]:
        if self._worker is None:
            self._worker = await self._manager.register_worker()
        wait_until(at)
        timed: list[float] = []
        for _ in range(count):
            begun = time.perf_counter()
            job = await self._manager.fetch_job(queues=[_QUEUE], worker_id=self._worker)
            timed.append(round((time.perf_counter() - begun) * 1e6, 1))
            if job is None:
                raise RuntimeError("there was no job to fetch")
        return {"us": timed, "begun": at, "ended": time.monotonic()}


def _noop() -> None:
    """Is never run."""


def side(argument: str) -> ProcrastinateClaims:
    """Return the side with so many finished jobs."""
    return ProcrastinateClaims(int(argument))
