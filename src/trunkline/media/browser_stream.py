"""The wire edge for a browser: our own small protocol, which docs/reference/browser-calls.md writes down.

Owns the message format and what a page may not send; everything further in sees PCM and `frames`. A
carrier is trusted to send at the pace of speech, a page is not: audio is bound to the clock, and whoever
goes on sending what cannot be used is cut off. Refuses to know web frameworks.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol, runtime_checkable

from trunkline.kit.audio import BYTES_PER_MS, SAMPLE_BYTES, pcm_to_ulaw, ulaw_to_pcm
from trunkline.media.frames import (
    AudioIn,
    BadFrame,
    Digit,
    MarkEchoed,
    SocketClosed,
    WireEnded,
    WireEvent,
)
from trunkline.media.scribe import CallEvent, EventKind
from trunkline.media.stream_edge import NoStart, StreamEdge, read_object

RATE = 8_000
"""Samples a second, both ways: the telephone's, which the whole media path has."""
ENCODINGS = ("pcm16", "mulaw")
HEAD_BYTES = 4
"""Before a frame's audio: where it stands in the stream's time, milliseconds, unsigned little endian."""
LONGEST_TEXT = 1_000
"""Characters of a message; the longest of a page of ours has 60."""
SHORTEST_MS, LONGEST_MS = 10, 200
"""Of a frame; the page sends 20."""
MOST_AHEAD_MS = 10_000
"""So far may the stream's time be before the clock: a stalled network gives all that it held at once."""
MOST_UNUSABLE = 50
"""Messages that cannot be used, after which the call is ended."""
_TOLD = {
    EventKind.AGENT_SAID: ("turn", "text", "heard_text", "interrupted", "heard_ms"),
    EventKind.CALLER_SAID: ("text", "confidence", "kind"),
    EventKind.DIGITS: ("digits",),
    EventKind.TOOL_USED: ("name", "ok", "ms"),
    EventKind.LATENCY: (
        "turn", "greeting_ms", "endpoint_ms", "transcript_ms", "first_token_ms", "first_audio_ms",
        "on_the_wire_ms", "reply_ms",
    ),
    EventKind.TROUBLE: ("what",),
}  # fmt: skip
"""What the page is told of the conversation while it goes on, by kind."""
_MOST_UNTOLD = 200
"""Of these, while the page does not read; older ones are left out then, and stand in the call's record."""
_KEYS = frozenset("0123456789*#")
_KEY_APART_S = 0.03
"""Nobody presses two keys closer together."""


class BrowserSocket(Protocol):
    """A WebSocket of texts and bytes. All four raise SocketClosed once the other side is gone."""

    async def receive(self) -> str | bytes: ...

    async def send_text(self, text: str) -> None: ...

    async def send_bytes(self, data: bytes) -> None: ...

    async def close(self) -> None: ...


@runtime_checkable
class PushingBrowserSocket(BrowserSocket, Protocol):
    """A socket that brings its messages, so that no task has to wake up for each."""

    def listen(
        self,
        take_text: Callable[[bytes], None],
        take_bytes: Callable[[bytes], None],
        closed: Callable[[], None],
    ) -> None:
        """Hand over every message, those that wait included, from now on; `closed` once, at the end."""
        ...


class BrowserStream(StreamEdge):
    """One browser's socket as a `Wire`. Call `start` once, then `welcome`, before anything else."""

    def __init__(self, socket: BrowserSocket) -> None:
        super().__init__()
        self._socket = socket
        self._now = asyncio.get_running_loop().time
        self._began = 0.0
        self._mulaw = False
        self._last_word = '{"event":"end"}'
        self._next_ms = 0
        self._marks: set[str] = set()
        """Asked for and not told of yet."""
        self._key_at = -_KEY_APART_S
        self._unusable = 0
        self._untold: deque[str] = deque(maxlen=_MOST_UNTOLD)
        self._news = asyncio.Event()

    async def start(self, *, timeout_s: float = 5.0) -> None:
        """Wait for the `start` message. Raises NoStart."""
        first = await self._in_time(self._socket.receive(), timeout_s)
        message = read_object(first, longest=LONGEST_TEXT) if isinstance(first, str) else None
        if message is None or message.get("event") != "start":
            raise NoStart("the first message is not a start message")
        encoding, rate = message.get("encoding"), message.get("rate")
        if encoding not in ENCODINGS or rate != RATE:
            raise NoStart(f"the stream is {encoding!r} at {rate!r} Hz, not pcm16 or mulaw at {RATE}")
        self._mulaw = encoding == "mulaw"
        self._began = self._now()

    async def welcome(self) -> None:
        """Say that the call begins. That the browser is gone by then, the call finds out by itself."""
        with suppress(SocketClosed):
            await self._socket.send_text('{"event":"started"}')

    async def refuse(self, code: str, message: str) -> None:
        """Close the socket, saying why there is no call, or no longer one."""
        self._last_word = json.dumps({"event": "refused", "code": code, "message": message})
        await self.close()

    # --- In -------------------------------------------------------------------------------

    def _subscribe(self) -> bool:
        if not isinstance(self._socket, PushingBrowserSocket):
            return False
        self._socket.listen(
            partial(self._brought, lambda text: self._checked(self._text(text))),
            partial(self._brought, lambda data: self._checked(self._audio(data))),
            self._gone,
        )
        return True

    async def _next(self) -> WireEvent:
        message = await self._socket.receive()
        return self._checked(self._text(message) if isinstance(message, str) else self._audio(message))

    def _checked(self, event: WireEvent) -> WireEvent:
        """Count what cannot be used; too much of it ends the call behind this event."""
        if isinstance(event, BadFrame):
            self._unusable += 1
            if self._unusable >= MOST_UNUSABLE:
                self._last_word = json.dumps(
                    {
                        "event": "refused",
                        "code": "unusable",
                        "message": f"{MOST_UNUSABLE} messages could not be used; the last: {event.reason}.",
                    }
                )
                self._ended = WireEnded("disconnect")
        return event

    def _text(self, text: str | bytes) -> WireEvent:
        message = read_object(text, longest=LONGEST_TEXT)
        if message is None:
            return BadFrame("malformed")
        kind = message.get("event")
        if kind == "mark":
            return self._mark(message.get("name"))
        if kind == "digit":
            return self._digit(message.get("digit"))
        if kind == "stop":
            self._ended = WireEnded("stop")
            return self._ended
        return BadFrame("unexpected")

    def _mark(self, name: object) -> WireEvent:
        # One that was never asked for, or comes twice, is no proof of anything.
        if not isinstance(name, str) or name not in self._marks:
            return BadFrame("unknown_mark")
        self._marks.discard(name)
        return MarkEchoed(name)

    def _digit(self, key: object) -> WireEvent:
        if not isinstance(key, str) or key not in _KEYS:
            return BadFrame("no_key")
        now = self._now()
        if now - self._key_at < _KEY_APART_S:
            return BadFrame("too_fast")
        self._key_at = now
        return Digit(key)

    def _audio(self, data: bytes) -> WireEvent:
        """Read a frame. Its time never goes back, and is bound to the clock: so is how much can come."""
        audio = data[HEAD_BYTES:]
        if not audio or (len(audio) % SAMPLE_BYTES and not self._mulaw):
            return BadFrame("malformed")
        length_ms = len(audio) * (SAMPLE_BYTES if self._mulaw else 1) / BYTES_PER_MS
        if length_ms < SHORTEST_MS:
            return BadFrame("too_short")
        if length_ms > LONGEST_MS:
            return BadFrame("too_long")
        at_ms = int.from_bytes(data[:HEAD_BYTES], "little")
        if at_ms < self._next_ms:
            return BadFrame("out_of_order")
        if at_ms > (self._now() - self._began) * 1_000 + MOST_AHEAD_MS:
            return BadFrame("too_fast")
        self._next_ms = at_ms + int(length_ms)
        return AudioIn(ulaw_to_pcm(audio) if self._mulaw else audio, at_ms)

    # --- Out ------------------------------------------------------------------------------

    async def send_audio(self, pcm: bytes) -> None:
        await self._socket.send_bytes(pcm_to_ulaw(pcm) if self._mulaw else pcm)

    async def send_mark(self, name: str) -> None:
        self._marks.add(name)
        await self._socket.send_text(f'{{"event":"mark","name":{json.dumps(name)}}}')

    async def send_clear(self) -> None:
        await self._socket.send_text('{"event":"clear"}')

    def tell(self, event: CallEvent) -> None:
        """Have the page shown what happened in the call, once `tell_on` comes to it. Never waits."""
        fields = _TOLD.get(event.kind)
        if fields is not None:
            data = {name: event.data[name] for name in fields if name in event.data}
            told = {"event": "told", "sequence": event.sequence, "kind": event.kind.value, "data": data}
            self._untold.append(json.dumps(told))
            self._news.set()

    async def tell_on(self) -> None:
        """Send what is to be told, until the socket is gone. The call goes on without it."""
        with suppress(SocketClosed):
            while True:
                await self._news.wait()
                self._news.clear()
                await self._send_untold()

    async def _send_untold(self) -> None:
        while self._untold:
            await self._socket.send_text(self._untold.popleft())

    async def _hang_up(self) -> None:
        await self._send_untold()
        await self._socket.send_text(self._last_word)
        await self._socket.close()
