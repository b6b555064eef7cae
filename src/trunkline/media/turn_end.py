"""A model's word on whether the caller's turn is over, asked once a pause and off the critical path.

Owns the audio that the model needs and the question under way. Refuses to decide: an answer is evidence for
`endpointing`, and one that comes after the caller has gone on is dropped.
"""

from __future__ import annotations

import asyncio
from typing import Any

from trunkline.kit.audio import BYTES_PER_MS
from trunkline.media.speaker import Spawn
from trunkline.providers.ports import EndOfTurn

_LONGEST_MS = 8_000
"""Of a turn, models look at this much, counted from its end."""


class TurnEnd:
    """One call's use of the model; without a model it does nothing."""

    def __init__(self, model: EndOfTurn | None, *, ask_ms: int, spawn: Spawn) -> None:
        self._model = model
        self._ask_ms = ask_ms
        self._spawn = spawn
        self._audio = bytearray()
        self._asking: asyncio.Task[Any] | None = None
        self._over: float | None = None

    def feed(self, pcm: bytes) -> None:
        """Take a frame of the caller, in a turn or before one."""
        if self._model is not None:
            self._audio += pcm
            if len(self._audio) > 2 * _LONGEST_MS * BYTES_PER_MS:
                del self._audio[: -_LONGEST_MS * BYTES_PER_MS]

    def begin(self, before_ms: int = 500) -> None:
        """A turn begins; what came shortly before belongs to it."""
        self._forget()
        del self._audio[: -before_ms * BYTES_PER_MS]

    def hear(self, *, silent_ms: int) -> float | None:
        """Return how likely the turn is over, as far as known, after this much silence in it."""
        if self._model is None:
            return None
        if not silent_ms:
            self._forget()
        elif silent_ms >= self._ask_ms and self._asking is None:
            audio = bytes(self._audio[-_LONGEST_MS * BYTES_PER_MS :])
            self._asking = self._spawn("turn-end", self._ask(self._model, audio))
        return self._over

    async def _ask(self, model: EndOfTurn, audio: bytes) -> None:
        self._over = await model.over(audio)

    def _forget(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        self._over = None
