"""The bell: tells RQ that a queue has work. It may fail; the ledger does not mind.

Wake-ups are for a queue and coalesce: while one is waiting to be heard, another is not sent. The
flag that says so is taken down before the woken worker looks, so a row committed after that look
rings again. Ringing takes 40 ms at the most, however slowly Redis answers, and a Redis that took
longer is then left alone for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from trunkline.core.telemetry import get_logger

WAKE_UP = "trunkline.core.jobs.engine.wake_up"
"""The function that RQ's worker runs, by path: enqueuing must not import the worker."""

_FLAG_LIFETIME_MS = 1_000
_WAKE_UP_LIFETIME_S = 60
"""A wake-up that nobody heard for so long is dropped: workers that come back look by themselves."""
_BREAKER_OPEN_S = 2.0
_PATIENCE_S = 0.04
"""How long a ring may take in all: connecting, signing in and every command together."""

_deadline: ContextVar[float | None] = ContextVar("trunkline_bell_deadline", default=None)

log = get_logger(__name__)


class Bell:
    """One process's way to ring, with its circuit breaker."""

    def __init__(self, redis_url: str) -> None:
        pool = redis.ConnectionPool.from_url(
            redis_url,
            socket_timeout=_PATIENCE_S,
            socket_connect_timeout=_PATIENCE_S,
            retry=Retry(NoBackoff(), 0),
        )
        pool.connection_class = type("PunctualConnection", (_Punctual, pool.connection_class), {})
        self._client = redis.Redis(connection_pool=pool)
        self._silent_until = 0.0

    def ring(self, queue: str) -> bool:
        """Wake a worker of this queue. Returns whether Redis took the message."""
        if time.monotonic() < self._silent_until:
            return False
        try:
            with _punctually():
                if self._client.set(_flag(queue), 1, nx=True, px=_FLAG_LIFETIME_MS):
                    rq_queue(queue, self._client).enqueue_call(
                        WAKE_UP,
                        args=(queue,),
                        timeout=-1,
                        ttl=_WAKE_UP_LIFETIME_S,
                        result_ttl=0,
                        failure_ttl=3_600,
                    )
        except redis.RedisError as error:
            self._silent_until = time.monotonic() + _BREAKER_OPEN_S
            log.warning("bell_unheard", queue=queue, error=str(error))
            return False
        return True

    def ping(self) -> bool:
        """Return whether Redis answers."""
        try:
            with _punctually():
                return bool(self._client.ping())
        except redis.RedisError:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._client.connection_pool.disconnect()


@contextmanager
def _punctually() -> Iterator[None]:
    """Let every answer of Redis that the block waits for come within the patience, all together."""
    token = _deadline.set(time.monotonic() + _PATIENCE_S)
    try:
        yield
    finally:
        _deadline.reset(token)


class _Punctual:
    """A connection whose answers share one deadline; a time limit for each would let them add up."""

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """Read an answer. Raises redis.TimeoutError once the time is up."""
        deadline = _deadline.get()
        if deadline is not None:
            kwargs["timeout"] = max(0.001, deadline - time.monotonic())
        return super().read_response(*args, **kwargs)  # type: ignore[misc]


_bell: Bell | None = None


def install_bell(bell: Bell | None) -> None:
    """Make this the process's bell; None leaves finding work to the workers."""
    global _bell  # noqa: PLW0603 - one bell a process, set at start
    _bell = bell


def installed_bell() -> Bell | None:
    """Return the process's bell."""
    return _bell


def ringer(queue: str) -> Callable[[], None]:
    """Return a function that rings the queue; equal for equal queues of one transaction."""
    return _Ringer(_ring, queue)


def lower_flag(client: redis.Redis, queue: str) -> None:
    """Say that the wake-up was heard, before looking for work."""
    client.delete(_flag(queue))


def rq_queue(name: str, client: redis.Redis) -> Queue:
    """Return RQ's queue of this name, with the serializer that all of ours use."""
    return Queue(name, connection=client, serializer=JSONSerializer)


class _Ringer(partial[None]):
    """A ring left for after the commit; comparable, so that one transaction rings a queue once."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Ringer) and self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)


def _ring(queue: str) -> None:
    if _bell is not None:
        _bell.ring(queue)


def _flag(queue: str) -> str:
    return f"trunkline:awake:{queue}"
