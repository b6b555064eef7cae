"""Whether a machine has answered, and when it listens: a greeting longer than any person's, a beep.

Owns what can be told from sound alone; words are the brain's business, and what is done about a
machine is `machine`'s. Pure over windows of audio: it keeps counts and no clock.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from trunkline.kit.audio import BYTES_PER_MS


class OnMachine(enum.StrEnum):
    """What a call does when a machine has answered."""

    HANG_UP = "hang_up"
    """Let the brain say goodbye if it has a word for machines, and end the call."""
    LEAVE_MESSAGE = "leave_message"
    CARRY_ON = "carry_on"
    """Talk as with a person."""


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
    quiet_ms: int = 2_000
    """Silence after which a machine's greeting is over, should no beep come."""
    patience_ms: int = 60_000
    """A greeting that goes on for longer than this, from when it was recognised, gets no message."""


class MachineDetector:
    """Listens to one call's beginning; says once what it found, then nothing more."""

    def __init__(self, rules: MachineRules) -> None:
        self._rules = rules
        self._at_ms = 0
        self._turn_ms = 0
        self._speech_ms = 0
        self._tone = _Tone(rules)
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
        elif self._tone.hear(pcm, level, length_ms):
            found = "beep"
        elif self._at_ms <= rules.greeting_within_ms and (
            self._turn_ms >= rules.monologue_ms or self._speech_ms >= rules.speech_ms
        ):
            found = "greeting"
        self._done = self._done or found is not None
        return found


class GreetingEnd:
    """Listens for the moment from which a machine records: after its beep, or when it has fallen silent."""

    def __init__(self, rules: MachineRules, *, quiet_ms: int, beeped: bool) -> None:
        """`quiet_ms` is how long the machine has been silent, `beeped` whether its beep has begun."""
        self._rules = rules
        self._tone = _Tone(rules)
        self._quiet_ms = quiet_ms
        self._beeped = beeped
        self._waited_ms = 0
        self._over = False

    def hear(self, *, pcm: bytes, level: float, voice: bool) -> str | None:
        """Judge one window. Return `beep` after each beep, once at most `silence` or `endless`, else None."""
        length_ms = len(pcm) // BYTES_PER_MS
        self._waited_ms += length_ms
        self._quiet_ms = 0 if voice else self._quiet_ms + length_ms
        beeping = self._tone.hear(pcm, level, length_ms)
        if self._beeped and not self._tone.sounds:
            self._beeped = False
            self._over = True
            return "beep"
        self._beeped = self._beeped or beeping
        if self._over or self._beeped:
            return None
        if self._quiet_ms >= self._rules.quiet_ms:
            self._over = True
            return "silence"
        if self._waited_ms >= self._rules.patience_ms:
            self._over = True
            return "endless"
        return None


class _Tone:
    """A steady tone, window by window."""

    def __init__(self, rules: MachineRules) -> None:
        self._rules = rules
        self._beep_ms = 0
        self._beep_bin = -1

    @property
    def sounds(self) -> bool:
        """True while the newest window is part of a tone."""
        return self._beep_bin >= 0

    def hear(self, pcm: bytes, level: float, length_ms: int) -> bool:
        """Take one window; True once the tone has lasted as long as a beep."""
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
