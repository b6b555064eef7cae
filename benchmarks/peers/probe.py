"""How long a loop does not come to its turn: asks to be woken every millisecond and notes how late it is."""

from __future__ import annotations

import asyncio
import time

_EVERY_S = 0.001


class Probe:
    """Notes the longest delays of the running loop. It costs processor time, so it runs on request."""

    def __init__(self) -> None:
        self._late_ms: list[float] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        while True:
            due = time.perf_counter() + _EVERY_S
            await asyncio.sleep(_EVERY_S)
            self._late_ms.append((time.perf_counter() - due) * 1000)

    def longest(self, count: int) -> list[float]:
        """Return this many of the longest delays, in milliseconds."""
        return [round(late, 1) for late in sorted(self._late_ms)[-count:]]
