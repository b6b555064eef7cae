"""Threads on which a process waits for a carrier, apart from those that answer everybody else.

Endpoints share some forty threads. Were a carrier that has become slow to hold them all, the other
carrier's questions, the API and `/ready` would wait for it too. So whoever speaks to a carrier while a
request waits does it here, a few at a time; the next ones wait for those, and for nobody else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

AT_A_TIME = 16
"""Of each kind of waiting. With replies in 0.2 seconds, 80 answers a second."""

_limiters: RunVar[dict[str, CapacityLimiter]] = RunVar("trunkline_carrier_threads")

T = TypeVar("T")


async def wait_on_own_threads(kind: str, work: Callable[[], T]) -> T:
    """Do work that may wait for a carrier. Equal kinds share their threads; raises what the work does.

    Work that has begun goes on to its end, also where the request is given up.
    """
    limiters = _limiters.get(None)
    if limiters is None:
        limiters = {}
        _limiters.set(limiters)
    limiter = limiters.setdefault(kind, CapacityLimiter(AT_A_TIME))
    return await to_thread.run_sync(work, limiter=limiter)
