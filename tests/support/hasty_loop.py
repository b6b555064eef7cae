"""An event loop whose time is its own: it stands while the loop works, and hurries while all wait.

For conversations of parts that live in this process: callers, carriers and providers that stand in for real
ones pace their sound by the loop's clock. Nobody sits through it, and a machine that is busy with other
things makes nobody late: what is measured is what the parts do, and not when they are let do it. What a
thread does takes as long as it takes. It refuses to know other processes: nothing hurries them.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from anyio import to_thread

_HASTE = 5
"""How many times as fast time goes while everybody here waits.

What is on its way through a socket is there at once, most often, and never a fifth of any patience late.
"""


class _Hurried(selectors.DefaultSelector):
    loop: HastyLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if ready := super().select(0):
            return ready
        haste = 1 if self.loop.threads else _HASTE
        began = time.monotonic()
        ready = super().select(timeout / haste)
        passed = (time.monotonic() - began) * haste
        # Who was woken late, because others had the processor, is not late.
        self.loop.elapsed += min(passed, timeout) if ready else timeout
        return ready


class HastyLoop(asyncio.SelectorEventLoop):
    """The loop; `time` is its own."""

    def __init__(self) -> None:
        self.elapsed = 1_000.0
        self.threads = 0
        """How many are at work for it."""
        selector = _Hurried()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.elapsed

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        work = super().run_in_executor(executor, func, *args)
        self.threads += 1
        work.add_done_callback(self._is_back)
        return work

    def _is_back(self, _work: object) -> None:
        self.threads -= 1


@contextmanager
def threads_counted() -> Iterator[None]:
    """Have what AnyIO's threads do take as long as it takes, too: an application's endpoints run on them."""
    run_sync = to_thread.run_sync

    async def counted(*args: Any, **options: Any) -> Any:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, HastyLoop):
            return await run_sync(*args, **options)
        loop.threads += 1
        try:
            return await run_sync(*args, **options)
        finally:
            loop.threads -= 1

    to_thread.run_sync = counted
    try:
        yield
    finally:
        to_thread.run_sync = run_sync
