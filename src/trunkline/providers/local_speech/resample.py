"""Sample rates: espeak's 22,050 Hz down to the telephone's 8,000, and those up to a model's 16,000.

Windowed-sinc filters of our own over whole pieces of audio, used by the helpers alone. Pieces
begin and end in silence, so nothing is carried over from one to the next.
"""

from __future__ import annotations

from math import gcd

import numpy as np
import numpy.typing as npt

_PASS_HZ = 3_700
"""Half amplitude here, so that nothing of weight is left beyond 4.1 kHz; a lower edge would cost
what a telephone leaves of the s sounds."""

_HALF_WIDTH_S = 0.003
"""How far the filter reaches to each side."""

_KAISER_BETA = 8.0


def resample(pcm: bytes, source_hz: int, target_hz: int) -> bytes:
    """Return 16-bit mono PCM at the other rate, free of aliases and images."""
    if not pcm or source_hz == target_hz:
        return pcm
    common = gcd(source_hz, target_hz)
    up, down = target_hz // common, source_hz // common
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    half_width = round(source_hz * _HALF_WIDTH_S)
    taps = 2 * half_width + 1
    # One row of the table is the filter as seen from an output sample of that phase.
    offsets = np.arange(taps) - half_width
    distance = np.arange(up)[:, None] / up - offsets[None, :]
    cutoff = 2 * _PASS_HZ / source_hz
    window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (distance / (half_width + 1)) ** 2, 0, None)))
    table = cutoff * np.sinc(cutoff * distance) * window / np.i0(_KAISER_BETA)
    table /= table.sum(axis=1, keepdims=True)

    position = np.arange(len(samples) * up // down) * down
    padded = np.concatenate([np.zeros(half_width), samples, np.zeros(half_width + 1)])
    windows: npt.NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(padded, taps)
    made = np.einsum("ij,ij->i", windows[position // up], table[position % up])
    whole: npt.NDArray[np.int16] = np.clip(np.rint(made), -32768, 32767).astype("<i2")
    return whole.tobytes()
