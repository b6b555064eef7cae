"""Noise suppression by spectral gating: what stays the same for seconds is noise, and is turned down.

Owns one call's estimate of the noise in every band, and the gain that follows from it. Refuses to know
voices: it learns no model, so it takes fans, engines and streets away and leaves other people's speech.

Frames of 20 ms are transformed two at a time (40 ms, half of them overlapping). The noise of a band is the
least of its smoothed power over the last seconds, as loud as its mean is by then; the gain is Wiener's, led
by the decision about the frame before, which keeps single tones from twinkling. 20 ms late.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trunkline.kit.audio import FRAME_BYTES, SAMPLE_BYTES

_HOP = FRAME_BYTES // SAMPLE_BYTES
_WINDOW = 2 * _HOP
_SMOOTHED = 0.7
"""Weight of the past in a band's power."""
_SEARCH = 12
"""Frames of one stretch of the search for the least: 240 ms."""
_STRETCHES = 6
"""So many stretches are looked back on: a band that holds speech all that time is taken for noise."""
_BIAS = 1.8
"""A smoothed power's mean over its least, of noise; reckoned for these numbers."""
_LED = 0.96
"""Weight of the frame before in the ratio of speech to noise."""
_LEAST_GAIN = 0.18
"""-15 dB: where noise is taken away altogether, the breath of words goes with it."""
_LEAST_RATIO = 10 ** (-2.5)
_LEAST_POWER = 1.0

_Floats = npt.NDArray[np.float32]


class SpectralGate:
    """One call's suppressor; see `NoiseSuppression`."""

    def __init__(self) -> None:
        ramp = np.sin(np.pi * (np.arange(_WINDOW) + 0.5) / _WINDOW)
        self._taper = ramp.astype(np.float32)
        bands = _WINDOW // 2 + 1
        self._before = np.zeros(_HOP, np.float32)
        self._tail = np.zeros(_HOP, np.float32)
        self._rest = b""
        self._made = b""
        """Clean samples that are not asked for yet; none where whole frames come."""
        self._power: _Floats = np.zeros(bands, np.float32)
        self._cleaned: _Floats = np.zeros(bands, np.float32)
        """Power of the frame before without its noise."""
        self._least: _Floats = np.full(bands, np.inf, np.float32)
        self._leasts: list[_Floats] = []
        self._frames = 0

    def clean(self, pcm: bytes) -> bytes:
        """Return as many samples, cleaned: 20 ms late, 40 at most where frames come in pieces."""
        rest = self._rest + pcm
        whole = len(rest) - len(rest) % FRAME_BYTES
        made = [self._made]
        made += [self._frame(rest[at : at + FRAME_BYTES]) for at in range(0, whole, FRAME_BYTES)]
        self._rest = rest[whole:]
        audio = b"".join(made)
        # Where less than a frame is given, its sound waits for the rest of it, and silence stands for it.
        audio = bytes(max(0, len(pcm) - len(audio))) + audio
        self._made = audio[len(pcm) :]
        return audio[: len(pcm)]

    def _frame(self, pcm: bytes) -> bytes:
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        spectrum = np.fft.rfft(np.concatenate([self._before, samples]) * self._taper)
        self._before = samples
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        noise = self._noise(power)
        over = np.maximum(power / noise - 1.0, 0.0)
        ratio = np.maximum(_LED * self._cleaned / noise + (1.0 - _LED) * over, _LEAST_RATIO)
        gain = np.maximum(ratio / (1.0 + ratio), _LEAST_GAIN)
        self._cleaned = gain * gain * power
        made = np.fft.irfft(spectrum * gain, _WINDOW).astype(np.float32) * self._taper
        out = made[:_HOP] + self._tail
        self._tail = made[_HOP:]
        cleaned: bytes = np.clip(np.rint(out), -32768, 32767).astype("<i2").tobytes()
        return cleaned

    def _noise(self, power: _Floats) -> _Floats:
        """Return every band's noise, by the least power of the last second and a half."""
        first = self._frames == 0
        self._power = power if first else _SMOOTHED * self._power + (1.0 - _SMOOTHED) * power
        self._least = np.minimum(self._least, self._power)
        self._frames += 1
        if self._frames % _SEARCH == 0:
            self._leasts = [*self._leasts[1 - _STRETCHES :], self._least]
            self._least = self._power
        least = np.minimum.reduce([*self._leasts, self._least])
        noise: _Floats = np.maximum(least * _BIAS, _LEAST_POWER).astype(np.float32)
        return noise
