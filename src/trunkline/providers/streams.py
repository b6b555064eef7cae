"""Streams that end when nobody reads on: no provider's answer outlives the turn it was for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def closing(stream: AsyncIterator[Any]) -> AsyncIterator[None]:
    """Close a stream at the end of the block, so that its clean-up happens now and not some day."""
    try:
        yield
    finally:
        aclose = getattr(stream, "aclose", None)
        if aclose is not None:
            await aclose()


async def stop(work: asyncio.Future[Any]) -> None:
    """See a piece of work to its end; what has failed has told so already, or is of no interest now."""
    if not work.done():
        work.cancel()
        await asyncio.wait([work])
    if not work.cancelled():
        work.exception()
