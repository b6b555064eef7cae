"""One connection to Deepgram: opened in the background, written without waiting, kept alive while idle.

Owns the socket, its two tasks and the bound on what waits to be sent. Refuses to know utterances: whoever
holds the line is told results, and once that it is lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from trunkline.providers.deepgram import wire
from trunkline.providers.speech_tape import BYTES_PER_MS

_MOST_WAITING = 30_000 * BYTES_PER_MS
"""Bytes: half a minute of sound that the socket does not take. Then it is stuck."""
_LARGEST_MESSAGE = 256 * 1024
_GOODBYE_S = 1.0


class Holder(Protocol):
    """Whoever has the line."""

    def told(self, result: wire.Result) -> None: ...

    def lost(self, reason: str, *, refused: bool) -> None:
        """The line is gone. Refused: another attempt would end in the same way."""


class Line:
    """A connection. Must be made on the running loop."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str,
        settings: str,
        hints: tuple[str, ...],
        connect_s: float,
        keep_alive_s: float,
        on_gone: Callable[[Line], None],
    ) -> None:
        self.settings = settings
        """What the connection was opened with, but for its hints."""
        self.hints = hints
        self.sent_ms = 0.0
        """How much sound has been sent since the connection began."""
        self.holder: Holder | None = None
        self._url = url
        self._headers = {"Authorization": f"Token {api_key}"}
        self._connect_s = connect_s
        self._keep_alive_s = keep_alive_s
        self._on_gone = on_gone
        self._outbox: deque[str | bytes] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()
        self._reason = ""
        self._refused = False
        self._hung_up = False
        self.task = asyncio.create_task(self._live(), name="deepgram-line")

    def send(self, message: str) -> None:
        """Put a message in line behind the sound before it."""
        self._outbox.append(message)
        self._wake.set()

    def send_sound(self, ulaw: bytes) -> None:
        """Put sound in line."""
        self.sent_ms += len(ulaw) / BYTES_PER_MS
        self._waiting += len(ulaw)
        if self._waiting > _MOST_WAITING:
            self._fail("it takes no sound")
            return
        self._outbox.append(ulaw)
        self._wake.set()

    def hang_up(self) -> None:
        """Say goodbye and close; the holder is told nothing any more."""
        self.holder = None
        self._hung_up = True
        self.send(wire.CLOSE_STREAM)

    async def _live(self) -> None:
        try:
            async with connect(
                self._url,
                additional_headers=self._headers,
                open_timeout=self._connect_s,
                close_timeout=_GOODBYE_S,
                compression=None,
                max_size=_LARGEST_MESSAGE,
                user_agent_header=None,
            ) as socket:
                reading = asyncio.create_task(self._read(socket), name="deepgram-read")
                try:
                    await self._write(socket, reading)
                finally:
                    reading.cancel()
                    await asyncio.wait([reading])
        except InvalidStatus as error:
            answer = error.response
            self._refused = 400 <= answer.status_code < 500
            self._fail(
                f"it refused: {answer.status_code} {(answer.body or b'')[:200].decode(errors='replace')}"
            )
        except (OSError, WebSocketException) as error:
            self._fail(f"no connection: {type(error).__name__} {error}".rstrip())
        finally:
            self._on_gone(self)
            holder, self.holder = self.holder, None
            if holder is not None:
                holder.lost(f"Deepgram: {self._reason or 'closed'}", refused=self._refused)

    async def _write(self, socket: ClientConnection, reading: asyncio.Task[None]) -> None:
        while not reading.done() and not self._reason:
            try:
                async with asyncio.timeout(self._keep_alive_s):
                    await self._wake.wait()
            except TimeoutError:
                await socket.send(wire.KEEP_ALIVE)
                continue
            self._wake.clear()
            while self._outbox:
                message = self._outbox.popleft()
                if isinstance(message, bytes):
                    self._waiting -= len(message)
                await socket.send(message)
            if self._hung_up:
                return

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for message in socket:
                said = wire.read_message(message)
                if isinstance(said, wire.Trouble):
                    self._fail(said.reason)
                elif said is not None and self.holder is not None:
                    self.holder.told(said)
            self._fail("it closed the stream")
        except ValueError:
            self._fail("a message that cannot be read")
        except WebSocketException:
            self._fail(f"it broke off: {socket.close_code} {socket.close_reason}".rstrip())

    def _fail(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._wake.set()
