"""Telephones at the other end of the stand-in's calls: what they do when they ring, and their audio."""

from __future__ import annotations

import enum
from collections import deque

from trunkline.providers.twilio.wire import FRAME_BYTES
from trunkline.simulators.carrier.stream import SILENT_FRAME, LineDropped


class Manner(enum.StrEnum):
    """What somebody does whose telephone rings."""

    ANSWERS = "answers"
    ANSWERS_BRIEFLY = "answers_briefly"
    """Hangs up a second later."""
    ENGAGED = "engaged"
    NEVER_ANSWERS = "never_answers"
    DECLINES = "declines"


class Telephone:
    """One party's end of a call; called every 20 ms by whatever carries its audio."""

    def __init__(self) -> None:
        self._says = bytearray()
        self._keys: deque[str] = deque()
        self._drops = False
        self.heard = bytearray()
        """Mu-law, the silence left out."""
        self.heard_frames = 0
        self.tones = ""
        """Keys that the carrier sent down the line."""

    def say(self, ulaw: bytes) -> None:
        """Say this from now on, behind what is being said."""
        self._says += ulaw

    def press(self, keys: str) -> None:
        """Press keys, one every 20 ms."""
        self._keys.extend(keys)

    def break_off(self) -> None:
        """Let the media socket break off without a word."""
        self._drops = True

    def next_frame(self) -> bytes | None:
        if self._drops:
            raise LineDropped
        frame = bytes(self._says[:FRAME_BYTES])
        del self._says[:FRAME_BYTES]
        return frame + SILENT_FRAME[len(frame) :]

    def next_key(self) -> str | None:
        return self._keys.popleft() if self._keys else None

    def hear(self, frame: bytes) -> None:
        if frame != SILENT_FRAME:
            self.heard += frame
            self.heard_frames += 1
