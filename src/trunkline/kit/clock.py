"""The wall clock, as something that tests can move.

Everything that asks for the time of day asks here. Monotonic time for pacing audio stays with
the event loop, and lease arithmetic with PostgreSQL, whose clock all workers share.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_frozen: ContextVar[datetime | None] = ContextVar("trunkline_frozen_clock", default=None)


def now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return _frozen.get() or datetime.now(UTC)


def frozen() -> datetime | None:
    """Return the instant at which a test holds the clock, or None. For SQL that else asks PostgreSQL."""
    return _frozen.get()


@contextmanager
def frozen_at(instant: datetime) -> Iterator[None]:
    """Hold the clock still at an aware instant; for tests and simulations."""
    if instant.tzinfo is None:
        raise ValueError("the clock is frozen at aware instants only")
    token = _frozen.set(instant.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)
