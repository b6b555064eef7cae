"""A party's line while no stream has it: what the carrier itself plays, collects and records.

Owns the pace of 20 ms. What is said while it plays is what the party says; keys are collected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from trunkline.kit.audio import level, ulaw_to_pcm
from trunkline.providers.twilio.wire import FRAME_BYTES
from trunkline.simulators.carrier.stream import SILENT_FRAME, Party

_FRAME_S = 0.02
_SPEECH_LEVEL = 350


class Line:
    """One party's line. `keys` are those pressed since they were last asked for."""

    def __init__(self, party: Party) -> None:
        self._party = party
        self.keys = ""
        self.heard_frames = 0
        """Frames of sound that the party was given."""
        self.speech_s = 0.0
        """Of what was recorded last, how much was speech."""

    async def play(self, audio: bytes, *, until_keys: int = 0) -> None:
        """Play mu-law to its end, or until so many keys were pressed."""
        await self._carry(_frames(audio), until_keys)

    async def wait(self, seconds: float, *, until_keys: int = 0) -> None:
        """Let the party be, in silence."""
        await self._carry(iter([SILENT_FRAME] * round(seconds / _FRAME_S)), until_keys)

    async def record(self, *, longest_s: float, silence_s: float) -> None:
        """Listen to the party until it is silent for this long, or the longest length is reached."""
        self.speech_s, quiet = 0.0, 0
        begun = asyncio.get_running_loop().time()
        for number in range(1, round(longest_s / _FRAME_S) + 1):
            frame = self._party.next_frame() or SILENT_FRAME
            self._party.hear(SILENT_FRAME)
            loud = frame != SILENT_FRAME and level(ulaw_to_pcm(frame)) > _SPEECH_LEVEL
            self.speech_s += _FRAME_S * loud
            quiet = 0 if loud else quiet + 1
            if quiet * _FRAME_S >= silence_s:
                return
            await self._until(begun + number * _FRAME_S)

    async def _carry(self, frames: Iterator[bytes], until_keys: int) -> None:
        begun = asyncio.get_running_loop().time()
        for number, frame in enumerate(frames, 1):
            self._party.next_frame()
            key = self._party.next_key()
            self.keys += key or ""
            if until_keys and len(self.keys) >= until_keys:
                return
            self.heard_frames += frame != SILENT_FRAME
            self._party.hear(frame)
            await self._until(begun + number * _FRAME_S)

    @staticmethod
    async def _until(moment: float) -> None:
        await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))


def _frames(audio: bytes) -> Iterator[bytes]:
    for start in range(0, len(audio), FRAME_BYTES):
        yield audio[start : start + FRAME_BYTES].ljust(FRAME_BYTES, SILENT_FRAME[:1])
