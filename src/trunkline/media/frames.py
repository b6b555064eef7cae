"""What crosses the wire of a live call, in our own words: audio, keys, marks and the end.

Owns the events that a stream edge hands inwards and the `Wire` protocol that the call speaks
outwards. Knows no carrier's message format and no transport.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


class SocketClosed(Exception):
    """The other side is gone: nothing can be sent or received any more."""


@dataclass(slots=True)
class AudioIn:
    """A stretch of the caller's voice, PCM; as a rule 20 ms."""

    pcm: bytes
    timestamp_ms: int = -1
    """Where the carrier puts it in the stream's time; -1 where it does not say."""


@dataclass(slots=True)
class BadFrame:
    """A message that could not be used, and why; counted, never silently lost."""

    reason: str


@dataclass(slots=True)
class Digit:
    """One key of the caller's keypad: 0-9, * or #."""

    digit: str


@dataclass(slots=True)
class MarkEchoed:
    """A mark of ours came back: played out, or flushed by a `clear`. The wire cannot tell which."""

    name: str


@dataclass(slots=True)
class WireEnded:
    """Nothing more will come. `reason` is `stop` (said so) or `disconnect` (socket gone)."""

    reason: str


WireEvent = AudioIn | BadFrame | Digit | MarkEchoed | WireEnded


class Wire(Protocol):
    """One call's two-way audio. Every `send_*` hands over in call order and raises SocketClosed."""

    async def receive(self) -> WireEvent:
        """Wait for what comes next. Never raises: the end is an event, repeated for ever."""
        ...

    async def send_audio(self, pcm: bytes) -> None:
        """Append PCM to what the caller will hear."""
        ...

    async def send_mark(self, name: str) -> None:
        """Ask for an echo once everything sent so far has been played."""
        ...

    async def send_clear(self) -> None:
        """Throw away what has been sent and not played; pending marks come back at once."""
        ...

    async def close(self) -> None:
        """Hang up our end. Safe to call twice."""
        ...


@runtime_checkable
class PushingWire(Wire, Protocol):
    """A wire that can bring its events itself, so that nobody has to wait for each."""

    def listen(self, take: Callable[[WireEvent], None]) -> bool:
        """Hand every event to `take` from now on, WireEnded last. False: this one has to be asked."""
        ...
