"""Comfort noise: what the caller hears of an agent that is silent, so that the line does not seem dead.

Owns the level and the sound: soft noise a little darker than white, as loud as suits the noise of the
caller's own line. Refuses to know when it is heard; the transmitter sends it when nothing else plays.

Carriers play digital silence where a media stream sends nothing, and only some mobile networks put noise
of their own in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from trunkline.kit.audio import FRAME_BYTES

_QUIETEST, _LOUDEST = 14.0, 90.0
"""Root mean squares, about -67 and -51 dB of full scale: below nothing is heard, above it is noise."""
_OF_FLOOR = 0.7
"""Under the caller's own noise, not over it."""
_STEP = 2**0.25
"""Levels are so far apart, 1.5 dB: nobody hears the step, and few sounds have to be kept."""
_FRAMES = 211
"""Length of a stretch that is played over and over: longer than an ear remembers noise."""
_DARK = 0.55


class ComfortNoise:
    """One call's comfort noise. `floor` tells the root mean square of the noise on the caller's line."""

    def __init__(self, floor: Callable[[], float]) -> None:
        self._floor = floor
        self._next = 0

    def frame(self) -> bytes:
        """Return the next 20 ms of it."""
        wanted = min(max(self._floor() * _OF_FLOOR, _QUIETEST), _LOUDEST)
        stretch = _stretch(round(np.log(wanted / _QUIETEST) / np.log(_STEP)))
        self._next = (self._next + 1) % _FRAMES
        return stretch[self._next]


@lru_cache(maxsize=16)
def _stretch(steps: int) -> tuple[bytes, ...]:
    """Return the frames of a stretch so many steps above the quietest, the same for every call."""
    white = np.random.default_rng(20).normal(0.0, 1.0, _FRAMES * FRAME_BYTES // 2)
    dark = np.convolve(np.concatenate([white[-1:], white]), [1.0, _DARK], "valid")
    dark *= _QUIETEST * _STEP**steps / np.sqrt(np.mean(dark**2))
    pcm = np.rint(dark).astype("<i2").tobytes()
    return tuple(pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES))
