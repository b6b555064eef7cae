"""A planned caller's telephone: the carrier's handset on a line that may hum, echo, stall or break."""

from __future__ import annotations

import asyncio
from random import Random

from trunkline.kit.audio import FRAME_MS, level, pcm_to_ulaw, ulaw_to_pcm
from trunkline.providers.ports import Voice
from trunkline.simulators.callers.acoustics import Acoustics, sound
from trunkline.simulators.callers.ear_watch import EarWatch
from trunkline.simulators.callers.plan import Line, NoiseKind
from trunkline.simulators.carrier.book import Book
from trunkline.simulators.carrier.people.ear import Ear
from trunkline.simulators.carrier.people.mouth import Mouth
from trunkline.simulators.carrier.people.telephone import Handset
from trunkline.simulators.carrier.stream import SILENT_FRAME, LineDropped

_LOUD = 350
"""Root mean square of what counts as voice on either side; line noise lies far below."""


class CallerHandset(Handset):
    """As every handset, and measuring."""

    def __init__(
        self, *, sid: str, book: Book, ear: Ear, mouth: Mouth, voice: Voice, rng: Random, line: Line
    ) -> None:
        super().__init__(sid=sid, book=book, ear=ear, mouth=mouth, voice=voice, rng=rng)
        self.watch = EarWatch(asyncio.get_running_loop().time)
        self._acoustics = Acoustics(line, seed=rng.randrange(1 << 30))
        self._withheld = 0
        self._dropped = False

    def next_frame(self) -> bytes | None:
        if self._dropped:
            raise LineDropped
        clean = super().next_frame()
        if clean is None or self._withheld:
            self._withheld = max(0, self._withheld - 1)
            self.watch.caller(loud=False)
            return None
        self.watch.caller(loud=level(ulaw_to_pcm(clean)) > _LOUD)
        return self._acoustics.outgoing(clean)

    def next_key(self) -> str | None:
        key = super().next_key()
        if key is not None:
            self.watch.keyed()
        return key

    def hear(self, frame: bytes) -> None:
        super().hear(frame)
        self._acoustics.incoming(frame)
        self.watch.agent(loud=frame != SILENT_FRAME and level(ulaw_to_pcm(frame)) > _LOUD)

    async def make_sound(self, kind: NoiseKind) -> None:
        """Let a sound be heard; return when it is over."""
        self._book.said(self._sid, f"({kind})", muted=self._mouth.muted)
        await self._send(pcm_to_ulaw(sound(kind)))

    def withhold(self, seconds: float) -> None:
        """For so long, let no frame reach the carrier."""
        self._withheld = int(seconds * 1000) // FRAME_MS

    def drop(self) -> None:
        """Break off the line with the next frame."""
        self._dropped = True
