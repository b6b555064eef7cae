"""Handlers: plain functions marked `@job`, and the context that each receives first."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from trunkline.core.db import SYSTEM, Scope, of_business, unit_of_work

RESERVED_NAMES = frozenset(
    {
        "queue", "func", "business_id", "run_id", "job_id", "ttl", "timeout", "retry", "dedup_key", "run_in",
        "args", "kwargs",
    }
)  # fmt: skip
"""Names of `enqueue_job`'s own parameters, which a handler's may not bear."""


_OURS = "id = :id and lease_epoch = :epoch and lease_owner = :owner and state = 'running'"

# Who is frozen between this and the commit may not keep the row from the sweeper.
_HOLD = text(
    f"select id, set_config('idle_in_transaction_session_timeout', '5s', true) "
    f"from jobs where {_OURS} for share"
)

_FINISH = text(
    f"update jobs set state = 'succeeded', attempt = :attempt, finished_at = clock_timestamp(), "
    f"lease_expires_at = null where {_OURS} "
    f"returning id, set_config('idle_in_transaction_session_timeout', '5s', true)"
)

_PROGRESS = text(f"update jobs set progress_done = :done, progress_total = :total where {_OURS}")

_ASKED = text(f"select cancel_requested_at is not null from jobs where {_OURS}")


class JobCancelled(Exception):
    """The job was told to stop, or its lease went to another worker; whatever it held is let go."""


class TryLater(Exception):
    """The job asks to be run again after a while; that it ran does not count as an attempt."""

    def __init__(self, delay_s: float) -> None:
        super().__init__(f"again in {delay_s:g} s")
        self.delay_s = delay_s


class JobTimedOut(Exception):
    """The job took longer than its timeout."""


@dataclass(slots=True)
class JobContext:
    """What a handler knows about itself."""

    job_id: UUID
    business_id: UUID | None
    run_id: UUID | None
    trace_id: str
    attempt: int
    lease_owner: str
    lease_epoch: int
    deadline: float = math.inf
    """When the job's time is up, on the monotonic clock."""
    lease_lost: bool = False
    """Set by the heartbeat when another worker has the row."""
    finished: bool = False
    """The job was ended by a transaction of its own."""

    @property
    def scope(self) -> Scope:
        """The business's scope, or the system's."""
        return SYSTEM if self.business_id is None else of_business(self.business_id)

    @property
    def business(self) -> UUID:
        """The business. Raises RuntimeError in a system job, which has none."""
        if self.business_id is None:
            raise RuntimeError("a system job has no business")
        return self.business_id

    @contextmanager
    def unit_of_work(self, *, finishes: bool = False) -> Iterator[Session]:
        """Open a transaction in the job's scope; it commits only while the job's lease is ours.

        Its statements end when the job's time does. Raises JobCancelled where the lease is lost: the
        row is locked for the moment of the commit, so whoever takes it over begins after that.

        `finishes` ends the job in the same transaction: what it writes and that it is done are one
        commit, so that no crash makes it happen twice. The handler writes nothing after that.
        """
        with unit_of_work(self.scope) as session:
            if self.deadline < math.inf:
                left_ms = max(1, int((self.deadline - time.monotonic()) * 1_000))
                session.execute(text(f"set local statement_timeout = {left_ms}"))
            yield session
            ends = {**self._lease, "attempt": self.attempt} if finishes else self._lease
            held = session.execute(_FINISH if finishes else _HOLD, ends).one_or_none()
            if held is None:
                raise JobCancelled("the lease was lost")
        self.finished = self.finished or finishes

    def progress(self, done: int, total: int) -> None:
        """Record how far the job is. Raises JobCancelled when it is to stop."""
        with unit_of_work(self.scope) as session:
            session.execute(_PROGRESS, {**self._lease, "done": done, "total": total})
        self.check_cancelled()

    def check_cancelled(self) -> None:
        """Stop here if someone asked for it, or if the lease is lost. Raises JobCancelled."""
        asked: bool | None = None
        if not self.lease_lost:
            with unit_of_work(self.scope) as session:
                asked = session.execute(_ASKED, self._lease).scalar_one_or_none()
        if asked is None:
            raise JobCancelled("the lease was lost")
        if asked:
            raise JobCancelled("cancelled on request")

    @property
    def _lease(self) -> dict[str, Any]:
        """What proves that the row is ours: a claim of the same number by another worker is not ours."""
        return {"id": self.job_id, "epoch": self.lease_epoch, "owner": self.lease_owner}


@dataclass(frozen=True, slots=True)
class Handler:
    """A registered handler and its defaults."""

    name: str
    function: Callable[..., None]
    queue: str
    timeout_s: float
    max_attempts: int
    backoff_s: float


_handlers: dict[str, Handler] = {}


def job(
    *, queue: str, timeout: float, retries: int = 3, backoff: float = 2.0
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a job under its own name.

    `timeout` and `backoff` are seconds; `retries` counts attempts in all. The wait before attempt
    n + 1 is `backoff * 2 ** (n - 1)`, with jitter. Raises TypeError for a function whose parameters
    do not begin with the context, or bear a reserved name.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        names = list(inspect.signature(function).parameters)
        if not names or names[0] != "ctx":
            raise TypeError(f"{function.__name__}: the first parameter of a job is its context, ctx")
        if reserved := RESERVED_NAMES.intersection(names):
            raise TypeError(
                f"{function.__name__}: {', '.join(sorted(reserved))} belongs to the queue; use another name"
            )
        name = function.__name__
        if name in _handlers and _handlers[name].function is not function:
            raise TypeError(f"two jobs are called {name}")
        _handlers[name] = Handler(name, function, queue, timeout, retries, backoff)
        return function

    return register


def handler_named(name: str) -> Handler:
    """Return the handler of this name. Raises KeyError that names it."""
    return _handlers[name]


def find_handler(name: str) -> Handler | None:
    """Return the handler of this name, if this version has one."""
    return _handlers.get(name)


def handler_names() -> tuple[str, ...]:
    """Return the names of all registered handlers."""
    return tuple(sorted(_handlers))
