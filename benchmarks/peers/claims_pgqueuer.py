"""PgQueuer's dequeue, one job at a time, on its psycopg driver and the loop that its own command uses.

A finished job leaves the queue's table; three rows of its log stay. `limited` gives each entrypoint a
limit of jobs at a time, as each of our businesses has one of lines.
"""

from __future__ import annotations

import os
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import uvloop
from pgqueuer.domain.models import Job
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.queries import Queries

from peers.claims import Claims, wait_until

_ENTRYPOINTS = 40
_LIMIT = 10
_HEARTBEAT = timedelta(seconds=30)

_HISTORY = """
    insert into pgqueuer_log (created, job_id, status, priority, entrypoint, aggregated)
    select now() - interval '30 days' + n * interval '2 seconds', -n, kind::pgqueuer_status, 0,
           'history', true
    from generate_series(1, %s) n cross join unnest(array['queued', 'picked', 'successful']) kind
"""


class PgQueuerClaims(Claims):
    """A queue manager's fetching, without the manager."""

    def __init__(self, history: int, *, limited: bool) -> None:
        self._history = history
        self._admin = psycopg.connect(os.environ["BENCH_ADMIN"], autocommit=True)
        self._loop = uvloop.new_event_loop()
        self._queries = self._loop.run_until_complete(_connect())
        self._id = uuid4()
        names = [f"noop{number}" for number in range(_ENTRYPOINTS if limited else 1)]
        limit = EntrypointExecutionParameter(concurrency_limit=_LIMIT if limited else 0)
        self._entrypoints = dict.fromkeys(names, limit)

    def prepare(self) -> None:
        self._loop.run_until_complete(self._queries.install())
        if self._history:
            self._admin.execute(_HISTORY, [self._history])
            self._admin.execute("vacuum analyze")

    def reset(self, queued: int) -> None:
        self._admin.execute("delete from pgqueuer_log where entrypoint <> 'history'")
        self._admin.execute("delete from pgqueuer")
        names = list(self._entrypoints)
        chosen = [names[number % len(names)] for number in range(queued)]
        self._loop.run_until_complete(self._queries.enqueue(chosen, [None] * queued, [0] * queued))
        self._admin.execute("vacuum analyze pgqueuer, pgqueuer_log")

    def settle(self) -> int:
        return self._loop.run_until_complete(self._settle())

    async def _settle(self) -> int:
        rows = await self._queries.driver.fetch("select * from pgqueuer where status = 'picked'")
        jobs = [Job.model_validate(row) for row in rows]
        await self._queries.log_jobs([(job, "successful", None) for job in jobs])
        return len(jobs)

    def claim(self, count: int, at: float) -> dict[str, Any]:
        return self._loop.run_until_complete(self._claim(count, at))

    async def _claim(self, count: int, at: float) -> dict[str, Any]:
        wait_until(at)
        timed: list[float] = []
        for _ in range(count):
            begun = time.perf_counter()
            while not await self._queries.dequeue(
                batch_size=1, entrypoints=self._entrypoints, queue_manager_id=self._id,
                global_concurrency_limit=None, heartbeat_timeout=_HEARTBEAT,
            ):  # fmt: skip
                # Another took the place that was meant: its own loop asks again, too.
                if time.monotonic() > at + 60:
                    raise RuntimeError("there was no job to dequeue")
            timed.append(round((time.perf_counter() - begun) * 1e6, 1))
        return {"us": timed, "begun": at, "ended": time.monotonic()}


async def _connect() -> Queries:
    connection = await psycopg.AsyncConnection.connect(os.environ["BENCH_DATABASE_URL"], autocommit=True)
    return Queries.from_psycopg_connection(connection)


def side(argument: str) -> PgQueuerClaims:
    """Return the side for `plain` or `limited` entrypoints and so many finished jobs: `limited,1000`."""
    kind, _, history = argument.partition(",")
    return PgQueuerClaims(int(history), limited=kind == "limited")
