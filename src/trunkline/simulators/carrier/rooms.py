"""Rooms where telephones meet: a dialled colleague's line, and conferences of any size.

Owns the mixing: every 20 ms each party hears the sum of the others, or the music while nobody has begun
the conference. Knows nothing of calls and TwiML.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from trunkline.kit.audio import add, pcm_to_ulaw, ulaw_to_pcm
from trunkline.providers.twilio.wire import FRAME_BYTES
from trunkline.simulators.carrier.stream import SILENT_FRAME, Party

_FRAME_S = 0.02


@dataclass(slots=True, eq=False)
class Seat:
    """One party in a room, and what it has heard there."""

    party: Party
    music: bytes = b""
    """Mu-law that it hears, over and over, until the room begins."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    heard_frames: int = 0
    """Frames with somebody's voice in them."""
    music_frames: int = 0
    _at: int = 0

    def leave(self) -> None:
        """Go, or be sent away; the party is no longer heard."""
        self.left.set()

    def hear_music(self) -> None:
        frame = (self.music[self._at : self._at + FRAME_BYTES] or SILENT_FRAME).ljust(FRAME_BYTES, b"\xff")
        self._at = (self._at + FRAME_BYTES) % max(len(self.music), 1)
        self.music_frames += frame != SILENT_FRAME
        self.party.hear(frame)

    def hear(self, frame: bytes) -> None:
        self.heard_frames += frame != SILENT_FRAME
        self.party.hear(frame)


class Room:
    """A conference. `run` carries its audio for as long as somebody is in it."""

    def __init__(self, *, begun: bool = False) -> None:
        self.begun = begun
        self.seats: list[Seat] = []
        self._task: asyncio.Task[None] | None = None

    def enter(self, seat: Seat, *, begins: bool) -> None:
        """Seat a party; the audio of the room begins to flow with the first."""
        self.seats.append(seat)
        self.begun = self.begun or begins
        if self._task is None:
            self._task = asyncio.create_task(self._carry(), name="room")

    def go(self, seat: Seat, *, ends: bool) -> None:
        """Let a party leave; with `ends`, everybody else leaves as well."""
        if seat in self.seats:
            self.seats.remove(seat)
        seat.leave()
        if ends:
            for other in self.seats:
                other.leave()

    async def _carry(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while self.seats:
            self._tick()
            due = max(due + _FRAME_S, loop.time() - 5 * _FRAME_S)
            await asyncio.sleep(max(0.0, due - loop.time()))
        self._task = None

    def _tick(self) -> None:
        said = {id(seat): seat.party.next_frame() or SILENT_FRAME for seat in self.seats}
        for seat in self.seats:
            seat.party.next_key()
            if self.begun:
                seat.hear(mixed(said[id(other)] for other in self.seats if other is not seat))
            else:
                seat.hear_music()


def mixed(frames: Iterable[bytes]) -> bytes:
    """Return the sum of these mu-law frames; one alone is passed on as it is."""
    several = list(frames)
    if len(several) < 2:
        return several[0] if several else SILENT_FRAME
    total = ulaw_to_pcm(several[0])
    for frame in several[1:]:
        total = add(total, ulaw_to_pcm(frame))
    return pcm_to_ulaw(total)
