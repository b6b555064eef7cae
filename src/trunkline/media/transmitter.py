"""The transmitter: agent audio onto the wire, 20 ms at a time, a little ahead of the ear.

Owns the bounded queue of frames, the pace, the marks and the `clear`. It keeps a model of the
carrier's buffer: every frame sent plays for 20 ms after the one before, so `plays_until` says
when the caller will have heard everything. A frame is due once that model is shorter than the
lead; a late wake-up catches up at no more than twice the pace of speech, and a stall that
emptied the buffer starts the model anew. Nothing is ever sent in a burst.

Comfort noise, where there is any, fills what is empty, frame by frame, and is no speech of the agent: no
account but its own, no mark and no evidence knows of it.

Refuses to know turns, text and the carrier's message format.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from trunkline.kit.audio import FRAME_BYTES, FRAME_MS, level
from trunkline.media.frames import Wire
from trunkline.media.playback import Piece

_FRAME_S = FRAME_MS / 1000
_CLOSEST_S = _FRAME_S / 2
"""Two frames never leave closer together than this."""
_PUNCTUAL_S = 0.0005
"""Timers fire this early; a frame this far from due is not worth another one."""
_VOICED_LEVEL = 60
"""Below this a frame of synthesised speech is a pause."""
_COMFORT_LEAD_S = 0.02
"""How far ahead of the ear it is sent: speech that begins waits behind that and a frame at most."""
_HUSH_S = 0.5
"""After a `clear` the caller has the line to themselves."""
_NOTHING = bytes(FRAME_BYTES)
"""A pause between sentences."""
_SAME_SPEECH_S = 0.25
"""A gap between sentences this short does not make the agent's speech begin anew."""


@dataclass(slots=True)
class FramesOut:
    """The account of one call's outgoing audio: `queued = sent + cleared` once it is over."""

    queued: int = 0
    sent: int = 0
    cleared: int = 0
    stalls: int = 0
    """How often we were so late that the caller heard a hole."""
    gap_ms: float = 0.0
    """The holes together."""
    worst_gap_ms: float = 0.0
    starved: int = 0
    """Holes because the voice was slower than speech."""
    comfort: int = 0
    """Frames of comfort noise, which are in none of the others."""

    def as_data(self) -> dict[str, Any]:
        return {name: round(value, 1) for name, value in asdict(self).items()}


class PlayedTap(Protocol):
    """Learns of every frame that the carrier was given, and of those that it threw away. Never blocks."""

    def sent(self, frame: bytes, plays_at: float) -> None:
        """This frame begins to be heard at this time, unless it is cut off before."""

    def cut(self, now: float) -> None:
        """From now on nothing of what was sent is heard."""


class Transmitter:
    """One call's way out. `run` is its loop; `clock` and `sleep` belong together."""

    def __init__(
        self,
        wire: Wire,
        *,
        lead_s: float,
        limit_frames: int,
        mark_grace_s: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_first_frame: Callable[[Piece], None] = lambda _: None,
        on_played: Callable[[Piece], None] = lambda _: None,
    ) -> None:
        self._wire = wire
        self._lead_s = lead_s
        self._limit = limit_frames
        self._mark_grace_s = mark_grace_s
        self._clock = clock
        self._sleep = sleep
        self._on_first_frame = on_first_frame
        self._on_played = on_played
        self.on_frame: Callable[[bytes, float], None] = lambda _pcm, _plays_at: None
        """Told of every frame of speech on its way out, and when the caller hears it."""
        self.comfort: Callable[[], bytes] | None = None
        """Makes the next frame of what is heard while nothing else is; None: silence."""
        self.tap: PlayedTap | None = None
        """Whoever records what is played."""
        self._line: deque[Piece] = deque()
        self._unplayed: dict[str, Piece] = {}
        self._waiting = 0
        self._marks = 0
        self._starving = False
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._plays_until = clock()
        self._comfort_until = self._plays_until
        self._last_sent = self._plays_until - 1.0
        self._sounding_since = self._plays_until
        self._comfort_at = self._plays_until
        self.sending_since: float | None = None
        """When the send now under way began; a socket half dead keeps it set."""
        self.frames = FramesOut()

    # --- From the speaker -----------------------------------------------------------------

    def add(self, piece: Piece) -> None:
        """Put a piece in line, behind everything added before."""
        self._line.append(piece)

    async def put(self, piece: Piece, pcm: bytes) -> None:
        """Append audio to a piece in line; waits while the queue is full. A cut piece takes none."""
        audio = piece.rest + pcm if piece.rest else pcm
        offset = 0
        while not piece.cut:
            while self._waiting < self._limit and len(audio) - offset >= FRAME_BYTES:
                self._append(piece, audio[offset : offset + FRAME_BYTES])
                offset += FRAME_BYTES
            self._work.set()
            if len(audio) - offset < FRAME_BYTES:
                piece.rest = audio[offset:]
                return
            self._room.clear()
            await self._room.wait()

    def finish(self, piece: Piece) -> None:
        """The piece is complete: its mark follows its last frame."""
        if piece.rest and not piece.cut:
            self._append(piece, piece.rest.ljust(FRAME_BYTES, b"\0"))
        piece.rest = b""
        piece.complete = True
        self._work.set()

    def _append(self, piece: Piece, frame: bytes) -> None:
        voiced = level(frame) > _VOICED_LEVEL
        piece.voiced.append(voiced)
        if voiced:
            if piece.first_voiced < 0:
                piece.first_voiced = piece.made
            piece.last_voiced = piece.made
        piece.frames.append(frame)
        piece.made += 1
        self._waiting += 1
        self.frames.queued += 1

    # --- What the caller hears ------------------------------------------------------------

    def sounding(self) -> bool:
        """True while the caller still hears the agent, by the carrier's marks and by the clock."""
        now = self._clock()
        if self._waiting or now < self._plays_until:
            return True
        return bool(self._unplayed) and now < self._plays_until + self._mark_grace_s

    def sounding_ms(self) -> int | None:
        """Return for how long the caller has been hearing the agent; None in silence."""
        now = self._clock()
        if now >= self._plays_until:
            return None
        return int((now - self._sounding_since) * 1000)

    def mark_echoed(self, name: str) -> None:
        """A mark came back. Those flushed by our own `clear` are unknown here and prove nothing."""
        if name not in self._unplayed:
            return
        for earlier in list(self._unplayed):
            piece = self._unplayed.pop(earlier)
            piece.played = True
            self._on_played(piece)
            if earlier == name:
                return

    async def heard_out(self) -> bool:
        """Wait until everything in line has been played; False if the last mark stayed away."""
        while self._line or self._unplayed:
            if not self._line and self._clock() >= self._plays_until + self._mark_grace_s:
                return False
            await self._sleep(_FRAME_S)
        return True

    def cut(self) -> None:
        """Throw away everything in line and on its way. What was heard must be asked before."""
        self._cut([])

    async def clear(self) -> None:
        """Silence the agent: cut our line, flush the carrier's buffer. What is protected still goes out."""
        now = self._clock()
        kept = [piece for piece in self._line if piece.protected]
        begun = [piece for piece in (*kept, *self._unplayed.values()) if piece.protected and piece.sent]
        if any(now < piece.plays_until for piece in begun):
            # The carrier's buffer holds nothing else by now.
            self._drop_line(kept)
            return
        self._cut(kept)
        await self._wire.send_clear()

    def _drop_line(self, kept: list[Piece]) -> None:
        for piece in self._line:
            if piece not in kept:
                self._throw_away(piece)
        self._line = deque(kept)
        self._room.set()

    def _throw_away(self, piece: Piece) -> None:
        piece.cut = True
        self._waiting -= len(piece.frames)
        self.frames.cleared += len(piece.frames)
        piece.frames.clear()

    def _cut(self, kept: list[Piece]) -> None:
        self._drop_line(kept)
        for piece in self._unplayed.values():
            self._throw_away(piece)
        self._unplayed.clear()
        now = self._clock()
        self._plays_until = min(self._plays_until, now)
        # What the carrier has of the noise goes with the rest, and no more comes at once.
        self._comfort_until = min(self._comfort_until, now)
        self._comfort_at = now + _HUSH_S
        if self.tap is not None:
            self.tap.cut(now)

    # --- The loop -------------------------------------------------------------------------

    async def run(self) -> None:
        """Send what is due, for ever. Raises SocketClosed when the wire is gone."""
        while True:
            piece = self._line[0] if self._line else None
            if piece is None or not (piece.frames or piece.complete):
                self._starving = piece is not None
                await self._idle()
            elif piece.frames:
                wait_s = self._due() - self._clock()
                if wait_s > _PUNCTUAL_S:
                    # Whatever happens meanwhile, a `clear` above all, is looked at afresh.
                    await self._sleep(wait_s)
                else:
                    await self._send(piece)
            else:
                self._line.popleft()
                await self._mark(piece)

    async def _idle(self) -> None:
        """Wait for something to say; meanwhile send comfort noise as it is due."""
        self._work.clear()
        if self.comfort is None or not self.frames.sent:
            await self._work.wait()
            return
        begins = max(self._plays_until, self._comfort_until)
        wait_s = max(begins - _COMFORT_LEAD_S, self._comfort_at) - self._clock()
        if wait_s > _PUNCTUAL_S:
            timer = asyncio.get_running_loop().call_later(wait_s, self._work.set)
            await self._work.wait()
            timer.cancel()
            return
        frame, now = self.comfort(), self._clock()
        begins = max(begins, now)
        self._comfort_until = begins + _FRAME_S
        self.frames.comfort += 1
        if self.tap is not None:
            self.tap.sent(frame, begins)
        self.sending_since = now
        await self._wire.send_audio(frame)
        self.sending_since = None

    def _due(self) -> float:
        return max(self._plays_until - self._lead_s, self._last_sent + _CLOSEST_S)

    async def _send(self, piece: Piece) -> None:
        now = self._clock()
        late_s = now - self._plays_until
        if late_s > 0:
            if piece.sent and self._starving:
                self.frames.starved += 1
            elif piece.sent:
                self._note_gap(late_s * 1000)
            if late_s > _SAME_SPEECH_S or not self.frames.sent:
                self._sounding_since = now
        # Behind the comfort noise that the carrier still has.
        self._plays_until = max(now, self._plays_until, self._comfort_until)
        self._starving = False
        frame = piece.frames.popleft()
        self._waiting -= 1
        if self._waiting <= self._limit - self._limit // 8:
            self._room.set()
        self.on_frame(frame, self._plays_until)
        if self.comfort is not None and frame == _NOTHING:
            frame = self.comfort()
        if self.tap is not None:
            self.tap.sent(frame, self._plays_until)
        self._plays_until += _FRAME_S
        self._last_sent = now
        piece.sent += 1
        piece.plays_until = self._plays_until
        self.frames.sent += 1
        self.sending_since = now
        await self._wire.send_audio(frame)
        self.sending_since = None
        if piece.first_sent_at is None:
            piece.first_sent_at = self._clock()
            self._on_first_frame(piece)

    def _note_gap(self, gap_ms: float) -> None:
        self.frames.stalls += 1
        self.frames.gap_ms += gap_ms
        self.frames.worst_gap_ms = max(self.frames.worst_gap_ms, gap_ms)

    async def _mark(self, piece: Piece) -> None:
        if not piece.sent:
            # Nothing of it was audible, so nothing has to be confirmed.
            self._on_played(piece)
            return
        self._marks += 1
        name = f"p{self._marks}"
        self._unplayed[name] = piece
        await self._wire.send_mark(name)
