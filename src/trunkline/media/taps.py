"""Who hears a call besides its two sides: a recorder from its start on, and whoever listens in for a while.

Owns where the taps are set. As long as nobody hears along, nothing is there and no frame is touched.
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.media.frames import AudioIn
from trunkline.media.reader import Reader
from trunkline.media.recording import Recorder, Recording
from trunkline.media.scribe import Scribe
from trunkline.media.transmitter import Transmitter


class Taps:
    """One call's taps, between what its reader and transmitter handle and those who hear along."""

    def __init__(
        self,
        reader: Reader,
        transmitter: Transmitter,
        scribe: Scribe,
        recorder: Recorder | None,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._reader = reader
        self._transmitter = transmitter
        self._clock = clock
        self.recording = None if recorder is None else Recording(recorder, scribe, clock=clock)
        self._hearing: tuple[Recording, ...] = () if self.recording is None else (self.recording,)
        self._closed = False
        self._set()

    def overhear(self, ear: Recorder) -> Callable[[], None]:
        """Let somebody hear both sides from now on, until what is returned is called, or the call is over."""
        tap = Recording(ear, None, clock=self._clock)
        if self._closed:
            tap.close()
            return lambda: None
        self._hearing = (*self._hearing, tap)
        self._set()

        def stop() -> None:
            self._hearing = tuple(one for one in self._hearing if one is not tap)
            self._set()

        return stop

    @property
    def listeners(self) -> int:
        """How many listen in now."""
        return sum(tap is not self.recording for tap in self._hearing)

    def tick(self) -> None:
        """See `Recording.tick`."""
        if self.recording is not None:
            self.recording.tick()

    def close(self) -> None:
        """The call is over."""
        self._closed = True
        for tap in self._hearing:
            tap.close()

    def caller(self, audio: AudioIn) -> None:
        """See `Recording.caller`."""
        for tap in self._hearing:
            tap.caller(audio)

    def sent(self, frame: bytes, plays_at: float) -> None:
        """See `PlayedTap.sent`."""
        for tap in self._hearing:
            tap.sent(frame, plays_at)

    def cut(self, now: float) -> None:
        """See `PlayedTap.cut`."""
        for tap in self._hearing:
            tap.cut(now)

    def _set(self) -> None:
        self._reader.tap = self.caller if self._hearing else None
        self._transmitter.tap = self if self._hearing else None
