"""The voice of every agent in the call benchmark: a tone that is never silent in any frame."""

from __future__ import annotations

import math
import struct


def tone(ms: int) -> bytes:
    """Return this much of 440 Hz as 16-bit PCM at 8 kHz."""
    samples = (round(6_000 * math.sin(2 * math.pi * 440 * i / 8_000 + 0.7)) for i in range(ms * 8))
    return b"".join(struct.pack("<h", sample) for sample in samples)
