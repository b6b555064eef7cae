"""The agent's side of the conversation: the brain's acts performed, interrupted, resumed, recorded.

Owns whose words are in the air: one turn of the agent at a time, what was meant and what was
heard of it, and the inbox of the caller's turns, answered strictly one after another. Refuses
to know audio and evidence; the session tells it that the caller ended or interrupted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

from trunkline.media.agent_turn import AgentTurn, CallerTurn, elapsed_ms, forget, latency
from trunkline.media.floor import Floor
from trunkline.media.keypad import Keypad
from trunkline.media.listener import Listener
from trunkline.media.options import SessionOptions
from trunkline.media.parting import (
    BRAIN_FAILED,
    LAST_WORDS,
    MACHINE_NOTE,
    goodbye_of,
    or_hang_up,
    parting,
)
from trunkline.media.playback import Piece, text_heard
from trunkline.media.scribe import EventKind, Scribe
from trunkline.media.speaker import Spawn, Speaker, close_all, close_early
from trunkline.media.tool_use import ToolUse
from trunkline.media.transmitter import Transmitter
from trunkline.media.understanding import Understanding
from trunkline.providers.ports import (
    Act,
    Brain,
    BrainFailed,
    CallBrief,
    Grammar,
    HangUp,
    Heard,
    InputKind,
    Listen,
    Note,
    Say,
    Sound,
    Speaking,
    ToolRunner,
)

_NUMBER_DIGITS = 4
"""An answer of this many digits is spoken in groups, with pauses between them."""

Performance = Callable[[], AsyncIterator[Act]]
"""Begins a turn of the agent that answers nobody."""


class Talk:
    """Performs one conversation. `run` answers the caller's turns until the task is cancelled."""

    def __init__(
        self,
        *,
        brain: Brain,
        brief: CallBrief,
        tools: ToolRunner,
        options: SessionOptions,
        listener: Listener,
        keypad: Keypad,
        scribe: Scribe,
        clock: Callable[[], float],
        spawn: Spawn,
        end: Callable[[str], None],
    ) -> None:
        self._tools = ToolUse(tools, timeout_s=options.tool_timeout_s, scribe=scribe, clock=clock)
        self._conversation = brain.open(brief, self._tools.use)
        self._options = options
        self._listener = listener
        listener.own_ears = self._conversation.listen
        self._understanding = Understanding(listener, scribe, options=options, clock=clock, spawn=spawn)
        self._keypad = keypad
        self._scribe = scribe
        self._clock = clock
        self._spawn = spawn
        self._end = end
        self._speaker: Speaker
        self._transmitter: Transmitter
        self._inbox: asyncio.Queue[CallerTurn | Performance] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._started_at = clock()
        self._agent = AgentTurn(0, None, told=True, generated=True)
        self._voice_failures = 0
        self._leaving: str | None = None
        self.grammar: Grammar | None = None
        """What the caller is expected to say next."""
        self.digits = 0
        """How long a number the caller is expected to say; 0 where none is."""
        self.closing = False
        """The goodbye is being said."""
        self.floor = Floor(waiting=lambda: not self._inbox.empty(), wanted=lambda: self._agent.outdated)
        self.unattended = False
        """A machine has answered and gets a message: what it says is no turn of anybody's."""
        self.hears_machine: Callable[[], bool] = lambda: False
        """Told when the brain takes the words for a machine's; True: somebody else sees to the call."""
        self.interruptions = 0
        self.turns = 0

    def bind(self, speaker: Speaker, transmitter: Transmitter) -> None:
        """Give it its voice; both report back here, so they are made after it."""
        self._speaker = speaker
        self._transmitter = transmitter

    # --- How it stands --------------------------------------------------------------------

    @property
    def greeting(self) -> bool:
        """True until the caller has been answered for the first time."""
        return self.turns <= 1

    @property
    def reply_due_since(self) -> float | None:
        """Since when the caller has been waiting for the agent's voice; None while nobody waits."""
        agent = self._agent
        if agent.sounded or agent.cut or agent.answers is None or self.floor.caller_speaks():
            return None
        if agent.generated and all(piece.failed for piece in agent.pieces):
            return None
        return agent.answers.decided_at

    @property
    def quiet(self) -> bool:
        """True when the agent neither thinks nor speaks, and owes no answer."""
        busy = self.floor.taken or not self._inbox.empty() or self._generating or self._speaker.busy
        return not busy and not self.unattended and not self._transmitter.sounding()

    @property
    def listening(self) -> bool:
        """False once nothing that the caller says can change the end of the call."""
        return not self.closing or self._agent.hang_up not in LAST_WORDS

    @property
    def _generating(self) -> bool:
        return self._task is not None and not self._task.done()

    # --- What the session tells -----------------------------------------------------------

    def caller_turn(self, turn: CallerTurn) -> None:
        """The caller has had a turn: answer it when those before it are answered."""
        self._inbox.put_nowait(turn)

    def part(self, reason: str) -> None:
        """End the call politely: the farewell, then the hang-up."""
        self.perform(partial(parting, self._options.farewell, reason))

    def leave(self, reason: str) -> None:
        """The agent's part is over with its present turn: end for this reason once that has been heard."""
        self._leaving = reason

    def perform(self, performance: Performance) -> None:
        """Do these acts, in place of whatever the agent is doing by then."""
        self._inbox.put_nowait(performance)

    async def heard_out(self) -> str:
        """Wait until all that was said has been played; return what was heard of the turn."""
        await self._speaker.finished()
        await self._transmitter.heard_out()
        return text_heard(self._agent.pieces, self._clock())

    async def interrupt(self) -> None:
        """The caller speaks over the agent: silence it at once, and let the brain stop."""
        agent = self._agent
        if self.closing or agent.cut or not (self._speaker.busy or self._transmitter.sounding()):
            return
        self.interruptions += 1
        await self._hush(agent)
        if self._generating:
            self._spawn("break-off", self._break_off(agent))

    def tick(self) -> None:
        """Put on record what was heard out without its mark coming back."""
        if self._agent.generated and not (self._speaker.busy or self._transmitter.sounding()):
            self._tell(self._agent)

    def played(self, piece: Piece) -> None:
        """The carrier confirmed a piece."""
        agent = self._agent
        agent.piece_played(piece, self._clock())
        if agent.generated and not self._speaker.busy and all(one.played for one in agent.pieces):
            self._tell(agent)

    def voice_failed(self, piece: Piece, why: str) -> None:
        """A sentence could not be spoken: the call goes on without it, unless it keeps happening."""
        self._voice_failures += 1
        self._scribe.record(EventKind.TROUBLE, what="voice_failed", detail=why, text=piece.text)
        if self._voice_failures >= self._options.voice_failures:
            self._end("speech_failed")

    def first_frame(self, piece: Piece) -> None:
        """A piece's first frame is on the wire: measure the turn if it is its first."""
        self._voice_failures = 0
        agent = self._agent
        if agent.sounded or piece not in agent.pieces:
            return
        agent.sounded = True
        measured = latency(agent, piece, began_at=self._started_at, wire_at=self._clock())
        if measured:
            self._scribe.record(EventKind.LATENCY, turn=agent.number, **measured)

    # --- Answering ------------------------------------------------------------------------

    async def run(self) -> None:
        """Open the conversation, then answer one turn of the caller after another."""
        self._start(self._conversation.begin(), None)
        while True:
            item = await self._inbox.get()
            self.floor.taken = True
            if self.closing and self.listening and isinstance(item, CallerTurn):
                await self._reconsider(item)
            elif self.closing or (self.unattended and isinstance(item, CallerTurn)):
                forget(item)
            elif isinstance(item, CallerTurn):
                await self._take(item)
            else:
                await self._take_floor()
                self._start(item(), None)
            self.floor.taken = False

    async def _take(self, turn: CallerTurn) -> None:
        heard = await self._understanding.hear(turn)
        over_agent = bool(self._agent.unheard or self._tools.running) or self._may_sound()
        if await self._understanding.is_nothing(turn, heard, over_agent=over_agent) and self._carry_on():
            return
        if not self.unattended:
            await self._answer(turn, heard)

    async def _reconsider(self, turn: CallerTurn) -> None:
        """Something was said during the goodbye: "bye" lets the call end, "wait, one more thing" does not."""
        if turn.kind is not InputKind.SPEECH:
            forget(turn)
            return
        heard = await self._understanding.hear(turn)
        if await self._understanding.is_more_than_goodbye(turn, heard) and self.listening:
            self.closing = False
            reason, self._agent.hang_up = self._agent.hang_up, None
            await self._answer(turn, heard, unless=reason)

    async def _answer(self, turn: CallerTurn, heard: Heard, *, unless: str | None = None) -> None:
        """Answer a turn; a brain that has nothing more to say leaves the call's end as it was."""
        await self._take_floor()
        if self.closing:
            return
        answer = self._conversation.hear(heard)
        if turn.kind is InputKind.MACHINE:
            answer = goodbye_of(answer)
        self._start(answer if unless is None else or_hang_up(answer, unless), turn)

    def _carry_on(self) -> bool:
        """Nothing was said after all: go on from the word at which the agent was cut.

        False if it was not saying anything.
        """
        agent = self._agent
        if agent.cut:
            if not (agent.generated and agent.unheard):
                return False
            self._agent = agent.resumption()
            self._agent.pieces = [self._speaker.say(said) for said in agent.unheard]
            agent.unheard = []
            return True
        return self._generating or self._speaker.busy or self._transmitter.sounding()

    async def _take_floor(self) -> None:
        """Stop whatever the agent is still doing; a tool under way comes to its end first."""
        agent = self._agent
        if self._generating and not self.closing:
            await self._break_off(agent)
        if self.closing:
            return
        if not agent.cut and (self._speaker.busy or self._transmitter.sounding()):
            await self._hush(agent)
        self._tell(agent)
        if (agent.outdated or agent.failed) and not agent.cut:
            agent.cut_off(self._clock())
        if agent.cut:
            await close_all(agent.unheard)
            self._conversation.interrupted(agent.heard_in_all, played_ms=agent.played_in_all_ms)

    async def _break_off(self, agent: AgentTurn) -> None:
        """End a turn whose answer nobody waits for any more. What its tool has done stays done."""
        if self._task is not None:
            agent.outdated = True
            await self._tools.then_stop(self._task, unless=lambda: self._leaving is not None)

    async def _hush(self, agent: AgentTurn) -> None:
        decided_at = self._clock()
        rests = (self._speaker.rest_of(piece) for piece in agent.pieces if not piece.failed)
        agent.unheard = [rest for rest in rests if rest is not None]
        agent.cut_off(decided_at)
        self._speaker.cancel()
        await self._transmitter.clear()
        self._scribe.record(
            EventKind.LATENCY, turn=agent.number, clear_ms=elapsed_ms(decided_at, self._clock())
        )
        self._tell(agent)

    # --- Performing -----------------------------------------------------------------------

    def _start(self, acts: AsyncIterator[Act], answers: CallerTurn | None) -> None:
        self.turns += 1
        self._agent = AgentTurn(self.turns, answers)
        self._keypad.offer(0)
        self._task = self._spawn("turn", self._perform(acts, self._agent))

    async def _perform(self, acts: AsyncIterator[Act], agent: AgentTurn) -> None:
        try:
            async for act in acts:
                if act == MACHINE_NOTE and self.hears_machine():
                    break
                if isinstance(act, Say | Sound):
                    await self.floor.until_free(self._may_sound)
                stale = agent.outdated and not self._tools.running and self._leaving is None
                if stale and not isinstance(act, Note):
                    return
                self._act(act, agent)
        except BrainFailed as failure:
            self._scribe.record(EventKind.TROUBLE, what=BRAIN_FAILED, detail=str(failure))
            self._act(Say(self._options.apology), agent)
            agent.hang_up = BRAIN_FAILED
        finally:
            await close_early(acts)
        agent.generated = True
        agent.hang_up = agent.hang_up or agent.last_reason or self._leaving
        if agent.hang_up is None:
            self.tick()
            return
        self.closing = True
        if not self.listening:
            self._listener.drop()
        await self._speaker.finished()
        await self._transmitter.heard_out()
        await self.floor.until_free(lambda: not self.listening)
        if agent.hang_up is None:
            return  # "Bye ... wait": there is more to say.
        self._tell(agent)
        self._end(agent.hang_up)

    def _may_sound(self) -> bool:
        return self.unattended or self._speaker.busy or self._transmitter.sounding()

    def _act(self, act: Act, agent: AgentTurn) -> None:
        match act:
            case Say(text=text) if text.strip() and not agent.cut:
                self._say(text, agent)
            case Sound(speaking=speaking) if not agent.cut:
                self._say(speaking, agent)
            case Note(name=name, value=value):
                self._scribe.record(EventKind.NOTE, name=name, value=value)
            case Listen(grammar=grammar, digits=digits):
                self.grammar = grammar
                self.digits = digits if digits >= _NUMBER_DIGITS else 0
                self._keypad.offer(digits)
            case HangUp(reason=reason):
                agent.hang_up = reason

    def _say(self, said: str | Speaking, agent: AgentTurn) -> None:
        if agent.first_text_at is None:
            agent.first_text_at = self._clock()
        agent.pieces.append(self._speaker.say(said))

    # --- The record -----------------------------------------------------------------------

    def _tell(self, agent: AgentTurn) -> None:
        """Put what the agent said, and what was heard of it, on record; once."""
        if agent.told or not agent.pieces:
            return
        agent.told = True
        if not agent.cut:
            agent.heard_text = text_heard(agent.pieces, self._clock())
        self._scribe.record(EventKind.AGENT_SAID, **agent.account())

    # --- The end --------------------------------------------------------------------------

    async def settle(self) -> None:
        """The call is over: let a tool under way come to its end, so that its outcome is on record."""
        self._tell(self._agent)
        self._agent.cut = True
        self._speaker.cancel()
        self._transmitter.cut()
        await close_all(self._agent.unheard)
        if self._task is not None and self._tools.running:
            await asyncio.wait([self._task], timeout=self._options.tool_grace_s)
        await self._understanding.settle()

    async def close(self) -> None:
        """Everything of the call has ended: let the brain go."""
        await self._conversation.close()

    def discard(self) -> None:
        """Forget turns of the caller that nobody will answer."""
        while not self._inbox.empty():
            forget(self._inbox.get_nowait())
