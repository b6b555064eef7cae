"""How late the loop is: the sign that a process holds as many calls as it can, whatever their number.

Owns the measurement, which is a timer that says by how much it came late. What follows from it is the
call room's business.
"""

from __future__ import annotations

import asyncio
from collections import deque

DEFAULT_MOST_LAG_S = 0.25
_EVERY_S = 0.05
_REMEMBERED = 40
"""Measurements that the mean is of: some two seconds, so that one collection of garbage refuses nobody."""


class LoopLag:
    """One loop's lateness in seconds."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=_REMEMBERED)
        self._worst = 0.0

    @property
    def mean_s(self) -> float:
        """Of the last two seconds or so; 0 before the first measurement."""
        return sum(self._recent) / len(self._recent) if self._recent else 0.0

    def take_worst_s(self) -> float:
        """Return the worst since the last time that this was asked."""
        worst, self._worst = self._worst, 0.0
        return worst

    def note(self, late_s: float) -> None:
        """Take a measurement."""
        self._recent.append(late_s)
        self._worst = max(self._worst, late_s)

    async def measure_forever(self) -> None:
        """Measure; the process runs this as one task."""
        now = asyncio.get_running_loop().time
        while True:
            due = now() + _EVERY_S
            await asyncio.sleep(_EVERY_S)
            self.note(max(0.0, now() - due))
