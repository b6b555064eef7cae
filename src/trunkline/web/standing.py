"""Standing tasks: what a process does on its loop for as long as it lives, and what keeps it at it.

A task that ends with an error is logged and begun again; silence is never how one is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from trunkline.core.telemetry import get_logger

_AGAIN_AFTER_S = 1.0

Work = Callable[[], Coroutine[Any, Any, None]]

log = get_logger(__name__)


class StandingTasks:
    """Some tasks that run until they are closed."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    def start(self, name: str, work: Work) -> None:
        """Begin work that is meant never to end, as a task of this name."""
        if self._closed:
            return
        task = asyncio.create_task(work(), name=name)
        self._running[name] = task
        task.add_done_callback(lambda ended: self._begin_again(ended, work))

    async def close(self) -> None:
        """End them all; none is begun again."""
        self._closed = True
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _begin_again(self, ended: asyncio.Task[None], work: Work) -> None:
        if self._closed or ended.cancelled():
            return
        log.error("standing_task_ended", task=ended.get_name(), exc_info=ended.exception())
        asyncio.get_running_loop().call_later(_AGAIN_AFTER_S, self.start, ended.get_name(), work)
