"""What Smart Turn hears: the logarithmic mel spectrogram of the last eight seconds, as Whisper defines it.

80 bands from 0 to 8 kHz on Slaney's mel scale, 25 ms windows every 10 ms, of 16 kHz audio of zero mean and
unit variance that is padded with silence in front.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

RATE = 16_000
SECONDS = 8
_WINDOW, _HOP, _BANDS = 400, 160, 80
_RANGE = 8.0
"""Decades below the loudest point that still tell something."""
_LINEAR_HZ = 200 / 3
_BREAK_MEL, _BREAK_HZ = 15.0, 1_000.0
_STEP = np.log(6.4) / 27
"""Slaney's scale: linear up to 1 kHz, logarithmic above."""

Floats = npt.NDArray[np.float32]


def features(pcm: bytes) -> Floats:
    """Return the features of 16 kHz PCM, shape (1, 80, 800)."""
    count = RATE * SECONDS
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)[-count:] / np.float32(32_768)
    samples = np.pad(samples, (count - len(samples), 0))
    samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    padded = np.pad(samples, _WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][: count // _HOP]
    # The periodic form of the window, whose last sample would be the next period's first.
    spectrum = np.fft.rfft(windows * np.hanning(_WINDOW + 1)[:-1])
    power = spectrum.real**2 + spectrum.imag**2
    loud = np.log10(np.maximum(power @ _filters().T, 1e-10))
    told = (np.maximum(loud, loud.max() - _RANGE) + 4) / 4
    return np.ascontiguousarray(told.T[None], np.float32)


@cache
def _filters() -> npt.NDArray[np.float64]:
    """Return the triangles of the mel bands, each of unit area, shape (80, 201)."""
    edges = _hertz(np.linspace(0, _mel(RATE / 2), _BANDS + 2))
    hertz = np.linspace(0, RATE / 2, _WINDOW // 2 + 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (hertz - low) / (centre - low)
    falling = (high - hertz) / (high - centre)
    triangles: npt.NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling)) * (2 / (high - low))
    return triangles


def _mel(hertz: float) -> float:
    return float(_BREAK_MEL + np.log(hertz / _BREAK_HZ) / _STEP)


def _hertz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    above = _BREAK_HZ * np.exp(_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_HZ, above)
