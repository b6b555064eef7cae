"""Dramatiq on Redis: a job is a message in a hash and its id in a list, both gone when it is acknowledged.

It keeps no record of what is done; a message that is gone from its hash was acknowledged. By default a worker
with one thread fetches two messages and then sleeps a while; a larger prefetch is its documented remedy.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

from peers.noop import mark
from peers.side import Side

broker = RedisBroker(url=os.environ["BENCH_REDIS_URL"])
dramatiq.set_broker(broker)


@dramatiq.actor(actor_name="noop")
def noop() -> None:
    """Run once."""
    mark()


class OnDramatiq(Side):
    """Dramatiq with its usual middleware."""

    def __init__(self, prefetch: int) -> None:
        self._prefetch = prefetch
        self._redis = redis.Redis.from_url(os.environ["BENCH_REDIS_URL"])

    def prepare(self) -> None:
        self._redis.ping()

    def reset(self) -> None:
        self._redis.flushdb()

    def workers(self, count: int) -> list[list[str]]:
        program = str(Path(sys.executable).with_name("dramatiq"))
        return [
            ["env", f"dramatiq_queue_prefetch={self._prefetch}", program, "peers.on_dramatiq",
             "--processes", str(count), "--threads", "1", "--skip-logging"]
        ]  # fmt: skip

    def fill(self, jobs: int) -> None:
        for _ in range(jobs):
            noop.send()

    def is_drained(self) -> bool:
        return not self._redis.hlen("dramatiq:default.msgs")

    def recorded(self) -> int | None:
        return None

    def enqueue(self) -> dict[str, float]:
        begun = time.perf_counter()
        noop.send()
        return {"call": time.perf_counter() - begun}


def side(argument: str) -> OnDramatiq:
    """Return the side for workers that fetch so many messages; 0 leaves it to Dramatiq."""
    return OnDramatiq(int(argument))
