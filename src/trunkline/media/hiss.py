"""Hiss: has a consonant without voice been heard at the caller's voice?

Owns the measure of one run of voice and of the quarter of a second before it. Refuses to decide what
follows. "Stop" holds one vowel and moves the mouth no more than "uh" does, but it hisses: an "s", "f", "t"
or "sh" lies above 2 kHz, where a hum, a groan and a tone have next to nothing.

Costs nothing until a voice begins; then a transform a window.
"""

from __future__ import annotations

from collections import deque

import numpy as np

_BEFORE = 8
"""Windows before the first voice in which the consonant may lie: the mouth can close between the two."""
_LOWEST_HZ = 94
_HIGH_HZ = 2_000
_SHARE = 0.55
"""Share of a window's energy above `_HIGH_HZ` from which it hisses."""
_FAINTEST = 0.003
"""Share of the loudest window's energy below which a hiss does not belong to this voice."""
_ABOVE_LINE = 3.0
"""How many times the energy of the quietest window before the voice a hiss has: a line hisses too."""


class Hiss:
    """Hears the hisses of one run of voice at a time. Windows are 16-bit samples, all of one length."""

    def __init__(self, *, rate: int = 8_000, window: int = 256) -> None:
        hertz = np.fft.rfftfreq(window, 1 / rate)
        self._audible = hertz >= _LOWEST_HZ
        self._high = hertz >= _HIGH_HZ
        self._taper = np.hanning(window).astype(np.float32)
        self._before: deque[bytes] = deque(maxlen=_BEFORE)
        self._energies: deque[tuple[float, float]] = deque(maxlen=_BEFORE)
        """Of the newest windows: of the whole, and of what is high."""
        self._line = 0.0
        self._in_run = self._heard = False

    def wait(self, pcm: bytes) -> None:
        """Take a window before any voice."""
        self._before.append(pcm)

    def forget(self) -> None:
        """The run is over."""
        self._in_run = self._heard = False

    def rest(self) -> None:
        """Nothing is measured for a while: what was heard before it is not near what comes after it."""
        self.forget()
        self._before.clear()

    def take(self, pcm: bytes) -> bool:
        """Take the next window of a run, pauses within it included; True once the run has hissed."""
        if not self._in_run:
            self._in_run = True
            self._energies.clear()
            self._measure(list(self._before))
            self._line = min((whole for whole, _ in self._energies), default=0.0)
        self._before.append(pcm)
        if self._heard:
            return True
        self._measure([pcm])
        least = max(_FAINTEST * max(whole for whole, _ in self._energies), _ABOVE_LINE * self._line)
        self._heard = any(whole > least and high > _SHARE * whole for whole, high in self._energies)
        return self._heard

    def _measure(self, windows: list[bytes]) -> None:
        for pcm in windows:
            spectrum = np.fft.rfft(np.frombuffer(pcm, "<i2").astype(np.float32) * self._taper)
            energy = spectrum.real**2 + spectrum.imag**2
            self._energies.append((float(energy[self._audible].sum()), float(energy[self._high].sum())))
