"""Lets a page see what is said in its call while that goes on, beside those who keep it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trunkline.media import BrowserStream, CallEvent, EventSink


def also_told(sink: EventSink, tell: EventSink | None) -> EventSink:
    """Return a sink that tells as well what it passes on; it is no slower than both."""
    if tell is None:
        return sink

    def take(event: CallEvent) -> None:
        sink(event)
        tell(event)

    return take


@asynccontextmanager
async def telling(edge: BrowserStream) -> AsyncIterator[None]:
    """Send what a page is to be told while the block runs."""
    task = asyncio.create_task(edge.tell_on(), name="room-telling")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
