"""A person's ear: when the agent speaks and when it has finished, by energy; what it said, by recognition.

Nothing but audio comes in here. The agent's turn is cut into pieces at pauses, each piece is
recognised while it is spoken, and a longer quiet ends the turn.
"""

from __future__ import annotations

import asyncio
from collections import deque

from trunkline.kit.audio import FRAME_MS, level, ulaw_to_pcm
from trunkline.providers.ports import Grammar, SpeechToText, Transcript, Utterance
from trunkline.simulators.carrier.line_noise import over_line, pcm_frames
from trunkline.simulators.carrier.stream import SILENT_FRAME

_SPEECH_LEVEL = 350
"""Root mean square above which a frame is speech; line noise lies far below."""
_SHORTEST_PIECE_MS = 160
"""What is shorter is a click or the rest of a sentence that was cut."""
_LEAD_MS = 200
"""Quiet before the first loud frame that belongs to the piece: soft consonants."""


class Ear:
    """One call's ear. `hear` takes 20 ms of mu-law each time and returns at once."""

    def __init__(
        self, stt: SpeechToText, *, language: str, grammar: Grammar, piece_gap_ms: int, turn_gap_ms: int
    ) -> None:
        self._stt = stt
        self._language = language
        self._grammar = grammar
        self._piece_gap_ms = piece_gap_ms
        self._turn_gap_ms = turn_gap_ms
        self._noise = pcm_frames()
        self._lead: deque[bytes] = deque(maxlen=_LEAD_MS // FRAME_MS)
        self._piece: Utterance | None = None
        self._voiced_ms = 0
        self._quiet_ms = 0
        self._pieces: list[asyncio.Task[Transcript]] = []
        self._turns: asyncio.Queue[list[asyncio.Task[Transcript]]] = asyncio.Queue()
        self.turn_ms = 0
        """How long the agent has been speaking in its present turn; 0 between turns."""

    def hear(self, frame: bytes) -> None:
        """Take the next 20 ms."""
        silent = frame == SILENT_FRAME
        if silent and self._piece is None and not self._pieces and not self.turn_ms:
            self._lead.append(next(self._noise))
            return
        pcm = next(self._noise) if silent else over_line(ulaw_to_pcm(frame))
        loud = not silent and level(pcm) > _SPEECH_LEVEL
        if loud and self._piece is None:
            self._piece = self._stt.open(language=self._language, grammar=self._grammar)
            self._piece.feed(b"".join(self._lead))
        if self._piece is not None:
            self._piece.feed(pcm)
        self._lead.append(pcm)
        self._count(loud)

    def _count(self, loud: bool) -> None:
        if loud or self.turn_ms:
            self.turn_ms += FRAME_MS
        if loud:
            self._voiced_ms += FRAME_MS
            self._quiet_ms = 0
            return
        self._quiet_ms += FRAME_MS
        if self._piece is not None and self._quiet_ms >= self._piece_gap_ms:
            self._end_piece(self._piece)
        if self._piece is None and self._quiet_ms >= self._turn_gap_ms:
            self.turn_ms = 0
            if self._pieces:
                self._turns.put_nowait(self._pieces)
                self._pieces = []

    def _end_piece(self, piece: Utterance) -> None:
        if self._voiced_ms >= _SHORTEST_PIECE_MS:
            self._pieces.append(asyncio.create_task(piece.finish(), name="ear"))
        else:
            piece.cancel()
        self._piece = None
        self._voiced_ms = 0

    @property
    def has_turn(self) -> bool:
        """True when a finished turn waits to be asked for."""
        return not self._turns.empty()

    async def turn(self) -> list[Transcript]:
        """Wait until the agent has finished and return what was understood, piece by piece.

        Raises SpeechFailed.
        """
        pieces = await self._turns.get()
        return list(await asyncio.gather(*pieces))

    async def rest(self) -> list[Transcript]:
        """Return what has been heard and not been asked for, finished or not. Raises SpeechFailed."""
        if self._piece is not None:
            for _ in range(self._piece_gap_ms // FRAME_MS):
                # Recognition wants the quiet after a last word as well.
                self._piece.feed(next(self._noise))
            self._end_piece(self._piece)
        pieces = [piece for turn in (*self._drained(), self._pieces) for piece in turn]
        self._pieces = []
        return list(await asyncio.gather(*pieces))

    def forget(self) -> None:
        """Drop what has been heard but not yet been asked for: somebody talked over it."""
        if self._piece is not None:
            self._piece.cancel()
            self._piece = None
        for pieces in (self._pieces, *self._drained()):
            for task in pieces:
                task.cancel()
        self._pieces = []
        self._voiced_ms = self.turn_ms = 0

    def _drained(self) -> list[list[asyncio.Task[Transcript]]]:
        return [self._turns.get_nowait() for _ in range(self._turns.qsize())]
