"""Speech of real people, out of the test data of an archive that the package index has; nothing is kept here.

The archive is pocketsphinx's source (BSD; its test data: LibriVox readings in the public domain, numbers,
playing cards). It is read where it lies and needs no unpacking.
"""

from __future__ import annotations

import io
import tarfile
import wave
from pathlib import Path

import numpy as np
from trunkline.providers.local_speech.resample import resample

from sounds.noises import Samples

_FILES = ("librivox/", "cards/0", "goforward.raw", "numbers.raw", "something.raw", "tidigits/dhd")
_SHORTEST, _LONGEST = 3_200, 24_000
"""Samples: shorter is no utterance, and what comes later decides nothing."""
_PIECE = 80
"""Samples of a stretch that is loud or not: 10 ms."""
_PAUSE = 12
"""So many quiet stretches part two utterances."""


def utterances(archive: Path) -> list[Samples]:
    """Return every stretch of speech between two pauses of 0.4 seconds or more, at 8 kHz."""
    found: list[Samples] = []
    with tarfile.open(archive) as files:
        for member in sorted(files.getmembers(), key=lambda one: one.name):
            name = member.name.partition("/test/data/")[2]
            source = files.extractfile(member) if name.startswith(_FILES) else None
            if source is not None and name.endswith((".wav", ".raw")):
                found += _parted(_samples(source.read(), name))
    return found


def _samples(data: bytes, name: str) -> Samples:
    rate = 16_000
    if name.endswith(".wav"):
        with wave.open(io.BytesIO(data)) as opened:
            rate, data = opened.getframerate(), opened.readframes(opened.getnframes())
    return np.frombuffer(resample(data, rate, 8_000), "<i2").astype(np.float64)


def _parted(samples: Samples) -> list[Samples]:
    count = len(samples) // _PIECE
    power = (samples[: count * _PIECE].reshape(count, _PIECE) ** 2).mean(axis=1)
    loud = power > np.percentile(power, 90) * 10**-2.5
    parts: list[Samples] = []
    begin = quiet = 0
    inside = False
    for at, is_loud in enumerate([*loud, *[False] * (_PAUSE + 1)]):
        if is_loud:
            if not inside:
                inside, begin = True, at
            quiet = 0
        elif inside:
            quiet += 1
            if quiet > _PAUSE:
                inside = False
                part = samples[max(0, begin - 3) * _PIECE : (at - quiet + 3) * _PIECE]
                if len(part) >= _SHORTEST:
                    parts.append(part[:_LONGEST])
    return parts
