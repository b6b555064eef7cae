"""How a caller's line sounds: noise of the room, echo of the agent, and sounds that are no speech.

Pure audio: PCM, signed 16 bit, 8 kHz, and nothing of who makes it.
"""

from __future__ import annotations

from collections import deque
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from trunkline.kit.audio import FRAME_BYTES, FRAME_MS, pcm_to_ulaw, ulaw_to_pcm
from trunkline.simulators.callers.plan import Line, NoiseKind

_RATE = 8_000
_FULL = 32_767
_NOISE_FRAMES = 400

Samples = NDArray[np.float64]


class Acoustics:
    """One caller's line. `outgoing` takes each frame of the caller's, `incoming` each of the agent's."""

    def __init__(self, line: Line, *, seed: int) -> None:
        self._noise = cycle(_frames(_pink(seed), line.noise_db)) if line.noise_db is not None else None
        self._gain = 10 ** (line.echo_db / 20) if line.echo_db is not None else None
        self._echo: deque[bytes] = deque([b""] * max(1, line.echo_ms // FRAME_MS))

    def outgoing(self, ulaw: bytes) -> bytes:
        """Return the frame with what else the line carries, as mu-law."""
        if self._noise is None and self._gain is None:
            return ulaw
        mixed = _samples(ulaw_to_pcm(ulaw))
        if self._noise is not None:
            mixed = mixed + next(self._noise)
        if self._gain is not None and (echo := self._echo[0]):
            mixed = mixed + _samples(ulaw_to_pcm(echo)) * self._gain
        return pcm_to_ulaw(_pcm(mixed))

    def incoming(self, ulaw: bytes) -> None:
        """Take what the agent says in these 20 ms; some of it comes back."""
        if self._gain is not None:
            self._echo.popleft()
            self._echo.append(ulaw)


def sound(kind: NoiseKind) -> bytes:
    """Return the sound as PCM, some tenths of a second to two seconds long."""
    rng = np.random.default_rng(5)
    match kind:
        case NoiseKind.HUM:
            t = _time(0.45)
            wave = sum((np.sin(2 * np.pi * 130 * n * t) / n for n in (1, 2, 3)), np.zeros_like(t))
            return _pcm(wave * np.hanning(len(t)) * 2_500)
        case NoiseKind.COUGH:
            t = _time(0.16)
            burst = rng.normal(0, 5_000, len(t)) * np.exp(-t * 22)
            return _pcm(np.concatenate([burst, np.zeros(800), burst * 0.7]))
        case NoiseKind.BEEP:
            return _pcm(np.sin(2 * np.pi * 1_000 * _time(0.5)) * 9_000)
        case NoiseKind.RING:
            t = _time(1.6)
            return _pcm((np.sin(2 * np.pi * 440 * t) + np.sin(2 * np.pi * 480 * t)) * 3_500)
        case NoiseKind.TYPING:
            strokes = np.zeros(_RATE * 2)
            for start in rng.integers(0, len(strokes) - 200, 14):
                strokes[start : start + 120] += rng.normal(0, 3_000, 120) * np.exp(-np.arange(120) / 25)
            return _pcm(strokes)
        case NoiseKind.MUSIC:
            tune = [262, 330, 392, 523, 392, 330]
            notes = [np.sin(2 * np.pi * hertz * _time(0.3)) * np.hanning(2_400) for hertz in tune]
            return _pcm(np.concatenate(notes) * 2_500)


def _time(seconds: float) -> Samples:
    return np.arange(int(_RATE * seconds)) / _RATE


def _pink(seed: int) -> Samples:
    """Return a few seconds of noise whose power falls with its frequency, as that of a street or a hall."""
    rng = np.random.default_rng(seed)
    length = _NOISE_FRAMES * FRAME_BYTES // 2
    spectrum = np.fft.rfft(rng.normal(0, 1, length))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 40))
    wave = np.fft.irfft(spectrum, length)
    return np.asarray(wave / wave.std(), dtype=np.float64)


def _frames(wave: Samples, level_db: float) -> list[Samples]:
    loud = wave * _FULL * 10 ** (level_db / 20)
    size = FRAME_BYTES // 2
    return [loud[start : start + size] for start in range(0, len(loud), size)]


def _samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64)


def _pcm(samples: Samples) -> bytes:
    return bytes(np.clip(samples, -_FULL, _FULL).astype("<i2").tobytes())
