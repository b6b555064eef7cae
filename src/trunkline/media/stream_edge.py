"""What all stream edges share: a stream begins in time or not at all, brings its events, and ends once.

Owns how it stands with a stream: begun, going on, over. Refuses to know what its messages look like; an
edge reads them and says what they mean.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from trunkline.media.frames import SocketClosed, WireEnded, WireEvent

T = TypeVar("T")


class NoStart(Exception):
    """The stream did not introduce itself: too late, gone, or not a stream we can speak to."""


class StreamEdge(ABC):
    """The reading half of a `Wire`, and its end."""

    def __init__(self) -> None:
        self._ended: WireEnded | None = None
        self._closed = False
        self._take: Callable[[WireEvent], None] | None = None

    # --- What an edge says ----------------------------------------------------------------

    @abstractmethod
    async def _next(self) -> WireEvent | None:
        """Wait for a message and translate it; None: it means nothing to a call. Raises SocketClosed."""

    @abstractmethod
    def _subscribe(self) -> bool:
        """Have a socket that brings its messages hand them to `_brought`; False: it does not bring them."""

    @abstractmethod
    async def _hang_up(self) -> None:
        """Close our end of the socket. Raises SocketClosed."""

    # --- What all do ----------------------------------------------------------------------

    @staticmethod
    async def _in_time(beginning: Awaitable[T], timeout_s: float) -> T:
        """Wait for the stream to introduce itself. Raises NoStart."""
        try:
            async with asyncio.timeout(timeout_s):
                return await beginning
        except TimeoutError as error:
            raise NoStart(f"no start message within {timeout_s:g} s") from error
        except SocketClosed as error:
            raise NoStart("the socket closed before its start message") from error

    def listen(self, take: Callable[[WireEvent], None]) -> bool:
        """See `PushingWire.listen`: True where the socket brings its messages."""
        self._take = take
        return self._subscribe()

    def _brought(self, read: Callable[[bytes], WireEvent | None], message: bytes) -> None:
        """Take a message that the socket has brought, and what it ends behind it."""
        if self._ended is None and self._take is not None:
            event = read(message)
            if event is not None:
                self._take(event)
                if self._ended is not None and event is not self._ended:
                    self._take(self._ended)

    def _gone(self) -> None:
        """The socket that brought its messages is gone."""
        if self._ended is None and self._take is not None:
            self._ended = WireEnded("disconnect")
            self._take(self._ended)

    async def receive(self) -> WireEvent:
        """Wait for the next event; see `Wire.receive`."""
        while self._ended is None:
            try:
                event = await self._next()
            except SocketClosed:
                self._ended = WireEnded("disconnect")
                break
            if event is not None:
                return event
        return self._ended

    async def close(self) -> None:
        """Hang up our end. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._hang_up()
        except SocketClosed:
            self._ended = self._ended or WireEnded("disconnect")


def read_object(text: str | bytes, *, longest: int) -> dict[str, Any] | None:
    """Return the object that a message is; None: it is none, or longer than it may be."""
    if len(text) > longest:
        return None
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        # The latter: brackets within brackets, by the thousand.
        return None
    return message if isinstance(message, dict) else None
