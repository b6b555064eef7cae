"""Bare RQ 3: a job is a hash in Redis and its id in a list. `rq worker`, forking or simple."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import redis
from rq import Queue
from rq.registry import FinishedJobRegistry, StartedJobRegistry

from peers.noop import mark
from peers.side import Side

_AT_ONCE = 1_000


def noop() -> None:
    """Run once."""
    mark()


class Rq(Side):
    """One worker class of RQ."""

    def __init__(self, worker_class: str) -> None:
        self._worker_class = worker_class
        self._redis = redis.Redis.from_url(os.environ["BENCH_REDIS_URL"])
        self._queue = Queue("default", connection=self._redis)

    def prepare(self) -> None:
        self._redis.ping()

    def reset(self) -> None:
        self._redis.flushdb()

    def workers(self, count: int) -> list[list[str]]:
        program = str(Path(sys.executable).with_name("rq"))
        command = [program, "worker", "--logging_level", "WARNING", "-w", self._worker_class, "default"]
        return [["env", f"RQ_REDIS_URL={os.environ['BENCH_REDIS_URL']}", *command] for _ in range(count)]

    def fill(self, jobs: int) -> None:
        for begin in range(0, jobs, _AT_ONCE):
            size = min(_AT_ONCE, jobs - begin)
            self._queue.enqueue_many([Queue.prepare_data(noop) for _ in range(size)])

    def bulk(self, jobs: int) -> bool:
        self.fill(jobs)
        return True

    def is_drained(self) -> bool:
        started = StartedJobRegistry(queue=self._queue)
        return not self._redis.llen(self._queue.key) and not self._redis.zcard(started.key)

    def recorded(self) -> int:
        return int(self._redis.zcard(FinishedJobRegistry(queue=self._queue).key))

    def enqueue(self) -> dict[str, float]:
        begun = time.perf_counter()
        self._queue.enqueue(noop)
        return {"call": time.perf_counter() - begun}


def side(argument: str) -> Rq:
    """Return the side for RQ's worker class of this path."""
    return Rq(argument)
