"""The faint noise of a telephone line, which people hear and send along with every word.

Speech recognisers are made for it: audio of exact zeros, such as synthesis yields, confuses them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import numpy as np

from trunkline.kit.audio import FRAME_BYTES, pcm_to_ulaw

_SPREAD = 33.0
"""Standard deviation of the samples: 60 dB below full scale, a quiet line."""
_FRAMES = 100
_LOUDEST = 150
_LARGEST_SAMPLE = 32_767 - _LOUDEST


def _noise() -> bytes:
    # The same at every start: nothing is to depend on it.
    samples = np.random.default_rng(8).normal(0.0, _SPREAD, _FRAMES * FRAME_BYTES // 2)
    return np.clip(samples, -_LOUDEST, _LOUDEST).astype("<i2").tobytes()


_NOISE = _noise()
_PCM_FRAMES = tuple(_NOISE[start : start + FRAME_BYTES] for start in range(0, len(_NOISE), FRAME_BYTES))
_MULAW_FRAMES = tuple(map(pcm_to_ulaw, _PCM_FRAMES))


def pcm_frames() -> Iterator[bytes]:
    """Yield 20 ms of noise for ever, as PCM."""
    return cycle(_PCM_FRAMES)


def mulaw_frames() -> Iterator[bytes]:
    """Yield 20 ms of noise for ever, as mu-law."""
    return cycle(_MULAW_FRAMES)


def over_line(pcm: bytes, loudness: float = 1.0) -> bytes:
    """Return the audio, louder or softer by a factor of at most 1, with the line's noise added."""
    samples = np.frombuffer(pcm, dtype="<i2") * loudness
    noise = np.resize(np.frombuffer(_NOISE, dtype="<i2"), samples.shape)
    mixed = np.clip(samples, -_LARGEST_SAMPLE, _LARGEST_SAMPLE) + noise
    return bytes(mixed.astype("<i2").tobytes())
