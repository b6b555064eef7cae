"""The corpus: what a caller's line carries while the agent speaks, made anew from a seed.

A clip is the caller's audio from the agent's first word on: the noise of the line all along, and in it one
sound at a known moment. `real` says whether a person took the turn. Echo is a property of the line: the
carrier of the benchmark adds it, because it depends on what the agent was sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sounds.noises import NOISES, RATE, Samples, resonate, unit
from sounds.speech import Line, interrupting, listening, spoken

_BEFORE_MS = (1_200, 2_200)
_AFTER_MS = 1_600
_SOUND_DB = -26.0
"""How far below its loudest tenth of a second a sound is first heard."""


@dataclass(frozen=True)
class Echo:
    """How the line brings the agent's voice back."""

    delay_ms: int
    gain: float
    bands: tuple[float, float]
    """Lower and upper edge of what comes back, in hertz: the far end is a loudspeaker and a microphone."""


@dataclass(frozen=True)
class Clip:
    """One call's worth of the caller's audio."""

    kind: str
    real: bool
    samples: Samples
    begins_ms: float
    """When the first sound of the event is heard, from the clip's start."""
    echo: Echo | None = None

    @property
    def length_ms(self) -> float:
        return len(self.samples) * 1000 / RATE


def line_noise(rng: np.random.Generator, count: int) -> Samples:
    """Hiss or a room, between -75 and -50 dB of full scale."""
    white = rng.normal(0, 1, count)
    if rng.random() < 0.6:
        # A room: most of it low.
        white = resonate(white, ((float(rng.uniform(100, 400)), 500, 1.0), (1500, 1500, 0.3)))
    return unit(white) * 32768 * 10 ** (float(rng.uniform(-75, -50)) / 20)


def placed(
    rng: np.random.Generator, kind: str, sound: Samples, *, real: bool, echo: Echo | None = None
) -> Clip:
    """Put one sound on a line, at a level of a telephone: -32 to -14 dB of full scale."""
    loud = unit(sound) * 32768 * 10 ** (float(rng.uniform(-30, -14)) / 20)
    before = round(float(rng.uniform(*_BEFORE_MS)) * 8)
    samples = np.concatenate([np.zeros(before), loud, np.zeros(_AFTER_MS * 8)])
    noise = line_noise(rng, len(samples))
    begins = before + first_sound(loud, float(np.sqrt(np.mean(noise**2))))
    return Clip(kind, real, samples + noise, begins / 8, echo)


def first_sound(samples: Samples, noise: float) -> int:
    """Return the sample from which a sound can be heard.

    That is its first 5 ms that are louder than the line's noise and within 26 dB of its own loudest 100 ms.
    """
    power = np.convolve(samples**2, np.ones(40) / 40, "full")[39::40]
    loudest = np.convolve(samples**2, np.ones(800) / 800, "same").max()
    return int(np.argmax(power >= max(loudest * 10 ** (_SOUND_DB / 10), noise**2))) * 40


def echoed(samples: Samples, echo: Echo) -> Samples:
    """Return what comes back of these samples, the delay not included."""
    low, high = echo.bands
    length = 2 ** int(np.ceil(np.log2(len(samples) + 800)))
    hertz = np.fft.rfftfreq(length, 1 / RATE)
    # Two filters of the first order each, with the phase that such filters have.
    ratio = 1j * np.maximum(hertz, 1e-3) / low
    shape = (ratio / (1 + ratio)) ** 2 / (1 + 1j * hertz / high) ** 2
    made: Samples = np.fft.irfft(np.fft.rfft(samples, length) * shape, length)[: len(samples)]
    return made * echo.gain


def an_echo(rng: np.random.Generator) -> Echo:
    """Choose a line that brings the agent back at -12 dB, 100 to 400 ms late."""
    return Echo(
        delay_ms=int(rng.integers(100, 400)),
        gain=10 ** (-12 / 20),
        bands=(float(rng.uniform(100, 400)), float(rng.uniform(2200, 3600))),
    )


def corpus(
    seed: int, *, real: int, false_of_each: int, folder: Path, human: Sequence[Samples] = ()
) -> Iterator[Clip]:
    """Yield the clips of a seed: `real` interruptions by espeak and, where there are recordings, as many by
    people, a third of them over an echo; and what is no interruption."""
    rng = np.random.default_rng(seed)
    lines: list[Line] = [interrupting(rng) for _ in range(real)]
    murmurs: list[Line] = [listening(rng) for _ in range(false_of_each)]
    voices = spoken([*lines, *murmurs], folder)
    for number, line in enumerate(lines):
        language = "he" if line.voice.startswith("he") else "en"
        echo = an_echo(rng) if number % 3 == 2 else None
        kind = f"speech_{language}" + ("_over_echo" if echo else "")
        yield placed(rng, kind, voices[line], real=True, echo=echo)
    for number in range(real if human else 0):
        echo = an_echo(rng) if number % 3 == 2 else None
        kind = "human" + ("_over_echo" if echo else "")
        yield placed(rng, kind, human[int(rng.integers(len(human)))], real=True, echo=echo)
    for kind, make in NOISES.items():
        for _ in range(false_of_each):
            yield placed(rng, kind, make(rng), real=False)
    for line in murmurs:
        yield placed(rng, "murmur", voices[line], real=False)
    for _ in range(false_of_each):
        count = 6_000 * 8
        yield Clip("echo", False, line_noise(rng, count), 0.0, an_echo(rng))
