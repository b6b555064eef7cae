"""What the stream edges of carriers share: JSON text messages with mu-law in base64, in and out.

Owns the beginning of a stream, the reading of its messages and the writing of ours. A carrier's edge says
how it introduces itself, how it names a stream, and how its `media` messages look when written as always.
Refuses to know web frameworks: the call room wraps its socket in the small `Socket` protocol.
"""

from __future__ import annotations

import binascii
import json
import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol, runtime_checkable

from trunkline.kit.audio import pcm_to_ulaw, ulaw_to_pcm
from trunkline.media.frames import AudioIn, BadFrame, Digit, MarkEchoed, WireEnded, WireEvent
from trunkline.media.stream_edge import NoStart, StreamEdge, read_object

LONGEST_MESSAGE = 65_536
"""Characters; a carrier's media messages have about 270."""
_LONGEST_AUDIO = 8_000
"""Bytes, one second: more in one message is no carrier's, and would hold up the other calls of the loop."""
_LONGEST_CALL_MS = 24 * 3_600_000
"""A timestamp beyond it is none: what came after would be placed by it."""
_KEYS = frozenset("0123456789*#ABCD")


class Socket(Protocol):
    """A text WebSocket. All three raise SocketClosed once the other side is gone."""

    async def receive_text(self) -> str: ...

    async def send_text(self, text: str) -> None: ...

    async def close(self) -> None: ...


@runtime_checkable
class PushingSocket(Socket, Protocol):
    """A socket that brings its messages, so that no task has to wake up for each."""

    def listen(self, take: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        """Hand every message, those that wait included, to `take` from now on; `closed` once, at the end.

        `receive_text` is not called any more.
        """
        ...


@dataclass(frozen=True, slots=True)
class StreamStart:
    """A stream's `start` message: whose call this claims to be, before anyone has checked it."""

    stream_sid: str
    call_sid: str
    parameters: Mapping[str, str]
    """What was given for the stream when it was asked for, such as `token`."""
    state: str = ""
    """What the carrier says back of what it was told, where it does."""


class JsonStream(StreamEdge):
    """One carrier's media socket as a `Wire`. Call `start` once, before anything else."""

    STREAM_FIELD: ClassVar[str]
    """How messages name the stream that they belong to."""
    AUDIO_HEAD: ClassVar[re.Pattern[bytes]]
    """What a `media` message begins with, up to its payload; the first group is the timestamp."""
    AUDIO_TAIL: ClassVar[re.Pattern[bytes]]
    """What follows the payload."""

    def __init__(self, socket: Socket) -> None:
        super().__init__()
        self._socket = socket
        self._audio_head = ""
        self._stream = ""
        self.begun: StreamStart | None = None
        """What the stream said of itself; None before."""

    # --- What a carrier's edge says ------------------------------------------------------

    @abstractmethod
    def introduced(self, start: Mapping[str, Any], message: Mapping[str, Any]) -> StreamStart:
        """Read the `start` message, of which `start` is the body. Raises NoStart."""

    @classmethod
    def plain_audio(cls, text: bytes) -> AudioIn | None:
        """Read a `media` message that is written just as always; None: it has to be parsed.

        What is read here a parser reads the same, at four times the cost.
        """
        head = cls.AUDIO_HEAD.match(text)
        if head is None or len(text) > LONGEST_MESSAGE:
            return None
        end = text.find(b'"', head.end())
        if not cls.AUDIO_TAIL.fullmatch(text, end):
            return None
        return _decoded(text[head.end() : end], int(head[1]))

    # --- In ------------------------------------------------------------------------------

    async def start(self, *, timeout_s: float = 5.0) -> StreamStart:
        """Wait for the `start` message and return it. Raises NoStart."""
        self.begun = begun = self._introduce(await self._in_time(self._start_message(), timeout_s))
        return begun

    async def _start_message(self) -> Mapping[str, Any]:
        while True:
            message = read_object(await self._socket.receive_text(), longest=LONGEST_MESSAGE)
            event = message.get("event") if message else None
            if event == "start" and message is not None:
                return message
            if event != "connected":
                raise NoStart(f"the stream began with {event!r} instead of 'start'")

    def _introduce(self, message: Mapping[str, Any]) -> StreamStart:
        start = message.get("start")
        if not isinstance(start, dict):
            raise NoStart("the start message says nothing about the stream")
        begun = self.introduced(start, message)
        if not begun.stream_sid:
            raise NoStart(f"the start message has no {self.STREAM_FIELD}")
        self._stream = f'"{self.STREAM_FIELD}":{json.dumps(begun.stream_sid)}'
        self._audio_head = f'{{"event":"media",{self._stream},"media":{{"payload":"'
        return begun

    def _subscribe(self) -> bool:
        if not isinstance(self._socket, PushingSocket):
            return False
        self._socket.listen(partial(self._brought, self._message), self._gone)
        return True

    async def _next(self) -> WireEvent | None:
        return self._event(await self._socket.receive_text())

    def _message(self, text: bytes) -> WireEvent | None:
        return self.plain_audio(text) or self._event(text)

    def _event(self, text: str | bytes) -> WireEvent | None:
        """Translate one message; None for those that mean nothing to a call."""
        message = read_object(text, longest=LONGEST_MESSAGE)
        if message is None:
            return BadFrame("malformed")
        kind = message.get("event")
        body = message.get(kind) if isinstance(kind, str) else None
        if kind == "media":
            return _audio(body)
        if kind in {"mark", "dtmf"} and isinstance(body, dict):
            return MarkEchoed(str(body.get("name", ""))) if kind == "mark" else _key(body.get("digit"))
        if kind == "stop":
            self._ended = WireEnded("stop")
            return self._ended
        return BadFrame("carrier_error") if kind == "error" else None

    # --- Out -----------------------------------------------------------------------------

    async def send_audio(self, pcm: bytes) -> None:
        payload = binascii.b2a_base64(pcm_to_ulaw(pcm), newline=False).decode("ascii")
        await self._socket.send_text(f'{self._audio_head}{payload}"}}}}')

    async def send_mark(self, name: str) -> None:
        await self._socket.send_text(
            f'{{"event":"mark",{self._stream},"mark":{{"name":{json.dumps(name)}}}}}'
        )

    async def send_clear(self) -> None:
        await self._socket.send_text(f'{{"event":"clear",{self._stream}}}')

    async def _hang_up(self) -> None:
        await self._socket.close()


def text_map(value: object) -> dict[str, str]:
    """Return an object's entries as text; of what is no object, none."""
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _decoded(payload: bytes, timestamp_ms: int) -> AudioIn | None:
    """Return the audio of a payload in base64; None: there is none in it that is well-formed, or too much."""
    try:
        ulaw = binascii.a2b_base64(payload, strict_mode=True)
    except ValueError:
        return None
    if not ulaw or len(ulaw) > _LONGEST_AUDIO:
        return None
    return AudioIn(ulaw_to_pcm(ulaw), _believed(timestamp_ms))


def _believed(timestamp_ms: int) -> int:
    """Return a timestamp if a call can be so long, else that there is none."""
    return timestamp_ms if 0 <= timestamp_ms <= _LONGEST_CALL_MS else -1


def _key(key: Any) -> WireEvent:
    return Digit(key) if isinstance(key, str) and key in _KEYS else BadFrame("no_key")


def _audio(body: Any) -> WireEvent:
    """Read the body of a `media` message. Its numbers arrive as strings."""
    if not isinstance(body, dict):
        return BadFrame("malformed")
    if body.get("track", "inbound") != "inbound":
        return BadFrame("other_track")
    try:
        ulaw = binascii.a2b_base64(body["payload"], strict_mode=True)
        timestamp_ms = int(body.get("timestamp", -1))
    except (KeyError, TypeError, ValueError, OverflowError):
        return BadFrame("malformed")
    if not ulaw:
        return BadFrame("empty")
    if len(ulaw) > _LONGEST_AUDIO:
        return BadFrame("too_long")
    return AudioIn(ulaw_to_pcm(ulaw), _believed(timestamp_ms))
