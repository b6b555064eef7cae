"""How long a loop is at work on other things: is woken every millisecond and notes what was done before.

Counted is the thread's processor time, so that what others do on the machine does not count.
"""

from __future__ import annotations

import asyncio
import time

_EVERY_S = 0.001


class Probe:
    """Notes the longest stretches of work of the running loop. It costs time itself: it runs on request."""

    def __init__(self) -> None:
        self._work_ms: list[float] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(_EVERY_S)
            self._work_ms.append((time.thread_time() - before) * 1000)

    def longest(self, count: int) -> list[float]:
        """Return this many of the longest stretches, in milliseconds."""
        return [round(work, 1) for work in sorted(self._work_ms)[-count:]]
