"""Loudness: one voice as loud as another, gently.

Owns the level of speech and the gain that brings it to a target. Silence is no speech: it changes nothing, so
breath and line noise are not pumped up between words. PCM is signed 16 bit little endian, mono, 8 kHz.
"""

from __future__ import annotations

import numpy as np

from trunkline.kit.audio import FRAME_BYTES, FRAME_MS, SAMPLE_BYTES, level

TARGET = 3_000
"""Root mean square of speech, about -21 dB of full scale."""

_SPEECH = 150
"""Below this level nothing is speech."""
_PART_OF_SPEECH = 0.25
"""A frame quieter than this part of the voice is a pause of it."""
_MEMORY_MS = 1_000.0
"""How much speech the measured level looks back on."""
_QUIETEST_GAIN, _LOUDEST_GAIN = 0.35, 2.8
"""Nine decibels either way; a voice further off is a fault that should be heard."""
_AT_REST = 1.19
"""Within this factor, 1.5 dB, of the target nothing is changed."""
_STEP = 10 ** (6.0 / 20 * FRAME_MS / 1_000)
"""The gain moves by 6 dB in a second of speech at most."""
_CEILING = 30_000.0
"""A peak would clip above; there the gain yields at once."""


class Leveller:
    """The gain of one voice. It outlives the sentences, so that the second one begins where it should be."""

    def __init__(self) -> None:
        self.gain = 1.0
        self._power = 0.0
        self._heard_ms = 0.0

    def feed(self, pcm: bytes) -> bytes:
        """Return the same stretch of whole samples, louder or quieter."""
        return b"".join(
            self._frame(pcm[start : start + FRAME_BYTES]) for start in range(0, len(pcm), FRAME_BYTES)
        )

    def _frame(self, pcm: bytes) -> bytes:
        before = self.gain
        loud = level(pcm)
        if loud >= max(_SPEECH, _PART_OF_SPEECH * self._power**0.5):
            self._listen(loud, FRAME_MS * len(pcm) / FRAME_BYTES)
            self._move()
        if before == self.gain == 1.0:
            return pcm
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        peak = float(np.abs(samples).max(initial=1.0))
        self.gain = min(self.gain, max(_QUIETEST_GAIN, _CEILING / peak))
        ramp = np.linspace(before, self.gain, len(pcm) // SAMPLE_BYTES, dtype=np.float32)
        made: bytes = np.clip(np.rint(samples * ramp), -32768, 32767).astype("<i2").tobytes()
        return made

    def _listen(self, loud: int, length_ms: float) -> None:
        self._heard_ms = min(self._heard_ms + length_ms, _MEMORY_MS)
        self._power += (loud**2 - self._power) * length_ms / self._heard_ms

    def _move(self) -> None:
        wanted = min(max(TARGET / self._power**0.5, _QUIETEST_GAIN), _LOUDEST_GAIN)
        off = wanted / self.gain
        if max(off, 1 / off) > _AT_REST:
            self.gain *= min(max(off, 1 / _STEP), _STEP)
