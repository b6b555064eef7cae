"""Ours: a job is a row written in its cause's transaction; five businesses take their turns.

The job's row is written beside another, as a request would write it; the ledger may hold a history.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from typing import Any
from uuid import UUID

import psycopg
import redis

from peers import ours_worker
from peers.side import Side
from trunkline.core.db import SYSTEM, Database, install_database, of_business, unit_of_work
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job, enqueue_many, relay
from trunkline.core.jobs.bell import Bell, install_bell
from trunkline.core.jobs.models import JobState
from trunkline.core.jobs.relay import Outcome, Wanted
from trunkline.domain.tenants import service as tenants
from trunkline.kit.ids import new_id

_BUSINESSES = 5
_AT_ONCE = 200
_CEILING = "the ceiling"
_LEASE = timedelta(seconds=15)

# A day of work that ended well, recent enough to be kept, over the businesses in turn.
_HISTORY = """
    insert into jobs (id, business_id, name, queue, args, state, attempt, max_attempts, timeout_s, backoff_s,
                      run_at, lease_epoch, trace_id, created_at, started_at, finished_at)
    select uuidv7(ended - now()), (%(businesses)s::uuid[])[1 + n %% %(count)s], 'history', 'default',
           '{"args": [], "kwargs": {}}', 'succeeded', 1, 3, 30, 2, ended, 1, '', ended, ended, ended
    from (select n, now() - interval '1 day' * (1 - n::float / %(rows)s) as ended
          from generate_series(1, %(rows)s) n) as day
"""


class Ours(Side):
    """Trunkline's job service, with real servers behind it."""

    def __init__(self, history: int) -> None:
        self._history = history
        install_database(Database(os.environ["DATABASE_URL"]))
        install_bell(Bell(os.environ["REDIS_URL"]))
        self._redis = redis.Redis.from_url(os.environ["REDIS_URL"])
        self._admin = psycopg.connect(os.environ["BENCH_ADMIN"], autocommit=True)
        self._businesses = [row[0] for row in self._admin.execute("select id from businesses").fetchall()]

    def prepare(self) -> None:
        while len(self._businesses) < _BUSINESSES:
            with unit_of_work(SYSTEM) as session:
                business = tenants.create_business(session, name="Bench", actor="bench", business_id=new_id())
            self._businesses.append(business.id)
        if self._history:
            values = {"businesses": self._businesses, "count": _BUSINESSES, "rows": self._history}
            self._admin.execute(_HISTORY, values)
            self._admin.execute("vacuum analyze")

    def reset(self) -> None:
        self._redis.flushdb()
        self._admin.execute("truncate events cascade")
        if self._history:
            self._admin.execute("delete from jobs where name <> 'history'")
        else:
            self._admin.execute("truncate jobs cascade")
        self._admin.execute("vacuum analyze jobs")

    def workers(self, count: int) -> list[list[str]]:
        return [["env", f"WORKER_CONCURRENCY={count}", sys.executable, "-m", "peers.ours_worker"]]

    def fill(self, jobs: int) -> None:
        turns = cycle(self._businesses)
        for begin in range(0, jobs, _AT_ONCE):
            _enqueue(next(turns), min(_AT_ONCE, jobs - begin))

    def bulk(self, jobs: int) -> bool:
        self.fill(jobs)
        return True

    def is_drained(self) -> bool:
        query = (
            "select not exists (select from jobs where queue = 'default' and state = 'queued')"
            " and not exists (select from jobs where queue = 'default' and state = 'running')"
        )
        return bool(self._admin.execute(query).fetchone()[0])

    def recorded(self) -> int:
        query = "select count(*) from jobs where name = 'bench_noop' and state = 'succeeded' and attempt = 1"
        return int(self._admin.execute(query).fetchone()[0])

    def enqueue(self) -> dict[str, float]:
        # Without a wake-up already waiting, so that the bell is rung in full.
        self._redis.flushdb()
        scope = of_business(self._businesses[0])
        with unit_of_work(scope) as session:
            announce("bench.marked", subject_id=None, actor="bench")
            session.flush()
            row_written = time.perf_counter()
        row_committed = time.perf_counter()
        with unit_of_work(scope) as session:
            announce("bench.marked", subject_id=None, actor="bench")
            session.flush()
            begun = time.perf_counter()
            enqueue_job(ours_worker.QUEUE, ours_worker.NAME)
            enqueued = time.perf_counter()
        rung = time.perf_counter()
        return {
            "call": enqueued - begun,
            "call, commit and bell": rung - begun,
            "commit of a row without a job": row_committed - row_written,
        }

    def extras(self) -> dict[str, Callable[..., Any]]:
        return {"ceiling": self._ceiling}

    def _ceiling(self, jobs: int, hand: int) -> float:
        """Return how many rows a second are claimed and settled, so many at once, with nothing in between."""
        database = Database(os.environ["DATABASE_URL"], relay_url=os.environ["DATABASE_RELAY_URL"])
        assert database.relay is not None
        wanted = [Wanted(ours_worker.QUEUE)]
        outcomes: list[Outcome] = []
        self.fill(jobs)
        done = 0
        begun = time.monotonic()
        while done < jobs:
            with database.relay.begin() as connection:
                done += len(relay.settle(connection, outcomes, owner=_CEILING))
                claimed = relay.claim(connection, wanted, owner=_CEILING, lease=_LEASE, size=hand)
            outcomes = [Outcome(r.id, r.lease_epoch, JobState.SUCCEEDED, r.attempt) for r in claimed]
            if claimed:
                wanted = [Wanted(ours_worker.QUEUE, claimed[0].tenant_key)]
        took = time.monotonic() - begun
        database.dispose()
        return jobs / took


def _enqueue(business_id: UUID, jobs: int) -> None:
    with unit_of_work(of_business(business_id)):
        enqueue_many(ours_worker.QUEUE, ours_worker.NAME, ({} for _ in range(jobs)))


def side(argument: str) -> Ours:
    """Return the side for a ledger with so many finished rows."""
    return Ours(int(argument))
