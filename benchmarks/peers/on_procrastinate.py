"""Procrastinate: a job is a row of PostgreSQL; workers claim one at a time and listen to NOTIFY.

The job is a plain function, as ours are; Procrastinate then runs it in a thread. `async` takes its native
form instead, a coroutine on the worker's loop. `relaxed` does that too, and its worker's commits do not wait
for the disk, as our workers' do not.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psycopg
from procrastinate import App, PsycopgConnector

from peers.noop import mark
from peers.side import Side

_AT_ONCE = 1_000

app = App(connector=PsycopgConnector(conninfo=os.environ["BENCH_DATABASE_URL"]))


@app.task(queue="default", name="noop")
def noop() -> None:
    """Run once, in a thread."""
    mark()


@app.task(queue="default", name="noop_async")
async def noop_async() -> None:
    """Run once, on the loop."""
    mark()


class Procrastinate(Side):
    """Procrastinate with its psycopg connector."""

    def __init__(self, kind: str) -> None:
        self._task = noop if kind == "thread" else noop_async
        self._options = "-c synchronous_commit=off" if kind == "relaxed" else ""
        self._connection = psycopg.connect(os.environ["BENCH_DATABASE_URL"], autocommit=True)
        app.open()

    def prepare(self) -> None:
        if self._connection.execute("select to_regclass('procrastinate_jobs')").fetchone() == (None,):
            app.schema_manager.apply_schema()

    def reset(self) -> None:
        self._connection.execute("truncate procrastinate_jobs, procrastinate_workers cascade")

    def workers(self, count: int) -> list[list[str]]:
        program = str(Path(sys.executable).with_name("procrastinate"))
        return [
            ["env", f"PGOPTIONS={self._options}", program, "--log-level", "warning",
             "--app", "peers.on_procrastinate.app", "worker", "--queues", "default", "--concurrency", "1"]
            for _ in range(count)
        ]  # fmt: skip

    def fill(self, jobs: int) -> None:
        for begin in range(0, jobs, _AT_ONCE):
            self._task.batch_defer(*({} for _ in range(min(_AT_ONCE, jobs - begin))))

    def bulk(self, jobs: int) -> bool:
        self.fill(jobs)
        return True

    def is_drained(self) -> bool:
        query = "select not exists (select from procrastinate_jobs where status in ('todo', 'doing'))"
        return bool(self._connection.execute(query).fetchone()[0])

    def recorded(self) -> int:
        query = "select count(*) from procrastinate_jobs where status = 'succeeded'"
        return int(self._connection.execute(query).fetchone()[0])

    def enqueue(self) -> dict[str, float]:
        begun = time.perf_counter()
        self._task.defer()
        return {"call": time.perf_counter() - begun}


def side(argument: str) -> Procrastinate:
    """Return the side for jobs in a `thread`, as `async`, or `relaxed`."""
    return Procrastinate(argument)
