"""The telephone in a person's hand: what they say and press goes out, what the agent says comes in.

Owns the audio of one person's end of one call and notes in the book what left it. It is the
stream's `Party`; the mind behind it sees words and turns only.
"""

from __future__ import annotations

import asyncio
from collections import deque
from random import Random

import numpy as np

from trunkline.kit.audio import pcm_to_ulaw
from trunkline.providers.ports import Transcript, Voice
from trunkline.providers.twilio.wire import FRAME_BYTES
from trunkline.simulators.carrier.book import Book
from trunkline.simulators.carrier.line_noise import mulaw_frames
from trunkline.simulators.carrier.people.ear import Ear
from trunkline.simulators.carrier.people.mouth import Mouth
from trunkline.simulators.carrier.stream import SILENT_FRAME

_KEY_GAP_FRAMES = 15
"""300 ms between two keys: a finger has to travel."""
_BEEP_HZ, _BEEP_S = 1000, 0.6


class Handset:
    """Called by the stream every 20 ms, and by the mind whenever it has something to say."""

    def __init__(self, *, sid: str, book: Book, ear: Ear, mouth: Mouth, voice: Voice, rng: Random) -> None:
        self._sid = sid
        self._book = book
        self._ear = ear
        self._mouth = mouth
        self._voice = voice
        self._rng = rng
        self._noise = mulaw_frames()
        self._saying = bytearray()
        self._keys: deque[str | None] = deque()
        self._done = asyncio.Event()
        self.off_hook = asyncio.Event()
        """Set with the first frame: the line is through."""
        self.beeped = asyncio.Event()
        """Set at the end of a machine's beep."""

    # --- The stream's side ---------------------------------------------------------------

    def next_frame(self) -> bytes | None:
        self.off_hook.set()
        if not self._saying:
            self._done.set()
            return SILENT_FRAME if self._mouth.muted else next(self._noise)
        frame = bytes(self._saying[:FRAME_BYTES])
        del self._saying[:FRAME_BYTES]
        return frame + SILENT_FRAME[len(frame) :]

    def next_key(self) -> str | None:
        return self._keys.popleft() if self._keys else None

    def hear(self, frame: bytes) -> None:
        self._ear.hear(frame)

    # --- The mind's side -----------------------------------------------------------------

    @property
    def agent_speaking_ms(self) -> int:
        """How long the agent has been speaking in its present turn; 0 when it is not."""
        return self._ear.turn_ms

    @property
    def agent_has_finished(self) -> bool:
        """True when a turn of the agent waits for `listen`."""
        return self._ear.has_turn

    async def listen(self) -> list[Transcript]:
        """Wait for the agent to finish; return what was understood, piece by piece. Raises SpeechFailed."""
        return await self._ear.turn()

    async def listen_back(self) -> list[Transcript]:
        """Return what else was heard before the line went dead. Raises SpeechFailed."""
        return await self._ear.rest()

    def stop_listening(self) -> None:
        """Forget what the agent has been saying up to now."""
        self._ear.forget()

    async def think(self, least_s: float = 0.1, most_s: float = 0.4) -> None:
        """Wait as long as people do before they answer."""
        await asyncio.sleep(self._rng.uniform(least_s, most_s))

    async def say(self, text: str) -> None:
        """Speak; return when the last word is out. Raises SpeechFailed."""
        self._book.said(self._sid, text, muted=self._mouth.muted)
        await self._send(await self._mouth.utter(text, self._voice))

    async def beep(self) -> None:
        """The tone after a voicemail's greeting."""
        self._book.said(self._sid, "(beep)", muted=self._mouth.muted)
        wave = np.sin(2 * np.pi * _BEEP_HZ * np.arange(int(8000 * _BEEP_S)) / 8000) * 12_000
        tone = pcm_to_ulaw(wave.astype("<i2").tobytes())
        await self._send(SILENT_FRAME * (len(tone) // FRAME_BYTES) if self._mouth.muted else tone)
        self.beeped.set()

    async def press(self, digits: str) -> None:
        """Press keys one after the other; return when the last one is down."""
        muted = self._mouth.muted
        self._book.keyed(self._sid, digits, muted=muted)
        for digit in digits:
            self._keys.extend([None if muted else digit, *[None] * _KEY_GAP_FRAMES])
        await asyncio.sleep(len(digits) * (_KEY_GAP_FRAMES + 1) * 0.02)

    async def _send(self, audio: bytes) -> None:
        self._done.clear()
        self._saying += audio
        await self._done.wait()
