"""Celery on Redis, prefork: a job is a message in a list.

`early` is its default: a message is acknowledged before it is run, so a killed worker's jobs are lost.
`late` acknowledges after the run; a killed worker's jobs come back after the visibility timeout, an hour.
Neither keeps a record of what is done (that takes a result backend), so nothing is recorded here.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import redis
from celery import Celery

from peers.noop import mark
from peers.side import Side

_QUEUE = "celery"


def _broker(url: str) -> str:
    """Return Celery's form of a Redis address, which names a socket in its own way."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    number = parts.query.removeprefix("db=")
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={number}"


app = Celery(broker=_broker(os.environ["BENCH_REDIS_URL"]))
app.conf.update(
    task_ignore_result=True,
    task_acks_late=os.environ.get("BENCH_CELERY") == "late",
    worker_hijack_root_logger=True,
    broker_connection_retry_on_startup=True,
)


@app.task(name="noop")
def noop() -> None:
    """Run once."""
    mark()


class OnCelery(Side):
    """Celery, acknowledging early or late."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._redis = redis.Redis.from_url(os.environ["BENCH_REDIS_URL"])

    def prepare(self) -> None:
        self._redis.ping()

    def reset(self) -> None:
        self._redis.flushdb()

    def workers(self, count: int) -> list[list[str]]:
        program = str(Path(sys.executable).with_name("celery"))
        return [
            ["env", f"BENCH_CELERY={self._kind}", program, "-A", "peers.on_celery", "worker",
             "--pool", "prefork", "--concurrency", str(count), "--loglevel", "WARNING",
             "--without-gossip", "--without-mingle"]
        ]  # fmt: skip

    def fill(self, jobs: int) -> None:
        for _ in range(jobs):
            noop.apply_async()

    def is_drained(self) -> bool:
        # Acknowledged early, the last jobs are in neither while they run; they are waited for by their marks.
        return not self._redis.llen(_QUEUE) and not self._redis.hlen("unacked")

    def recorded(self) -> int | None:
        return None

    def enqueue(self) -> dict[str, float]:
        begun = time.perf_counter()
        noop.apply_async()
        return {"call": time.perf_counter() - begun}


def side(argument: str) -> OnCelery:
    """Return the side for acknowledging `early` or `late`."""
    return OnCelery(argument)
