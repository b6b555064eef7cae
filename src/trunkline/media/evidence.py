"""What a window tells about who speaks and what: the evidence that turns are judged by.

Owns `Evidence`, one window as the rules see it, and `Articulation`, the measure that tells speech from the
hum of a listener. Refuses to decide anything. Sound alone is measured here; echo has a module of its own.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

_EDGES_HZ = (100, 250, 400, 550, 700, 900, 1150, 1450, 1800, 2200, 2700, 3300, 3900)
"""Bands about as wide as an ear's."""
_BRIGHT_HZ = 900
"""A closed mouth lets hardly anything through above this."""
_SHAPES = (2, 3, 4, 5)
"""Which shapes of the spectrum count: the first one only tells how dark a sound is, and a hum darkens."""
_LOUD = 0.1
"""Share of the loudest piece's energy below which a piece is a pause or a breath."""
_DARKNESS = 0.335
"""Weight of the logarithm of brightness beside the spread; fitted with `barge_in`'s thresholds."""
_LEAST_BRIGHT = 0.01
_LONGEST_PIECES = 96
_BEFORE = 2
"""Windows before the first voice that belong to the run: a consonant begins before the detector is sure."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One window of the caller's audio, and what the agent was doing in the caller's ear."""

    length_ms: int
    probability: float
    """Of human voice, 0 to 1."""
    level: float
    floor: float
    """The line's noise, on the scale of `level`."""
    agent_ms: int | None = None
    """For how long the agent has been sounding; None while it is silent."""
    greeting: bool = False
    """True while what sounds is the greeting."""
    short_answer: bool = False
    """True where a short answer out of a known few is expected."""
    digits: int = 0
    """How long a number is expected, 0 where none is: people pause between its groups."""
    echo: float = 0.0
    """Share of the window's energy that is the agent's own voice coming back, 0 to 1."""
    articulation: float | None = None
    """How much the mouth has moved since the voice began (see `Articulation`); None where not measured."""
    hissed: bool = False
    """True once a consonant without voice was heard at the voice (see `Hiss`): hums have none."""
    text: str = ""
    """What the recogniser has made out of the open turn by now."""
    turn_over: float | None = None
    """How likely a model takes the turn to be over, 0 to 1; None while none has been asked."""

    @property
    def own_level(self) -> float:
        """The window's level without the agent's echo."""
        return self.level * math.sqrt(max(0.0, 1.0 - self.echo))


class Articulation:
    """How much a mouth moves: the spread of spectral shapes within one run of voice, less its darkness.

    Speech changes its shape with every sound, about twelve a second; "mm-hm", "uh-huh", a groan and a
    steady tone keep one. Measured on the loud pieces of a run, 32 ms long and 16 ms apart. Above 0.6
    speech is likely; hums lie between -1.5 and 0.5.
    """

    def __init__(self, *, rate: int = 8_000, window: int = 256) -> None:
        self._window = window
        self._hop = window // 2
        hertz = np.fft.rfftfreq(window, 1 / rate)
        bands = [(hertz >= low) & (hertz < high) for low, high in pairwise(_EDGES_HZ)]
        self._bands = np.array(bands, np.float32).T
        self._bright = _EDGES_HZ.index(_BRIGHT_HZ)
        centres = np.arange(len(bands)) + 0.5
        cosines = np.cos(np.pi * np.outer(np.array(_SHAPES), centres) / len(bands)) / len(bands)
        self._cosines = cosines.T.astype(np.float32)
        self._taper = np.hanning(window).astype(np.float32)
        self._before: deque[bytes] = deque(maxlen=_BEFORE + 1)
        self._tail = b""
        self._shapes: list[npt.NDArray[np.float32]] = []
        self._energy: list[float] = []
        self._brightness: list[float] = []

    def wait(self, pcm: bytes) -> None:
        """Take a window before any voice: a run may have begun in it."""
        self._before.append(pcm)

    def forget(self) -> None:
        """The run is over."""
        self._shapes.clear()
        self._energy.clear()
        self._brightness.clear()

    def take(self, pcm: bytes) -> float:
        """Take the next window of a run, pauses within it included, and return its articulation so far."""
        if self._energy:
            self._measure(self._tail + pcm)
        else:
            self._measure(b"".join((*list(self._before)[-_BEFORE:], pcm)))
        self._tail = pcm[-self._hop * 2 :]
        self._before.append(pcm)
        if len(self._energy) > _LONGEST_PIECES:
            del self._shapes[:-_LONGEST_PIECES], self._energy[:-_LONGEST_PIECES]
            del self._brightness[:-_LONGEST_PIECES]
        return self._spread()

    def _measure(self, pcm: bytes) -> None:
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        pieces = np.lib.stride_tricks.sliding_window_view(samples, self._window)[:: self._hop]
        spectrum = np.fft.rfft(pieces * self._taper)
        energy = ((spectrum.real**2 + spectrum.imag**2) @ self._bands).astype(np.float32)
        whole = energy.sum(axis=1) + 1.0
        # Bands 30 dB below the whole are the line's, not the mouth's.
        decibels = 10 * np.log10(energy + whole[:, None] * 1e-3)
        self._shapes.extend(decibels @ self._cosines)
        self._energy.extend(whole.tolist())
        self._brightness.extend((energy[:, self._bright :].sum(axis=1) / whole).tolist())

    def _spread(self) -> float:
        energy = np.array(self._energy)
        weights = np.sqrt(energy) * (energy > energy.max() * _LOUD)
        weights /= weights.sum()
        shapes = np.array(self._shapes)
        deviation = shapes - weights @ shapes
        spread = float(np.sqrt((weights @ deviation**2).sum()))
        bright = float(weights @ np.array(self._brightness))
        return spread + _DARKNESS * float(np.log(bright + _LEAST_BRIGHT))
