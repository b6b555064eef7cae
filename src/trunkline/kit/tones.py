"""Tones of the telephone: keys (ITU-T Q.23) and the chord that waiting callers hear, as PCM at 8 kHz.

Pure: numbers in, samples out, made once and kept.
"""

from __future__ import annotations

import io
import wave
from functools import lru_cache

import numpy as np

from trunkline.kit.audio import MUSIC_S

_RATE = 8000
_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477)
_PAD = ("123", "456", "789", "*0#")
_KEY_S, _GAP_S, _WAIT_S = 0.1, 0.1, 0.5
_KEY_LEVEL = 8_000
"""About -12 dBFS a tone: what a telephone sends."""

_CHORDS = ((220.0, 277.18, 329.63), (185.0, 220.0, 277.18), (146.83, 220.0, 293.66), (164.81, 246.94, 329.63))
_MUSIC_LEVEL = 1_500


@lru_cache(maxsize=256)
def keys(digits: str) -> bytes:
    """Return the tones of these keys, with gaps between them; `w` is half a second of silence.

    Raises ValueError on what is no key.
    """
    return b"".join(_silence(_WAIT_S) if key in "wW" else _key(key) + _silence(_GAP_S) for key in digits)


@lru_cache(maxsize=1)
def music() -> bytes:
    """Return one turn of quiet music: four chords that swell and fade, end meeting beginning."""
    count = _RATE * MUSIC_S // len(_CHORDS)
    time = np.arange(count) / _RATE
    swell = np.sin(np.pi * np.arange(count) / count) ** 0.5
    turns = [sum(np.sin(2 * np.pi * tone * time) for tone in chord) * swell for chord in _CHORDS]
    return (np.concatenate(turns) * _MUSIC_LEVEL).astype("<i2").tobytes()


@lru_cache(maxsize=1)
def music_file() -> bytes:
    """Return the same as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(_RATE)
        writer.writeframes(music())
    return file.getvalue()


@lru_cache(maxsize=1)
def beep() -> bytes:
    """Return the tone behind which a message is left."""
    time = np.arange(int(_RATE * 0.5)) / _RATE
    return bytes((np.sin(2 * np.pi * 1000 * time) * 12_000).astype("<i2").tobytes())


def _key(key: str) -> bytes:
    for row, pads in zip(_ROWS, _PAD, strict=True):
        if key in pads and len(key) == 1:
            time = np.arange(int(_RATE * _KEY_S)) / _RATE
            tones = np.sin(2 * np.pi * row * time) + np.sin(2 * np.pi * _COLUMNS[pads.index(key)] * time)
            return bytes((tones * _KEY_LEVEL).astype("<i2").tobytes())
    raise ValueError(f"{key!r} is no key of a telephone")


def _silence(seconds: float) -> bytes:
    return bytes(2 * int(_RATE * seconds))
