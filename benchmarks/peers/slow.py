"""An event loop whose time passes more slowly: a busy machine holds calls at a fraction of their pace.

`BENCH_SLOW=4` makes every second take four. What a call costs is then measured as it would be on a machine at
rest; waiting times are not, for a busy machine is late by the same milliseconds all the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import uvloop

SLOW = float(os.environ.get("BENCH_SLOW", "1"))


class SlowLoop(uvloop.Loop):
    """uvloop in slow motion."""

    def time(self) -> float:
        return super().time() / SLOW

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        return super().call_later(delay * SLOW, callback, *args, context=context)

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        return self.call_later(when - self.time(), callback, *args, context=context)


def loop() -> uvloop.Loop:
    """Return a loop for uvicorn: uvloop's own, unless time is to be slow."""
    return uvloop.Loop() if SLOW == 1 else SlowLoop()
