"""The delivery of what the agent says: one turn at a time, silenced, resumed, repeated, put on record.

Owns the agent's present turn and what became of its words: voiced, cut, heard, failed. Refuses to know
whom a turn answers and whether it is still wanted.
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.media.agent_turn import AgentTurn, elapsed_ms, latency
from trunkline.media.playback import Piece, text_heard
from trunkline.media.scribe import EventKind, Scribe
from trunkline.media.speaker import Speaker, close_all
from trunkline.media.transmitter import Transmitter
from trunkline.providers.ports import Speaking


class Delivery:
    """One call's delivery. `bind` gives it its voice before anything is said.

    `most_failures` sentences in a row that could not be spoken end the call by `end`.
    """

    def __init__(
        self, scribe: Scribe, *, clock: Callable[[], float], most_failures: int, end: Callable[[str], None]
    ) -> None:
        self._scribe = scribe
        self._clock = clock
        self._most_failures = most_failures
        self._end = end
        self._began_at = clock()
        self._failures = 0
        self._speaker: Speaker
        self._transmitter: Transmitter
        self.agent = AgentTurn(0, None, told=True, generated=True)
        """The agent's present turn."""

    def bind(self, speaker: Speaker, transmitter: Transmitter) -> None:
        """Give it its voice; both report back here, so they are made after it."""
        self._speaker = speaker
        self._transmitter = transmitter

    @property
    def sounding(self) -> bool:
        """True while something is voiced, in line or still to be heard."""
        return self._speaker.busy or self._transmitter.sounding()

    def say(self, said: str | Speaking) -> None:
        """Put a sentence or a sound of the present turn in line."""
        agent = self.agent
        if agent.first_text_at is None:
            agent.first_text_at = self._clock()
        agent.pieces.append(self._speaker.say(said))

    async def heard_out(self) -> None:
        """Wait until all that was said has been played."""
        await self._speaker.finished()
        await self._transmitter.heard_out()

    def text_heard(self) -> str:
        """Return what has been heard of the present turn by now."""
        return text_heard(self.agent.pieces, self._clock())

    async def hush(self) -> None:
        """Silence the agent at once; what was not heard is kept for `resume`."""
        agent, decided_at = self.agent, self._clock()
        rests = (self._speaker.rest_of(piece) for piece in agent.pieces if not piece.failed)
        agent.unheard = [rest for rest in rests if rest is not None]
        agent.cut_off(decided_at)
        self._speaker.cancel()
        await self._transmitter.clear()
        self._scribe.record(
            EventKind.LATENCY, turn=agent.number, clear_ms=elapsed_ms(decided_at, self._clock())
        )
        self.tell()

    def resume(self) -> None:
        """Go on from the word at which the present turn was cut."""
        cut = self.agent
        self.agent = cut.resumption()
        self.agent.pieces = [self._speaker.say(said) for said in cut.unheard]
        cut.unheard = []

    async def stop(self) -> None:
        """The call is over: nothing more is said."""
        self.tell()
        self.agent.cut = True
        self._speaker.cancel()
        self._transmitter.cut()
        await close_all(self.agent.unheard)

    # --- What became of it ----------------------------------------------------------------

    def tick(self) -> None:
        """Put on record what was heard out without its mark coming back."""
        if not self.agent.generated or self.sounding:
            return
        if not self._repeat():
            self.tell()

    def played(self, piece: Piece) -> None:
        """The carrier confirmed a piece."""
        agent = self.agent
        agent.piece_played(piece, self._clock())
        if not agent.generated or self._speaker.busy or all(one.failed for one in agent.pieces):
            return
        if all(one.played for one in agent.pieces):
            self.tell()

    def voice_failed(self, piece: Piece, why: str) -> None:
        """A sentence could not be spoken: the call goes on without it, unless it keeps happening."""
        self._failures += 1
        self._scribe.record(EventKind.TROUBLE, what="voice_failed", detail=why, text=piece.text)
        if self._failures >= self._most_failures:
            self._end("speech_failed")

    def first_frame(self, piece: Piece) -> None:
        """A piece's first frame is on the wire: measure the turn if it is its first."""
        self._failures = 0
        agent = self.agent
        if agent.sounded or piece not in agent.pieces:
            return
        agent.sounded = True
        measured = latency(agent, piece, began_at=self._began_at, wire_at=self._clock())
        if measured:
            self._scribe.record(EventKind.LATENCY, turn=agent.number, **measured)

    def tell(self) -> None:
        """Put what the agent said, and what was heard of it, on record; once a turn."""
        agent = self.agent
        if agent.told or not agent.pieces:
            return
        agent.told = True
        if not agent.cut:
            agent.heard_text = self.text_heard()
        self._scribe.record(EventKind.AGENT_SAID, **agent.account())

    def _repeat(self) -> bool:
        """Say a turn once more of which nothing could be voiced: another voice may have taken over by now.

        False where there is nothing to repeat: sound of the brain's own is gone when it has failed.
        """
        agent = self.agent
        texts = [piece.said for piece in agent.pieces if isinstance(piece.said, str)]
        if agent.repeated or agent.cut or agent.told or not texts:
            return False
        if not all(piece.failed and not piece.sent for piece in agent.pieces):
            return False
        agent.repeated = True
        agent.pieces = [self._speaker.say(text) for text in texts]
        return True
