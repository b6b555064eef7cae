"""Where there is voice: 20 ms frames cut into the detector's windows, behind a cheap energy gate.

Owns the noise floor and the decision which windows are worth the model's time; most of a call
is one side's silence. Refuses to know turns: it reports windows, `turns` judges them.
"""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.kit.audio import BYTES_PER_MS, level
from trunkline.providers.ports import VoiceActivity

_CALIBRATION_MS = 1_000
"""From the call's beginning: whatever is no voice in it is the line's own noise, and learnt quickly."""
_QUICK, _SLOW = 0.2, 0.04
"""Weights of a window in the noise floor."""


@dataclass(slots=True)
class Window:
    """What one stretch of the caller's audio holds."""

    length_ms: int
    probability: float
    """Of human voice, 0 to 1; 0 where the gate spared the model."""
    level: int
    """Root mean square of the samples."""
    floor: float
    """The line's noise, on the same scale."""
    pcm: bytes


class VoiceGate:
    """Turns a stream of PCM into judged windows.

    The gate opens at `gate_ratio` times the noise floor, never below `gate_level`, and stays
    open for `hang_windows` more, so that the model sees the soft ends of words.
    """

    def __init__(
        self,
        detector: VoiceActivity,
        *,
        gate_level: int = 60,
        gate_ratio: float = 1.3,
        hang_windows: int = 8,
        voice: float = 0.5,
    ) -> None:
        self._detector = detector
        self._window_bytes = detector.window_samples * 2
        self._length_ms = self._window_bytes // BYTES_PER_MS
        self._gate_level = gate_level
        self._gate_ratio = gate_ratio
        self._hang_windows = hang_windows
        self._voice = voice
        self._rest = b""
        self._open_for = 0
        self._heard_ms = 0
        self.floor = float(gate_level)
        self.judged = 0
        """Windows that the model was asked about."""

    def feed(self, pcm: bytes) -> list[Window]:
        """Take more audio and return the windows it completes, oldest first."""
        rest = self._rest + pcm if self._rest else pcm
        windows: list[Window] = []
        size = self._window_bytes
        offset = 0
        while len(rest) - offset >= size:
            windows.append(self._judge(rest[offset : offset + size]))
            offset += size
        self._rest = rest[offset:]
        return windows

    def _judge(self, pcm: bytes) -> Window:
        loud = level(pcm)
        self._heard_ms += self._length_ms
        if loud > self._gate_level and loud > self.floor * self._gate_ratio:
            self._open_for = self._hang_windows + 1
        probability = 0.0
        if self._open_for:
            self._open_for -= 1
            self.judged += 1
            probability = self._detector.probability(pcm)
        if probability < self._voice:
            # Quick to fall and slow to rise: a cough must not deafen the gate, a fan must not hold it open.
            calibrating = self._heard_ms < _CALIBRATION_MS
            weight = _QUICK if loud < self.floor or calibrating else _SLOW
            self.floor = max(1.0, self.floor + (loud - self.floor) * weight)
        return Window(self._length_ms, probability, loud, self.floor, pcm)
