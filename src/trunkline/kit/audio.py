"""Telephone audio in C speed: mu-law to and from PCM, and how loud a stretch is.

PCM is signed 16 bit little endian, mono, 8 kHz. Owns the one import of `audioop`, which the
standard library dropped in Python 3.13 and `audioop-lts` carries on under the same name.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="'audioop' is deprecated", category=DeprecationWarning)
    import audioop

SAMPLE_BYTES = 2
BYTES_PER_MS = 16
"""Bytes of PCM in one millisecond."""
FRAME_MS = 20
"""Telephone audio travels in frames of this length."""
FRAME_BYTES = FRAME_MS * BYTES_PER_MS
MUSIC_S = 8
"""Seconds of one turn of the music that waiting callers hear; `tones` makes it."""


def ulaw_to_pcm(ulaw: bytes) -> bytes:
    """Expand mu-law, one byte a sample, to PCM."""
    return audioop.ulaw2lin(ulaw, SAMPLE_BYTES)


def pcm_to_ulaw(pcm: bytes) -> bytes:
    """Compress PCM to mu-law, one byte a sample. Raises `audioop.error` on half a sample."""
    return audioop.lin2ulaw(pcm, SAMPLE_BYTES)


def level(pcm: bytes) -> int:
    """Return the root mean square of the samples: 0 for digital silence, 32768 at most."""
    return audioop.rms(pcm, SAMPLE_BYTES)


def add(one: bytes, other: bytes) -> bytes:
    """Mix two stretches of PCM of the same length; what is too loud is clipped."""
    return audioop.add(one, other, SAMPLE_BYTES)
