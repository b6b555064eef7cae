"""The recording tap: both sides of a call as they were heard, for whoever records.

Owns when a frame was heard: the caller's by the carrier's own clock, so that bursts and stalls of the
network leave no trace; the agent's only once it has been played, so that what a `clear` threw away is not
in it. Refuses to know files and formats. Without a recorder nothing of this is there, and no frame is
touched.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Protocol

from trunkline.kit.audio import BYTES_PER_MS
from trunkline.media.frames import AudioIn
from trunkline.media.scribe import EventKind, Scribe

_DRIFT_S = 0.00002
"""How much the carrier's clock may fall behind ours in a frame: a thousandth."""
_LOST_S = 0.25
"""Where the carrier does not say when: audio this much later than reckoned follows a hole."""
_ASTRAY_S = 10.0
"""Where it does: audio this much later than reckoned follows a time that was wrong. No network is so late."""


class Recorder(Protocol):
    """Takes a call's audio, PCM at 8 kHz. Never blocks and never raises: what it cannot take it drops.

    Times are the loop's, in seconds; each side comes in order, the two with up to a second between them.
    """

    dropped: int
    """Stretches that it had no room for."""
    failure: str
    """Why nothing more is recorded; empty while all is well."""

    def on_caller(self, pcm: bytes, at: float) -> None:
        """The caller began to say this at that time."""

    def on_agent(self, pcm: bytes, at: float) -> None:
        """The caller began to hear this of the agent at that time."""

    def close(self) -> None:
        """The call is over."""


class Recording:
    """One tap of a call. The reader gives it what comes in, the transmitter what goes out.

    Without a scribe, what goes wrong is on no record: it is somebody who listens in.
    """

    def __init__(self, recorder: Recorder, scribe: Scribe | None, *, clock: Callable[[], float]) -> None:
        self._recorder = recorder
        self._scribe = scribe
        self._clock = clock
        self._offset_s = math.inf
        """When the caller's stream began, as far as the least delayed frame tells."""
        self._heard_ms = 0
        self._on_its_way: deque[tuple[float, bytes]] = deque()
        """Frames of the agent that have not been heard out; a lead of them."""
        self._told = False

    def caller(self, audio: AudioIn) -> None:
        """Take a frame of the caller, just come in."""
        now, length_ms = self._clock(), len(audio.pcm) // BYTES_PER_MS
        stamped = audio.timestamp_ms >= 0
        stream_s = (audio.timestamp_ms if stamped else self._heard_ms) / 1000
        self._heard_ms += length_ms
        offset_s = now - length_ms / 1000 - stream_s
        if offset_s < self._offset_s or offset_s > self._offset_s + (_ASTRAY_S if stamped else _LOST_S):
            self._offset_s = offset_s
        else:
            self._offset_s += min(offset_s - self._offset_s, _DRIFT_S)
        self._recorder.on_caller(audio.pcm, self._offset_s + stream_s)
        self._hand_over(now)

    def sent(self, frame: bytes, plays_at: float) -> None:
        """See `PlayedTap.sent`."""
        self._on_its_way.append((plays_at, frame))
        self._hand_over(self._clock())

    def cut(self, now: float) -> None:
        """See `PlayedTap.cut`. Of a frame that is being played the caller has heard the beginning."""
        self._hand_over(now)
        if self._on_its_way:
            plays_at, frame = self._on_its_way[0]
            heard = max(0, int((now - plays_at) * 1000)) * BYTES_PER_MS
            if heard:
                self._recorder.on_agent(frame[:heard], plays_at)
        self._on_its_way.clear()

    def _hand_over(self, now: float) -> None:
        waiting = self._on_its_way
        while waiting and waiting[0][0] + len(waiting[0][1]) / BYTES_PER_MS / 1000 <= now:
            plays_at, frame = waiting.popleft()
            self._recorder.on_agent(frame, plays_at)

    def tick(self) -> None:
        """Put it on record once when recording has failed; the call goes on."""
        if self._scribe is not None and self._recorder.failure and not self._told:
            self._told = True
            self._scribe.record(EventKind.TROUBLE, what="recording_failed", detail=self._recorder.failure)

    def close(self) -> None:
        """The call is over: what was on its way to the ear is lost with it."""
        self.cut(self._clock())
        self._recorder.close()
        self.tick()
        if self._scribe is not None and self._recorder.dropped and not self._told:
            detail = f"{self._recorder.dropped} stretches of sound had no room"
            self._scribe.record(EventKind.TROUBLE, what="recording_gaps", detail=detail)
