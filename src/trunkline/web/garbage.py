"""When this process collects its garbage: at moments that nobody hears.

A full collection walks every object there is: 80 ms in a process that has loaded what ours loads, and
whoever is speaking meanwhile stutters. So what is there once the process is ready is set aside for
good, young objects are collected as they come, and the old ones at times: soon where no call is held,
and else so rarely and so few that the lead of the transmitters covers it. Ended calls leave cycles
behind; without a full collection now and then they would stay. Knows no call but their number.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

_YOUNG, _MIDDLE = 10_000, 20
"""New objects, and collections of new objects, before the next age is collected as well."""
_NEVER = 1_000_000
_IDLE_S = 5.0
"""How often a process without calls collects, if it has held one since."""
_LONGEST_S = 60.0
"""After this long a process collects whatever it is doing."""


class Garbage:
    """This process's collector, which belongs to its interpreter: one a process."""

    def __init__(self, calls: Callable[[], int]) -> None:
        self._calls = calls
        self._before: tuple[int, int, int] | None = None
        self.collections = 0
        """Full collections of our own."""

    def settle(self) -> None:
        """The process is ready: set aside what there is, and collect old objects by `tend` alone."""
        if self._before is None:
            self._before = gc.get_threshold()
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)

    async def tend(self) -> None:
        """Collect old objects for ever, when it disturbs least."""
        passed_s, held = 0.0, False
        while True:
            await asyncio.sleep(_IDLE_S)
            passed_s += _IDLE_S
            held = held or self._calls() > 0
            if held and (not self._calls() or passed_s >= _LONGEST_S):
                gc.collect()
                self.collections += 1
                passed_s, held = 0.0, self._calls() > 0

    def restore(self) -> None:
        """Leave the interpreter as it was found."""
        if self._before is not None:
            gc.set_threshold(*self._before)
            gc.unfreeze()
            self._before = None
