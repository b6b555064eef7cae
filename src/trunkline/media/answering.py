"""Whether a machine has answered: a greeting longer than any person's, or a beep.

Owns what can be told from sound alone in the first seconds; words are the brain's business.
Pure over windows of audio: it keeps counts and no clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trunkline.kit.audio import BYTES_PER_MS


@dataclass(frozen=True, slots=True)
class MachineRules:
    """What gives a machine away; all times in milliseconds of the caller's audio."""

    greeting_within_ms: int = 10_000
    monologue_ms: int = 4_500
    """One turn this long is nobody's hello."""
    speech_ms: int = 6_000
    """So is this much speech within the first seconds, pauses left out."""
    beep_within_ms: int = 30_000
    beep_ms: int = 190
    beep_level: int = 300
    beep_purity: float = 0.9
    """Share of the energy within one narrow band."""


class MachineDetector:
    """Listens to one call's beginning; says once what it found, then nothing more."""

    def __init__(self, rules: MachineRules) -> None:
        self._rules = rules
        self._at_ms = 0
        self._turn_ms = 0
        self._speech_ms = 0
        self._beep_ms = 0
        self._beep_bin = -1
        self._done = False

    def hear(self, *, pcm: bytes, level: float, voice: bool, speaking: bool) -> str | None:
        """Judge one window, `speaking` while the caller's turn is open. Return `greeting`, `beep` or None."""
        if self._done:
            return None
        rules = self._rules
        length_ms = len(pcm) // BYTES_PER_MS
        self._at_ms += length_ms
        self._turn_ms = self._turn_ms + length_ms if speaking else 0
        if voice:
            self._speech_ms += length_ms
        found = None
        if self._at_ms > rules.beep_within_ms:
            self._done = True
        elif self._beeps(pcm, level, length_ms):
            found = "beep"
        elif self._at_ms <= rules.greeting_within_ms and (
            self._turn_ms >= rules.monologue_ms or self._speech_ms >= rules.speech_ms
        ):
            found = "greeting"
        self._done = self._done or found is not None
        return found

    def _beeps(self, pcm: bytes, level: float, length_ms: int) -> bool:
        peak = -1
        if level >= self._rules.beep_level:
            peak = pure_tone(pcm, self._rules.beep_purity)
        if peak >= 0 and (self._beep_bin < 0 or abs(peak - self._beep_bin) <= 1):
            self._beep_ms += length_ms
        else:
            self._beep_ms = length_ms if peak >= 0 else 0
        self._beep_bin = peak
        return self._beep_ms >= self._rules.beep_ms


def pure_tone(pcm: bytes, purity: float) -> int:
    """Return the frequency bin of a window that is one steady tone above 350 Hz, or -1.

    A voice's own pitch lies lower, and its overtones spread; two tones, as keys make, are not pure.
    """
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    spectrum = np.fft.rfft(samples * np.hanning(len(samples)).astype(np.float32))
    power = spectrum.real**2 + spectrum.imag**2
    peak = int(power.argmax())
    whole = float(power.sum())
    if not whole or peak * 8000 < 350 * len(samples):
        return -1
    near = float(power[max(0, peak - 2) : peak + 3].sum())
    return peak if near >= purity * whole else -1
