"""Recordings of live calls on their way to the spool: stereo WAV, the caller left, the agent right.

Owns one thread that writes for all calls of the process, the bound on what waits for it, and the files'
format. Refuses to know who may be recorded and where recordings are kept: whoever stores them takes the
finished files, which alone end in `.wav`.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO

import numpy as np

from trunkline.core.telemetry import get_logger
from trunkline.kit import clock, wav
from trunkline.kit.audio import BYTES_PER_MS, SAMPLE_BYTES
from trunkline.providers.ports import SAMPLE_RATE

_EVERY_S = 0.25
"""How often what has come in is written."""
_BEHIND_S = 1.0
"""So much stays in memory: the two sides of a moment do not come at the same time."""
_MOST_WAITING = 3_000
"""Frames of one call that may wait for the disk: half a minute of both sides, a megabyte."""
_JITTER_S = 0.06
"""Sound this near to where the last ended follows on it."""
_CLOSE_S = 10.0
_CALLER, _AGENT = 0, 1

log = get_logger(__name__)


class WavRecording:
    """One call's `Recorder`. Its `on_*` belong to the loop, `write` and `finish` to the thread."""

    def __init__(self, path: Path, *, most_waiting: int = _MOST_WAITING) -> None:
        self.dropped = 0
        self.failure = ""
        self.is_closed = False
        self._path = path
        self._most_waiting = most_waiting
        self._waiting: deque[tuple[int, bytes, float]] = deque()
        self._file: IO[bytes] | None = None
        self._begins_at: float | None = None
        self._began_at: datetime | None = None
        """The same by the calendar, for whoever plays it."""
        self._ahead = (bytearray(), bytearray())
        """Each side's sound from where the file ends."""
        self._written = 0
        """Bytes of each side in the file."""

    # --- The loop's part ------------------------------------------------------------------

    def on_caller(self, pcm: bytes, at: float) -> None:
        self._put(_CALLER, pcm, at)

    def on_agent(self, pcm: bytes, at: float) -> None:
        self._put(_AGENT, pcm, at)

    def _put(self, side: int, pcm: bytes, at: float) -> None:
        if self.failure:
            return
        if self._began_at is None:
            self._began_at = clock.now()
        if len(self._waiting) >= self._most_waiting:
            self.dropped += 1
        else:
            self._waiting.append((side, pcm, at))

    def close(self) -> None:
        self.is_closed = True

    # --- The thread's part ----------------------------------------------------------------

    def write(self, *, all_of_it: bool) -> None:
        """Write what is there but for the last second; at the end `all_of_it`. Trouble ends the recording."""
        while self._waiting:
            self._place(*self._waiting.popleft())
        longest = max(map(len, self._ahead))
        ready = longest if all_of_it else longest - int(_BEHIND_S * 1000) * BYTES_PER_MS
        if ready <= 0 or self.failure:
            return
        sides = []
        for ahead in self._ahead:
            sides.append(bytes(ahead[:ready]).ljust(ready, b"\0"))
            del ahead[:ready]
        try:
            self._append(np.column_stack([np.frombuffer(side, "<i2") for side in sides]).tobytes())
            self._written += ready
        except OSError as error:
            self._fail(error)

    def finish(self) -> None:
        """Write the rest and the lengths, and give the file its name."""
        self.write(all_of_it=True)
        if self._file is None:
            return
        try:
            self._file.seek(0)
            self._file.write(self._header(self._written // SAMPLE_BYTES))
            self._file.close()
            self._part.rename(self._path)
        except OSError as error:
            self._fail(error)

    def _header(self, frames: int) -> bytes:
        return wav.header(frames, rate=SAMPLE_RATE, began_at=self._began_at or clock.now())

    @property
    def _part(self) -> Path:
        return self._path.with_suffix(".part")

    def _append(self, pcm: bytes) -> None:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # What people say is nobody's but their own.
            self._path.parent.chmod(0o700)
            self._file = self._part.open("wb")
            self._file.write(self._header(0))
        self._file.write(pcm)
        self._file.flush()

    def _fail(self, error: OSError) -> None:
        """Nothing more is recorded. Half a recording is of no use, and the disk may need its room."""
        self.failure = str(error)
        self._waiting.clear()
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
        self._file = None
        with suppress(OSError):
            self._part.unlink(missing_ok=True)
        log.error("recording_failed", file=self._path.name, reason=self.failure)

    def _place(self, side: int, pcm: bytes, at: float) -> None:
        if self._begins_at is None:
            self._begins_at = at
        ahead = self._ahead[side]
        gap_s = at - self._begins_at - (self._written + len(ahead)) / BYTES_PER_MS / 1000
        if gap_s > _JITTER_S:
            ahead += bytes(round(gap_s * SAMPLE_RATE) * SAMPLE_BYTES)
        elif gap_s < -_JITTER_S and len(ahead) == 0:
            # It belongs where the file has been written already.
            pcm = pcm[round(-gap_s * SAMPLE_RATE) * SAMPLE_BYTES :]
        ahead += pcm


class Recordings:
    """The process's recordings. Its thread runs from the first one on until `close`."""

    def __init__(self, spool: Path) -> None:
        self.spool = self._spool = spool
        self._open: deque[WavRecording] = deque()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, name: str) -> WavRecording:
        """Return the recorder of a call; its file appears under this name when the call is over."""
        recording = WavRecording(self._spool / f"{name}.wav")
        self._open.append(recording)
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_forever, name="recordings", daemon=True)
            self._thread.start()
        return recording

    def close(self) -> None:
        """Finish what is to be finished. Blocks; off the loop."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_S)

    def _write_forever(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._closing.wait(_EVERY_S)
            for _ in range(len(self._open)):
                recording = self._open.popleft()
                # Asked first: what comes in before it is closed is written.
                if recording.is_closed or is_last:
                    recording.finish()
                else:
                    recording.write(all_of_it=False)
                    self._open.append(recording)
