"""The reader: everything that comes in from the wire, each frame accounted for.

Owns the loop over incoming events and the balance `received = forwarded + dropped`, with a
reason for each drop. Audio is handed on as it comes; what may have to wait, keys and the end, goes
through the loop. Refuses to know what the audio means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

from trunkline.kit.audio import BYTES_PER_MS
from trunkline.media.frames import (
    AudioIn,
    BadFrame,
    Digit,
    MarkEchoed,
    PushingWire,
    Wire,
    WireEnded,
    WireEvent,
)


@dataclass(slots=True)
class FramesIn:
    """The account of one call's incoming audio."""

    received: int = 0
    forwarded: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    """Frames not forwarded, by reason."""
    lost_ms: int = 0
    """Audio that the carrier's own timestamps show never reached us."""

    def as_data(self) -> dict[str, Any]:
        return {
            "received": self.received,
            "forwarded": self.forwarded,
            "dropped": dict(self.dropped),
            "lost_ms": self.lost_ms,
        }


class Reader:
    """Pulls events off the wire until it ends, and hands each to the part that wants it.

    `on_audio` answers None for a frame it took, or the reason why it dropped it.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        on_audio: Callable[[bytes], str | None],
        on_digit: Callable[[str], Awaitable[None]],
        on_mark: Callable[[str], None],
    ) -> None:
        self._wire = wire
        self._on_audio = on_audio
        self._on_digit = on_digit
        self._on_mark = on_mark
        self._next_ms = -1
        self._late: asyncio.Queue[Digit | WireEnded | Exception] = asyncio.Queue()
        """Events that were brought and may have to wait."""
        self._over = False
        self.tap: Callable[[AudioIn], None] | None = None
        """Whoever records what comes in, also what is then dropped. Never blocks."""
        self.frames = FramesIn()

    async def run(self) -> str:
        """Read until the wire ends; return why it did."""
        # Whoever brings events does so in its connection's context; what follows of them is this task's: its
        # logs name the call, and whoever is told of its failures is told of these.
        context = copy_context()
        pushed = isinstance(self._wire, PushingWire) and self._wire.listen(
            lambda event: context.run(self._brought, event)
        )
        try:
            while True:
                if not pushed:
                    self._take(await self._wire.receive())
                    if self._late.empty():
                        continue
                event = await self._late.get()
                if isinstance(event, WireEnded):
                    return event.reason
                if isinstance(event, Exception):
                    raise event
                await self._on_digit(event.digit)
        finally:
            # A wire may go on bringing after the call is over.
            self._over = True

    def _brought(self, event: WireEvent) -> None:
        if self._over:
            return
        try:
            self._take(event)
        except Exception as error:  # noqa: BLE001 - whoever brings it is not to blame; it is raised in `run`
            self._late.put_nowait(error)

    def _take(self, event: WireEvent) -> None:
        if isinstance(event, AudioIn):
            self._count(event)
        elif isinstance(event, MarkEchoed):
            self._on_mark(event.name)
        elif isinstance(event, BadFrame):
            self.frames.received += 1
            self._drop(event.reason)
        else:
            self._late.put_nowait(event)

    def _count(self, audio: AudioIn) -> None:
        frames = self.frames
        frames.received += 1
        if self.tap is not None:
            self.tap(audio)
        if audio.timestamp_ms >= 0:
            if 0 <= self._next_ms < audio.timestamp_ms:
                frames.lost_ms += audio.timestamp_ms - self._next_ms
            self._next_ms = audio.timestamp_ms + len(audio.pcm) // BYTES_PER_MS
        refusal: str | None = "ended"
        try:
            refusal = self._on_audio(audio.pcm)
        finally:
            # The call may break over a frame; the account holds even then.
            if refusal is None:
                frames.forwarded += 1
            else:
                self._drop(refusal)

    def _drop(self, reason: str) -> None:
        self.frames.dropped[reason] = self.frames.dropped.get(reason, 0) + 1
