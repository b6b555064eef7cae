"""The echo guard: is what the line carries the agent's own voice, coming back?

Owns the memory of the last second that was sent, laid out by when it is played, and the comparison of the
caller's audio with it. Refuses to remove the echo and to decide what follows from it.

An echo is what was sent, weaker and later. So the newest 64 ms of the caller's audio are correlated with
all that was sent up to 0.65 s before; the squared correlation at the best delay is the share of the
energy that the agent explains. A voice resembles another for one window at some delay or other, but not
for several windows at the same one: what counts is the delay that has explained most of late.

Costs nothing while the caller is silent, 40 to 60 us for a window that may be voice.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import numpy.typing as npt

from trunkline.kit.audio import BYTES_PER_MS, FRAME_MS

_RATE = 4_000
"""What carries a voice's pitch and first formants is enough, and half the work."""
_HEARD = 256
"""Samples of the caller's audio compared at once: 64 ms."""
_LAGS = 2_500
"""Delays tried: up to 625 ms."""
_LENGTH = 2_880
"""Of the transforms; the next length above `_HEARD + _LAGS` that is made fast."""
_MEMORY = 0.35
"""Weight of the past beside each search."""
ECHO = 0.4
"""A share from which a window is taken for echo."""
_LEARNING = 0.2
_SURE = 0.5
"""A share from which a delay is remembered as the line's."""
_NEIGHBOURS = 2
_JUMP_S = 0.25
"""The caller's audio this much later than reckoned: some of it was lost, or the line stood still."""
_SILENT = 400.0
"""Energy of a stretch below which nothing was sent worth comparing, in squared steps a sample."""
_FRAMES_KEPT = 60

_NOTHING = np.zeros(1)

_Floats = npt.NDArray[np.float32]


class EchoGuard:
    """One call's guard. Times are the loop's, in seconds."""

    def __init__(self) -> None:
        self._fresh: deque[tuple[float, bytes]] = deque(maxlen=_FRAMES_KEPT)
        self._sent: _Floats = np.zeros(_HEARD + _LAGS, np.float32)
        self._sent_until = 0
        """The clock in samples at which `_sent` ends."""
        self._heard: _Floats = np.zeros(_HEARD, np.float32)
        self._explained: _Floats = np.zeros(_LAGS + 1, np.float32)
        self._search_next = True
        self._found = 0.0
        """What the last search explained."""
        self._best = -1
        """The best delay of the last search."""
        self._delay = 0
        """Where in `_sent` the line's echo begins, once there is one."""
        self._gain = 0.0
        """Energy of the echo by energy sent; 0 while none has been found."""
        self._samples = 0
        self._offset_s = math.inf
        self._last_sound_at = -math.inf

    def sent(self, pcm: bytes, plays_at: float) -> None:
        """Remember a frame of the agent that the caller hears at `plays_at`."""
        self._fresh.append((plays_at, pcm))
        self._last_sound_at = plays_at + FRAME_MS / 1000

    def heard(self, pcm: bytes, now: float) -> None:
        """Take note of when a frame of the caller came in, so that clumps of frames do not blur delays."""
        self._samples += len(pcm) // BYTES_PER_MS * (_RATE // 1000)
        offset_s = now - self._samples / _RATE
        if offset_s < self._offset_s or offset_s > self._offset_s + _JUMP_S:
            self._offset_s = offset_s

    def listening(self, now: float) -> bool:
        """True while what was sent may still come back."""
        return now < self._last_sound_at + _LAGS / _RATE

    def share(self, pcm: bytes, behind_ms: int = 0) -> float:
        """Return the share of a window's energy that is echo, 0 to 1.

        `behind_ms` is how much audio after the window has come in already.
        """
        self._heard = np.concatenate([self._heard, _halved(pcm)])[-_HEARD:]
        if math.isinf(self._offset_s):
            return 0.0
        self._recall(round(self._offset_s * _RATE) + self._samples - behind_ms * (_RATE // 1000))
        heard_energy = float(self._heard @ self._heard)
        if heard_energy < _SILENT * _HEARD or not self._sent.any():
            return 0.0
        known = self._known(heard_energy)
        if known < ECHO:
            if self._search_next:
                self._found = self._search(heard_energy)
            # What is compared is two windows long, so every other window sees it all.
            self._search_next = not self._search_next
        return max(known, self._found)

    def _known(self, heard_energy: float) -> float:
        """Return what the delay found last explains: by its likeness, or as the echo that is due by now."""
        if not self._gain:
            return 0.0
        begin = self._delay
        stretch = self._sent[max(0, begin - _NEIGHBOURS) : begin + _HEARD + _NEIGHBOURS]
        matched = np.correlate(stretch, self._heard, "valid")
        at = int(np.abs(matched).argmax())
        sent = stretch[at : at + _HEARD]
        sent_energy = float(sent @ sent)
        alike = float(matched[at]) ** 2 / (heard_energy * max(sent_energy, _SILENT * _HEARD))
        if alike >= ECHO:
            self._found = 0.0
            gain = heard_energy * alike / max(sent_energy, _SILENT * _HEARD)
            self._gain += _LEARNING * (gain - self._gain)
        return min(1.0, max(alike, self._gain * sent_energy / heard_energy))

    def _search(self, heard_energy: float) -> float:
        """Try all delays, and return what the best of late explains."""
        matched = np.fft.irfft(
            np.fft.rfft(self._sent, _LENGTH) * np.fft.rfft(self._heard, _LENGTH).conj(), _LENGTH
        )[: _LAGS + 1]
        summed = np.concatenate([_NOTHING, np.cumsum(np.square(self._sent, dtype=np.float64))])
        sent_energy = np.maximum(summed[_HEARD:] - summed[:-_HEARD], _SILENT * _HEARD)
        now = np.square(matched) / (heard_energy * sent_energy)
        self._explained = (_MEMORY * self._explained + (1 - _MEMORY) * now).astype(np.float32)
        best = int(self._explained.argmax())
        # Neither a chance resemblance of this stretch nor the memory of an echo that has ended.
        near = now[max(0, best - _NEIGHBOURS) : best + _NEIGHBOURS + 1]
        share = float(min(1.0, near.max(), self._explained[best]))
        # Two searches that agree: a voice is like another at some delay or other, an echo always at its own.
        if share >= _SURE and abs(best - self._best) <= 2 * _NEIGHBOURS:
            self._delay = best
            self._gain = heard_energy * share / float(sent_energy[best])
        self._best = best
        return share

    def _recall(self, end: int) -> None:
        """Slide what was sent so that it ends where the caller's audio does."""
        moved = end - self._sent_until
        if abs(moved) >= len(self._sent):
            self._sent = np.zeros_like(self._sent)
        elif moved > 0:
            self._sent = np.concatenate([self._sent[moved:], np.zeros(moved, np.float32)])
        elif moved < 0:
            self._sent = np.concatenate([np.zeros(-moved, np.float32), self._sent[:moved]])
        self._sent_until = end
        begin = end - len(self._sent)
        while self._fresh:
            plays_at, pcm = self._fresh[0]
            at = round(plays_at * _RATE) - begin
            frame = _halved(pcm)
            if at + len(frame) > len(self._sent):
                # Not heard yet, nor can it have come back.
                return
            self._fresh.popleft()
            if at >= 0:
                self._sent[at : at + len(frame)] = frame


def _halved(pcm: bytes) -> _Floats:
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    return (samples[0::2] + samples[1::2]) * np.float32(0.5)
