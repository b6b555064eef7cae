"""A caller's turn that can be heard once more, by another brain than the one that heard it first.

Owns its sound for as long as the turn may have to be answered again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from trunkline.kit.audio import BYTES_PER_MS
from trunkline.providers.ports import SpeechFailed, Transcript, Utterance

_LONGEST_BYTES = 60_000 * BYTES_PER_MS
_RESCUE_S = 4.0
"""How long the words that one brain could not give are waited for from the next."""


class Repeatable:
    """An utterance at a brain's ears, its sound kept. `finished` is told when it is a turn."""

    def __init__(self, inner: Utterance, *, finished: Callable[[Repeatable], None]) -> None:
        self._inner = inner
        self._finished = finished
        self.pcm = bytearray()
        self._is_rescued = asyncio.Event()
        self._rescue: Callable[[], Awaitable[Transcript]] | None = None

    def feed(self, pcm: bytes) -> None:
        self.pcm += pcm
        del self.pcm[: max(0, len(self.pcm) - _LONGEST_BYTES)]
        self._inner.feed(pcm)

    @property
    def text_so_far(self) -> str:
        return self._inner.text_so_far

    async def finish(self) -> Transcript:
        self._finished(self)
        transcript = await self._inner.finish()
        if transcript.later is None:
            return transcript
        first = transcript.later
        return Transcript(transcript.text, transcript.confidence, later=lambda: self._later(first))

    def cancel(self) -> None:
        self._inner.cancel()

    def rescued(self, later: Callable[[], Awaitable[Transcript]]) -> None:
        """Another brain hears it as well: its words may come from there."""
        self._rescue = later
        self._is_rescued.set()

    async def _later(self, first: Callable[[], Awaitable[Transcript]]) -> Transcript:
        try:
            return await first()
        except SpeechFailed:
            try:
                async with asyncio.timeout(_RESCUE_S):
                    await self._is_rescued.wait()
            except TimeoutError:
                pass
            if self._rescue is None:
                raise
            return await self._rescue()
