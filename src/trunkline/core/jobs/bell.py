"""The bell: tells RQ that a queue has work. It may fail; the ledger does not mind.

Wake-ups are for a queue and coalesce: while one is waiting to be heard, another is not sent. The
flag that says so is taken down before the woken worker looks, so a row committed after that look
rings again. The client gives up after 40 ms and then leaves Redis alone for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

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

log = get_logger(__name__)


class Bell:
    """One process's way to ring, with its circuit breaker."""

    def __init__(self, redis_url: str) -> None:
        self._client = redis.Redis.from_url(
            redis_url,
            socket_timeout=0.04,
            socket_connect_timeout=0.04,
            retry=Retry(NoBackoff(), 0),
        )
        self._silent_until = 0.0

    def ring(self, queue: str) -> bool:
        """Wake a worker of this queue. Returns whether Redis took the message."""
        if time.monotonic() < self._silent_until:
            return False
        try:
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
            return bool(self._client.ping())
        except redis.RedisError:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


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
