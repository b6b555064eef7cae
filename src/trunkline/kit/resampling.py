"""Sample rates of a stream: the telephone's 8 kHz to a provider's rate and back, piece by piece.

A windowed-sinc filter that gives out, for every piece, exactly the samples due for it: no bursts,
two milliseconds of delay. PCM is signed 16 bit little endian, mono. Knows no provider.
"""

from __future__ import annotations

from functools import cache
from math import gcd

import numpy as np
import numpy.typing as npt

_HALF_WIDTH_S = 0.002
"""How far the filter reaches to each side; also its delay."""
_EDGE = 0.92
"""Half amplitude here, as a share of the lower rate's half."""
_KAISER_BETA = 6.0

_FEW = 4
"""Up to so many places between two input samples, all are computed."""

_Line = npt.NDArray[np.float32]
_Places = npt.NDArray[np.int64]


class StreamResampler:
    """One stream from one rate to another. Raises ValueError for rates that are not positive."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        if min(from_hz, to_hz) <= 0:
            raise ValueError("a sample rate is positive")
        common = gcd(from_hz, to_hz)
        self._up, self._down = to_hz // common, from_hz // common
        self._table = _filter(from_hz, to_hz)
        self._taps = self._table.shape[1]
        self._tail = np.zeros(self._taps - 1, np.float32)
        self._next = 0
        """Where the next output sample lies behind the tail, in input samples times `up`."""
        self._half = b""

    def feed(self, pcm: bytes) -> bytes:
        """Return what the piece makes at the other rate. Half a sample waits for its other half."""
        if self._up == self._down:
            return pcm
        data = self._half + pcm
        whole = len(data) & ~1
        self._half = data[whole:]
        fresh = np.frombuffer(data[:whole], "<i2")
        if not len(fresh):
            return b""
        line = np.concatenate((self._tail, fresh), dtype=np.float32)
        end = len(fresh) * self._up
        at = np.arange(self._next, end, self._down)
        self._next += len(at) * self._down - end
        self._tail = line[len(fresh) :]
        made = self._filtered(line, *np.divmod(at, self._up))
        whole_numbers: npt.NDArray[np.int16] = np.clip(np.rint(made), -32768, 32767).astype("<i2")
        return whole_numbers.tobytes()

    def _filtered(self, line: _Line, at: _Places, phase: _Places) -> _Line:
        if self._up <= _FEW:
            # Filtering all of it and taking a part is quicker than gathering the windows.
            made = np.empty(len(at), np.float32)
            for number, row in enumerate(self._table):
                chosen = phase == number
                made[chosen] = np.correlate(line, row)[at[chosen]]
            return made
        windows = np.lib.stride_tricks.sliding_window_view(line, self._taps)
        gathered: _Line = np.einsum("ij,ij->i", windows[at], self._table[phase])
        return gathered

    def flush(self) -> bytes:
        """Return the end of the stream, which the filter still holds, and begin anew."""
        if self._up == self._down:
            return b""
        rest = self.feed(bytes(self._taps // 2 * 2))
        self._tail = np.zeros(self._taps - 1, np.float32)
        self._next, self._half = 0, b""
        return rest


@cache
def _filter(from_hz: int, to_hz: int) -> _Line:
    """Return one row of taps for each place that an output sample may have between two input samples."""
    common = gcd(from_hz, to_hz)
    up = to_hz // common
    half_width = round(from_hz * _HALF_WIDTH_S)
    offsets = np.arange(2 * half_width + 1) - half_width
    distance = np.arange(up)[:, None] / up - offsets[None, :]
    cutoff = _EDGE * min(from_hz, to_hz) / from_hz
    window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (distance / (half_width + 1)) ** 2, 0, None)))
    table = np.sinc(cutoff * distance) * window
    table /= table.sum(axis=1, keepdims=True)
    rows: _Line = table.astype(np.float32)
    return rows
