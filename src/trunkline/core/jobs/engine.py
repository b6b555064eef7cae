"""The engine: RQ's worker, bound to the ledger.

RQ delivers wake-ups; what is run is always a claimed row. When no wake-up comes for a second, and
whenever Redis is away, the worker looks into the ledger by itself, so nothing waits on a lost
message. Jobs run in the worker's own process (RQ's SimpleWorker): a fork for each would cost ten
times the work, and a process that dies is replaced by its supervisor.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import SimpleWorker
from rq.exceptions import DequeueTimeout
from rq.serializers import JSONSerializer
from sqlalchemy.exc import OperationalError

from trunkline.core.jobs import bell
from trunkline.core.jobs.executor import STOP_SIGNAL, Executor
from trunkline.core.jobs.heartbeat import Heartbeat
from trunkline.core.telemetry import get_logger
from trunkline.kit.ids import new_id

_BETWEEN_S = 1.0
"""How long a busy worker goes on before it looks after itself."""
_LISTEN_S = 1
_ANSWER_S = 1.4
"""A Redis that takes longer hangs, and the worker goes on without it. Longer than it is listened to."""

log = get_logger(__name__)

EXIT_COLD = 75
"""Exit status of a worker that was told twice to stop, and left a job undone."""

_engine: WorkerEngine | None = None


def wake_up(queue: str) -> None:
    """RQ's only job: work the ledger in the worker that was woken."""
    if _engine is None:
        raise RuntimeError("a wake-up was delivered to a process that is no worker of ours")
    _engine.heard(queue)


class WorkerEngine:
    """One worker process: listens, claims, works, until told to stop."""

    def __init__(
        self,
        *,
        executor: Executor,
        heartbeat: Heartbeat,
        redis_url: str,
        queues: Sequence[str],
        between: Callable[[], bool] = lambda: True,
    ) -> None:
        """`between` is called every second or so between jobs; False ends the worker as a SIGTERM would."""
        self.executor = executor
        self.stopping = False
        self._heartbeat = heartbeat
        self._between = between
        # A client that waits and tries again by default would keep the worker from the ledger.
        self._redis = redis.Redis.from_url(
            redis_url,
            socket_timeout=_ANSWER_S,
            socket_connect_timeout=_ANSWER_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._queues = tuple(queues)
        self._redis_is_away = False
        self._is_cold = False
        """It was told twice to stop."""

    def run(self) -> None:
        """Work until stopped. First SIGTERM: finish the job in hand; second: drop it, to be run again."""
        global _engine  # noqa: PLW0603 - RQ calls wake_up by path and has no way to pass its worker
        _engine = self
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request_stop)
        # Between jobs there is nothing that could be stopped by force.
        signal.signal(STOP_SIGNAL, signal.SIG_IGN)
        self._heartbeat.start()
        try:
            # What waits already need not wait for a wake-up, or for a second without one.
            self.look()
            while not self.stopping:
                began = time.monotonic()
                self._listen()
                if not self.stopping:
                    self.look()
                if self._redis_is_away:
                    # A Redis that hangs has taken its time already.
                    self._nap(until=began + _LISTEN_S)
        finally:
            self._heartbeat.stop()
            self._redis.close()
        if self._is_cold:
            # RQ's worker, which this may have been raised in, takes it for a failure of its own job.
            raise SystemExit(EXIT_COLD)

    def heard(self, queue: str) -> None:
        """A wake-up came: take its flag down, then work."""
        bell.lower_flag(self._redis, queue)
        self.look()

    def look(self) -> int:
        """Run what is ready in the ledger, rung for or not, until nothing is. Returns how many jobs ran.

        Whatever rang, the queues are looked into in their order.
        """
        ran = 0
        while not self.stopping:
            if not self._between():
                self.stop()
                break
            try:
                just_ran = self.executor.work(seconds=_BETWEEN_S, should_stop=lambda: self.stopping)
            except OperationalError:
                log.warning("ledger_unreachable", exc_info=True)
                break
            if not just_ran:
                break
            ran += just_ran
        return ran

    def stop(self) -> None:
        """Stop in good order: the job in hand is finished, what has not begun goes back."""
        self.stopping = True
        self._heartbeat.stopping()

    def _nap(self, *, until: float) -> None:
        """Do nothing for a while, or until told to stop.

        Not by waiting for an event: a signal's handler that set it could find its lock held by the
        very wait that it interrupted.
        """
        while not self.stopping and time.monotonic() < until:
            time.sleep(0.05)

    def _listen(self) -> None:
        """Let RQ's worker listen; it comes back when told to stop or when Redis is lost."""
        try:
            # Every worker has a name of its own: a replaced one may not collide with the dead.
            name = f"{socket.gethostname()}-{os.getpid()}-{new_id().hex[-8:]}"
            _Listener(self, [bell.rq_queue(q, self._redis) for q in self._queues], self._redis, name).work(
                logging_level="WARNING"
            )
        except redis.RedisError as error:
            if not self._redis_is_away:
                log.warning("redis_unreachable", error=str(error))
            self._redis_is_away = True

    def heard_nothing_amiss(self) -> None:
        """Redis answers."""
        if self._redis_is_away:
            log.info("redis_reachable")
        self._redis_is_away = False

    def _request_stop(self, _signum: int, _frame: FrameType | None) -> None:
        """First signal: finish the job in hand. Second: stop now."""
        if self.stopping:
            self._is_cold = True
            raise SystemExit(EXIT_COLD)
        self.stop()


class _Listener(SimpleWorker):
    """RQ's simple worker, listening for a second at a time so that the ledger is looked at too."""

    def __init__(self, engine: WorkerEngine, queues: list[Any], connection: redis.Redis, name: str) -> None:
        super().__init__(queues, name=name, connection=connection, serializer=JSONSerializer, worker_ttl=60)
        self._ours = engine
        self._server_version: tuple[int, int, int] | None = super().get_redis_server_version()  # type: ignore[no-untyped-call]

    def subscribe(self) -> None:
        """RQ's command channel is a thread of its own and stops jobs by force; the ledger has its own way."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed to."""

    def _set_connection(self, connection: redis.Redis) -> redis.Redis:
        """RQ would wait a minute for a Redis that hangs; ours is configured."""
        return connection

    def _install_signal_handlers(self) -> None:
        """The engine has its own, which hold while RQ is not at work too."""

    def dequeue_job_and_maintain_ttl(
        self, _timeout: int | None, _max_idle_time: int | None = None
    ) -> tuple[Any, Any] | None:
        """Return the next wake-up; between seconds without one, look into the ledger."""
        while not self._ours.stopping:
            self.heartbeat()
            self._ours.heard_nothing_amiss()
            wake_up, trouble = None, None
            try:
                wake_up = self.queue_class.dequeue_any(
                    self._ordered_queues,
                    _LISTEN_S,
                    connection=self.connection,
                    job_class=self.job_class,
                    serializer=self.serializer,
                    death_penalty_class=self.death_penalty_class,
                )
            except DequeueTimeout:
                pass
            except redis.RedisError as error:
                trouble = error
            if wake_up is not None:
                wake_up[0].redis_server_version = self._server_version
                return wake_up
            # Not while an exception is handled, with which the trace of a job that fails now would begin.
            self._ours.look()
            if trouble is not None:
                # Leaving RQ's loop asks Redis again, and may wait again: so the ledger came first.
                raise trouble
        return None
