"""Sample rates: what a voice or a model works at to the telephone's 8,000 Hz, and back.

Windowed-sinc filters of our own, in numpy. The stream is steady: whatever comes in leaves with the same
few milliseconds of lag, never in bursts, as resamplers made for music do. Knows no provider.
"""

from __future__ import annotations

from functools import cache
from math import gcd

import numpy as np
import numpy.typing as npt

from trunkline.kit.audio import SAMPLE_BYTES

_PASS = 0.4625
"""Half amplitude at this part of the lower of the two rates: 3.7 kHz at a telephone's 8. Nothing of weight is
left beyond 4.1 kHz; a lower edge would cost what a telephone leaves of the s sounds."""

_HALF_WIDTH_S = 0.003
"""How far the filter reaches to each side, and so the lag of a stream."""

_KAISER_BETA = 8.0

Samples = npt.NDArray[np.float32]


class StreamResampler:
    """One stream of 16-bit mono PCM from one rate to another, free of aliases and images.

    Pieces may have any length, odd bytes included. Lag: 3 ms.
    Raises ValueError for a rate that is not positive.
    """

    def __init__(self, source_hz: int, target_hz: int) -> None:
        if min(source_hz, target_hz) <= 0:
            raise ValueError("a sample rate is positive")
        common = gcd(source_hz, target_hz)
        self._up, self._down = target_hz // common, source_hz // common
        self._table = _table(source_hz, target_hz)
        self._taps = self._table.shape[1]
        self._half_sample = b""
        self._before: Samples = np.zeros(self._taps // 2, np.float32)
        self._next = 0
        """Where the next sample is taken, from the beginning of `_before`, in parts of a source sample."""
        self._came = 0
        self._left = 0

    def feed(self, pcm: bytes) -> bytes:
        """Return what can be made by now."""
        pcm = self._half_sample + pcm
        whole = len(pcm) - len(pcm) % SAMPLE_BYTES
        self._half_sample = pcm[whole:]
        came = np.frombuffer(pcm[:whole], "<i2").astype(np.float32)
        self._came += len(came)
        return self._make(came)

    def flush(self) -> bytes:
        """Return the rest: the stream has ended. The whole is as long as what came, to a sample."""
        self._half_sample = b""
        wanted = -(-self._came * self._up // self._down) - self._left
        rest = self._make(np.zeros(self._taps // 2 + 1, np.float32))
        return rest[: max(0, wanted) * SAMPLE_BYTES]

    def _make(self, came: Samples) -> bytes:
        samples = np.concatenate([self._before, came])
        last = (len(samples) - self._taps) * self._up + self._up - 1
        count = (last - self._next) // self._down + 1
        if len(samples) < self._taps or count <= 0:
            self._before = samples
            return b""
        places = self._next + np.arange(count) * self._down
        windows = np.lib.stride_tricks.sliding_window_view(samples, self._taps)[places // self._up]
        if self._up == 1:
            made = windows @ self._table[0]
        else:
            made = np.einsum("ij,ij->i", windows, self._table[places % self._up])
        following = self._next + count * self._down
        passed = min(following // self._up, len(samples))
        self._before = samples[passed:]
        self._next = following - passed * self._up
        self._left += count
        whole: bytes = np.clip(np.rint(made), -32768, 32767).astype("<i2").tobytes()
        return whole


def resample(pcm: bytes, source_hz: int, target_hz: int) -> bytes:
    """Return a whole piece of 16-bit mono PCM at the other rate."""
    if not pcm or source_hz == target_hz:
        return pcm
    stream = StreamResampler(source_hz, target_hz)
    return stream.feed(pcm) + stream.flush()


@cache
def _table(source_hz: int, target_hz: int) -> Samples:
    """Return the filter: one row for each place that a sample may have between two of the source's."""
    up = target_hz // gcd(source_hz, target_hz)
    half_width = round(source_hz * _HALF_WIDTH_S)
    offsets = np.arange(2 * half_width + 1) - half_width
    distance = np.arange(up)[:, None] / up - offsets[None, :]
    cutoff = 2 * _PASS * min(source_hz, target_hz) / source_hz
    window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (distance / (half_width + 1)) ** 2, 0, None)))
    table = cutoff * np.sinc(cutoff * distance) * window / np.i0(_KAISER_BETA)
    table /= table.sum(axis=1, keepdims=True)
    return table.astype(np.float32)
