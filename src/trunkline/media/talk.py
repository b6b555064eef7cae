"""The agent's side of the conversation: the brain's acts performed, interrupted, resumed, recorded.

Owns whose words are in the air: one turn of the agent at a time, what was meant and what was
heard of it, and the inbox of the caller's turns, answered strictly one after another. Refuses
to know audio and evidence; the session tells it that the caller ended or interrupted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

from trunkline.media.agent_turn import AgentTurn, CallerTurn, elapsed_ms, latency
from trunkline.media.keypad import Keypad
from trunkline.media.listener import Listener
from trunkline.media.options import SessionOptions
from trunkline.media.playback import Piece, text_heard, text_meant
from trunkline.media.scribe import EventKind, Scribe
from trunkline.media.speaker import Spawn, Speaker, close_early
from trunkline.media.transmitter import Transmitter
from trunkline.providers.ports import (
    Act,
    Brain,
    CallBrief,
    Grammar,
    HangUp,
    Heard,
    InputKind,
    Listen,
    Note,
    Say,
    SpeechFailed,
    ToolResult,
    ToolRunner,
)

VOICEMAIL = "voicemail"
"""Disposition and end reason of a call that a machine has answered."""

MACHINE_NOTE = Note("disposition", VOICEMAIL)
"""How a brain says that by the words a machine has answered."""

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
        self._conversation = brain.open(brief, self._use_tool)
        self._tools = tools
        self._options = options
        self._listener = listener
        self._keypad = keypad
        self._scribe = scribe
        self._clock = clock
        self._spawn = spawn
        self._end = end
        self._speaker: Speaker
        self._transmitter: Transmitter
        self._inbox: asyncio.Queue[CallerTurn | Performance] = asyncio.Queue()
        self._taking = False
        self._tools_running = 0
        self._task: asyncio.Task[None] | None = None
        self._started_at = clock()
        self._agent = AgentTurn(0, None, told=True, generated=True)
        self._voice_failures = 0
        self.grammar: Grammar | None = None
        """What the caller is expected to say next."""
        self.closing = False
        """The goodbye is being said; the caller is no longer listened to."""
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
        if agent.sounded or agent.cut or agent.answers is None:
            return None
        if agent.generated and all(piece.failed for piece in agent.pieces):
            return None
        return agent.answers.decided_at

    @property
    def quiet(self) -> bool:
        """True when the agent neither thinks nor speaks, and owes no answer."""
        busy = self._taking or not self._inbox.empty() or self._generating or self._speaker.busy
        return not busy and not self.unattended and not self._transmitter.sounding()

    @property
    def _generating(self) -> bool:
        return self._task is not None and not self._task.done()

    # --- What the session tells -----------------------------------------------------------

    def caller_turn(self, turn: CallerTurn) -> None:
        """The caller has had a turn: answer it when those before it are answered."""
        self._inbox.put_nowait(turn)

    def part(self, reason: str) -> None:
        """End the call politely: the farewell, then the hang-up."""
        self.perform(partial(self._parting, reason))

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
        if self._task is not None and not self._tools_running:
            self._task.cancel()

    def tick(self) -> None:
        """Put on record what was heard out without its mark coming back."""
        if self._agent.generated and not (self._speaker.busy or self._transmitter.sounding()):
            self._tell(self._agent)

    def played(self, piece: Piece) -> None:
        """The carrier confirmed a piece."""
        agent = self._agent
        if (
            agent.pieces
            and piece is agent.pieces[0]
            and piece.first_sent_at is not None
            and not agent.resumed
        ):
            agent.heard_ms = max(0.0, elapsed_ms(piece.first_sent_at, self._clock() - piece.length_s))
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
            self._taking = True
            if self.closing or (self.unattended and isinstance(item, CallerTurn)):
                _forget(item)
            elif isinstance(item, CallerTurn):
                await self._take(item)
            else:
                await self._take_floor()
                self._start(item(), None)
            self._taking = False

    async def _take(self, turn: CallerTurn) -> None:
        heard = await self._heard(turn)
        if turn.kind is InputKind.SPEECH and self._says_nothing(heard.text) and self._carry_on():
            return
        if self.unattended:
            return
        await self._take_floor()
        if self.closing:
            return
        answer = self._conversation.hear(heard)
        self._start(_goodbye_of(answer) if turn.kind is InputKind.MACHINE else answer, turn)

    async def _heard(self, turn: CallerTurn) -> Heard:
        text, confidence = turn.text, 1.0
        if turn.utterance is not None:
            try:
                transcript = await self._listener.text_of(turn.utterance)
                text, confidence = transcript.text, transcript.confidence
            except SpeechFailed as failure:
                self._scribe.record(EventKind.TROUBLE, what="transcript_failed", detail=str(failure))
        turn.text_at = self._clock()
        if turn.kind is InputKind.DIGITS:
            self._scribe.record(EventKind.DIGITS, digits=text)
        else:
            self._scribe.record(
                EventKind.CALLER_SAID, text=text, confidence=round(confidence, 3), kind=turn.kind.value
            )
        return Heard(turn.kind, text, confidence)

    def _says_nothing(self, text: str) -> bool:
        words = text.lower().strip(" .,!?")
        return not words or words in self._options.backchannels

    def _carry_on(self) -> bool:
        """Nothing was said after all: go on where the agent was. False if it was not saying anything."""
        agent = self._agent
        if agent.cut:
            if not (agent.generated and agent.unheard):
                return False
            self._agent = AgentTurn(agent.number, None, generated=True, resumed=True, hang_up=agent.hang_up)
            self._agent.pieces = [self._speaker.say(text) for text in agent.unheard]
            return True
        return self._generating or self._speaker.busy or self._transmitter.sounding()

    async def _take_floor(self) -> None:
        """Stop whatever the agent is still doing; a tool under way comes to its end first."""
        task = self._task
        if task is not None and not task.done() and not self.closing:
            if not self._tools_running:
                task.cancel()
            await asyncio.wait([task])
        if self.closing:
            return
        agent = self._agent
        if not agent.cut and (self._speaker.busy or self._transmitter.sounding()):
            await self._hush(agent)
        if agent.cut:
            self._conversation.interrupted(agent.heard_text, played_ms=agent.played_ms)
        else:
            self._tell(agent)

    async def _hush(self, agent: AgentTurn) -> None:
        decided_at = self._clock()
        agent.unheard = [piece.text for piece in agent.pieces if piece.heard(decided_at) != piece.text]
        agent.heard_text = text_heard(agent.pieces, decided_at)
        agent.played_ms = int(sum(piece.played_s(decided_at) for piece in agent.pieces) * 1000)
        agent.cut = True
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
                self._act(act, agent)
        finally:
            await close_early(acts)
        agent.generated = True
        if agent.answers is not None and agent.answers.last and agent.hang_up is None:
            agent.hang_up = VOICEMAIL if agent.answers.kind is InputKind.MACHINE else "silence"
        if agent.hang_up is None:
            self.tick()
            return
        self.closing = True
        self._listener.drop()
        await self._speaker.finished()
        await self._transmitter.heard_out()
        self._tell(agent)
        self._end(agent.hang_up)

    def _act(self, act: Act, agent: AgentTurn) -> None:
        match act:
            case Say(text=text) if text.strip() and not agent.cut:
                if agent.first_text_at is None:
                    agent.first_text_at = self._clock()
                agent.pieces.append(self._speaker.say(text))
            case Note(name=name, value=value):
                self._scribe.record(EventKind.NOTE, name=name, value=value)
            case Listen(grammar=grammar, digits=digits):
                self.grammar = grammar
                self._keypad.offer(digits)
            case HangUp(reason=reason):
                agent.hang_up = reason

    async def _parting(self, reason: str) -> AsyncIterator[Act]:
        if self._options.farewell:
            yield Say(self._options.farewell)
        yield HangUp(reason)

    async def _use_tool(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        began_at = self._clock()
        self._tools_running += 1
        try:
            async with asyncio.timeout(self._options.tool_timeout_s):
                result = await self._tools(name, arguments)
        except TimeoutError:
            result = ToolResult(ok=False, data={"error": "timeout"})
        finally:
            self._tools_running -= 1
        self._scribe.record(
            EventKind.TOOL_USED,
            name=name,
            arguments=dict(arguments),
            ok=result.ok,
            data=dict(result.data),
            ms=elapsed_ms(began_at, self._clock()),
        )
        return result

    # --- The record -----------------------------------------------------------------------

    def _tell(self, agent: AgentTurn) -> None:
        """Put what the agent said, and what was heard of it, on record; once."""
        if agent.told or not agent.pieces:
            return
        agent.told = True
        if not agent.cut:
            agent.heard_text = text_heard(agent.pieces, self._clock())
        self._scribe.record(
            EventKind.AGENT_SAID,
            turn=agent.number,
            text=text_meant(agent.pieces),
            heard_text=agent.heard_text,
            interrupted=agent.cut,
            resumed=agent.resumed,
            **({} if agent.heard_ms is None else {"heard_ms": agent.heard_ms}),
        )

    # --- The end --------------------------------------------------------------------------

    async def settle(self) -> None:
        """The call is over: let a tool under way come to its end, so that its outcome is on record."""
        self._tell(self._agent)
        self._agent.cut = True
        self._speaker.cancel()
        self._transmitter.cut()
        if self._task is not None and self._tools_running:
            await asyncio.wait([self._task], timeout=self._options.tool_grace_s)

    def discard(self) -> None:
        """Forget turns of the caller that nobody will answer."""
        while not self._inbox.empty():
            _forget(self._inbox.get_nowait())


async def _goodbye_of(answer: AsyncIterator[Act]) -> AsyncIterator[Act]:
    """Yield what the brain answers to a machine if it ends the call by it; a machine is asked nothing."""
    acts = [act async for act in answer]
    if any(isinstance(act, HangUp) for act in acts):
        for act in acts:
            yield act


def _forget(item: CallerTurn | Performance) -> None:
    if isinstance(item, CallerTurn) and item.utterance is not None:
        item.utterance.cancel()
