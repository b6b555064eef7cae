"""Where there is voice: 20 ms frames cut into the detector's windows, behind a cheap energy gate.

Owns the noise floor and the decision which windows are worth the model's time; most of a call
is one side's silence. A detector that judges many calls together answers a tick later; windows come
out in their order all the same. Refuses to know turns: it reports windows, `turns` judges them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from trunkline.kit.audio import BYTES_PER_MS, level
from trunkline.providers.ports import BatchedVoiceActivity, VoiceActivity

_UNKNOWN = -1.0

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
    open for `hang_windows` more, so that the model sees the soft ends of words. `on_late` is told
    when windows are there for `take` that were not yet when `feed` returned.
    """

    def __init__(
        self,
        detector: VoiceActivity,
        *,
        gate_level: int = 60,
        gate_ratio: float = 1.3,
        hang_windows: int = 8,
        voice: float = 0.5,
        on_late: Callable[[], None] = lambda: None,
    ) -> None:
        self._ask = detector.judge if isinstance(detector, BatchedVoiceActivity) else self._ask_now
        self._detector = detector
        self._window_bytes = detector.window_samples * 2
        self._length_ms = self._window_bytes // BYTES_PER_MS
        self._gate_level = gate_level
        self._gate_ratio = gate_ratio
        self._hang_windows = hang_windows
        self._voice = voice
        self._on_late = on_late
        self._feeding = False
        self._rest = b""
        self._open_for = 0
        self._waiting: deque[Window] = deque()
        """Windows with the detector, and those behind them, oldest first."""
        self._ready: list[Window] = []
        self._heard_ms = 0
        self.floor = float(gate_level)
        self.judged = 0
        """Windows that the model was asked about."""

    def feed(self, pcm: bytes) -> list[Window]:
        """Take more audio and return the windows that are judged by now, oldest first."""
        rest = self._rest + pcm if self._rest else pcm
        size = self._window_bytes
        offset = 0
        self._feeding = True
        while len(rest) - offset >= size:
            self._weigh(rest[offset : offset + size])
            offset += size
        self._feeding = False
        self._rest = rest[offset:]
        return self.take()

    def take(self) -> list[Window]:
        """Return the windows judged since they were last taken, oldest first."""
        ready, self._ready = self._ready, []
        return ready

    def _weigh(self, pcm: bytes) -> None:
        loud = level(pcm)
        self._heard_ms += self._length_ms
        if loud > self._gate_level and loud > self.floor * self._gate_ratio:
            self._open_for = self._hang_windows + 1
        if self._open_for:
            self._open_for -= 1
            self.judged += 1
            self._waiting.append(Window(self._length_ms, _UNKNOWN, loud, 0.0, pcm))
            self._ask(pcm, self._judged)
        elif self._waiting:
            self._waiting.append(Window(self._length_ms, 0.0, loud, 0.0, pcm))
        else:
            self._let_out(Window(self._length_ms, 0.0, loud, 0.0, pcm))

    def _ask_now(self, pcm: bytes, then: Callable[[float], None]) -> None:
        then(self._detector.probability(pcm))

    def _judged(self, probability: float) -> None:
        """The detector's answer to the oldest window that it has."""
        waiting = self._waiting
        waiting[0].probability = probability
        while waiting and waiting[0].probability != _UNKNOWN:
            self._let_out(waiting.popleft())
        if not self._feeding:
            self._on_late()

    def _let_out(self, window: Window) -> None:
        if window.probability < self._voice:
            # Quick to fall and slow to rise: a cough must not deafen the gate, a fan must not hold it open.
            calibrating = self._heard_ms < _CALIBRATION_MS
            weight = _QUICK if window.level < self.floor or calibrating else _SLOW
            self.floor = max(1.0, self.floor + (window.level - self.floor) * weight)
        window.floor = self.floor
        self._ready.append(window)
