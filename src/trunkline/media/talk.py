"""The agent's side of the conversation: the brain's acts performed, interrupted, resumed, recorded.

Owns whose words are in the air: one turn of the agent at a time, what was meant and what was
heard of it, and the inbox of the caller's turns, answered strictly one after another. Refuses
to know audio and evidence; the session tells it that the caller ended or interrupted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

from trunkline.media.agent_turn import AgentTurn, CallerTurn, forget
from trunkline.media.delivery import Delivery
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
from trunkline.media.scribe import EventKind, Scribe
from trunkline.media.speaker import Spawn, close_all, close_early
from trunkline.media.tool_use import ToolUse
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
    ToolRunner,
)

_NUMBER_DIGITS = 4
"""An answer of this many digits is spoken in groups, with pauses between them."""

_AFTER_TOOL_S = 1.0
"""How long a brain may still note what a tool has come to after the end of the call."""

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
        self.delivery = Delivery(scribe, clock=clock, most_failures=options.voice_failures, end=end)
        self._inbox: asyncio.Queue[CallerTurn | Performance | None] = asyncio.Queue()
        self._answering: asyncio.Task[None] | None = None
        self._over = False
        """The call has ended."""
        self._task: asyncio.Task[None] | None = None
        self._judged = asyncio.Event()
        """Unset while the agent has been silenced and nobody knows yet whether that was meant."""
        self._judged.set()
        self._leaving: str | None = None
        self.grammar: Grammar | None = None
        """What the caller is expected to say next."""
        self.digits = 0
        """How long a number the caller is expected to say; 0 where none is."""
        self.closing = False
        """The goodbye is being said."""
        self._parting = False
        """The call is being ended from outside: the next goodbye is the last, whatever is said to it."""
        self.floor = Floor(waiting=lambda: not self._inbox.empty(), wanted=lambda: self.outdated)
        self.unattended = False
        """A machine has answered and gets a message: what it says is no turn of anybody's."""
        self.hears_machine: Callable[[], bool] = lambda: False
        """Told when the brain takes the words for a machine's; True: somebody else sees to the call."""
        self.interruptions = 0
        self.turns = 0

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
        if agent.generated and (agent.told or not agent.pieces):
            return None
        return agent.answers.decided_at

    @property
    def brain_due_since(self) -> float | None:
        """The same, counted anew from the end of each tool; None while one is under way."""
        due = self.reply_due_since
        return None if due is None or self._tools.running else max(due, self._tools.ended_at)

    @property
    def quiet(self) -> bool:
        """True when the agent neither thinks nor speaks, and owes no answer."""
        busy = self.floor.taken or not self._inbox.empty() or (self._generating and self._judged.is_set())
        return not busy and not self.unattended and not self.delivery.sounding

    @property
    def listening(self) -> bool:
        """False once nothing that the caller says can change the end of the call."""
        return not self.closing or not (self._parting or self._agent.hang_up in LAST_WORDS)

    @property
    def outdated(self) -> bool:
        """True while the agent is at work on an answer that nobody waits for any more."""
        return self._agent.outdated

    @property
    def _agent(self) -> AgentTurn:
        return self.delivery.agent

    @property
    def _generating(self) -> bool:
        return self._task is not None and not self._task.done()

    # --- What the session tells -----------------------------------------------------------

    def caller_turn(self, turn: CallerTurn) -> None:
        """The caller has had a turn: answer it when those before it are answered."""
        self._inbox.put_nowait(turn)

    def part(self, reason: str, farewell: str) -> None:
        """End the call politely: these words, then the hang-up. Nothing said from now on puts it off."""
        self._parting = True
        self.perform(partial(parting, farewell, reason))

    def leave(self, reason: str) -> None:
        """The agent's part is over with its present turn: end for this reason once that has been heard."""
        self._leaving = reason

    def perform(self, performance: Performance) -> None:
        """Do these acts, in place of whatever the agent is doing by then."""
        self._inbox.put_nowait(performance)

    async def heard_out(self) -> str:
        """Wait until all that was said has been played; return what was heard of the turn."""
        await self.delivery.heard_out()
        return self.delivery.text_heard()

    async def interrupt(self) -> None:
        """The caller speaks over the agent: silence it at once.

        Whether they meant it their words tell. Until then the brain goes on, its acts held back, and
        begins no tool: a hum must not cost the caller the rest of the answer.
        """
        if self.closing or self._agent.cut or not self.delivery.sounding:
            return
        self.interruptions += 1
        self._judged.clear()
        self._tools.hold()
        await self.delivery.hush()

    def taken_back(self) -> None:
        """The caller has cleared what they had keyed: go on with what the first key silenced."""
        undecided = self.floor.taken or self.floor.caller_speaks() or not self._inbox.empty()
        if self._agent.cut and not undecided and not self.closing:
            self._carry_on()

    def _go_on(self) -> None:
        self._judged.set()
        self._tools.release()

    # --- Answering ------------------------------------------------------------------------

    async def run(self) -> None:
        """Open the conversation, then answer one turn of the caller after another, until the call settles."""
        self._answering = asyncio.current_task()
        self._start(self._conversation.begin(), None)
        while (item := await self._inbox.get()) is not None:
            self.floor.taken = True
            if self._over or (self._parting and isinstance(item, CallerTurn)):
                await self._note(item)
            elif self.closing and self.listening and isinstance(item, CallerTurn):
                await self._reconsider(item)
            elif self.closing or (self.unattended and isinstance(item, CallerTurn)):
                forget(item)
            elif isinstance(item, CallerTurn):
                await self._take(item)
            else:
                await self._take_floor()
                if not (self.closing or self._over):  # Which may have come about while a tool ended.
                    self._start(item(), None)
            self.floor.taken = False

    async def _take(self, turn: CallerTurn) -> None:
        heard = await self._understanding.hear(turn)
        silenced = bool(self._agent.unheard) or not self._judged.is_set()
        over_agent = silenced or bool(self._tools.running) or self._may_sound()
        if self._over:
            return
        if await self._understanding.is_nothing(turn, heard, over_agent=over_agent) and self._carry_on():
            return
        if not self.unattended:
            await self._answer(turn, heard)

    async def _note(self, item: CallerTurn | Performance) -> None:
        """Nobody answers any more: what the caller says is put on record, an opt-out above all."""
        words = isinstance(item, CallerTurn) and item.kind in {InputKind.SPEECH, InputKind.DIGITS}
        if isinstance(item, CallerTurn) and words and self.listening and not self.unattended:
            await self._understanding.hear(item)
        else:
            forget(item)

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
        if self.closing or self._over:
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
        if not agent.cut or self._over:
            return self._generating or self.delivery.sounding
        if not self._generating and not (agent.generated and agent.unheard):
            return False
        self.delivery.resume()
        self._go_on()
        return True

    async def _take_floor(self) -> None:
        """Stop whatever the agent is still doing; a tool under way comes to its end first."""
        agent = self._agent
        if self._task is not None and self._generating and not self.closing:
            # Nobody waits for its answer any more. What its tool has done stays done.
            agent.outdated = True
            self._go_on()
            await self._tools.then_stop(self._task, unless=lambda: self._leaving is not None)
        self._go_on()
        if self.closing:
            return
        if not agent.cut and self.delivery.sounding:
            await self.delivery.hush()
        self.delivery.tell()
        if (agent.outdated or agent.failed) and not agent.cut:
            agent.cut_off(self._clock())
        if agent.cut:
            await close_all(agent.unheard)
            self._conversation.interrupted(agent.heard_in_all, played_ms=agent.played_in_all_ms)

    # --- Performing -----------------------------------------------------------------------

    def _start(self, acts: AsyncIterator[Act], answers: CallerTurn | None) -> None:
        self.turns += 1
        self.delivery.agent = AgentTurn(self.turns, answers)
        self._keypad.offer(0)
        self._task = self._spawn("turn", self._perform(acts))

    async def _perform(self, acts: AsyncIterator[Act]) -> None:
        last_reason = self._agent.last_reason
        try:
            async for act in acts:
                if act == MACHINE_NOTE and self.hears_machine():
                    break
                if not isinstance(act, Note):
                    await self._until_wanted(act)
                    if self.outdated and not self._tools.running and self._leaving is None:
                        return
                self._act(act)
        except BrainFailed as failure:
            self._scribe.record(EventKind.TROUBLE, what=BRAIN_FAILED, detail=str(failure))
            await self._judged.wait()
            self._agent.apologises_from = len(self._agent.pieces)
            self._act(Say(self._options.apology))
            self._agent.hang_up = BRAIN_FAILED
        finally:
            await close_early(acts)
        await self._judged.wait()
        agent = self._agent
        agent.generated = True
        agent.hang_up = agent.hang_up or last_reason or self._leaving
        if agent.hang_up is None:
            self.delivery.tick()
            return
        self.closing = True
        if not self.listening:
            self._listener.drop()
        await self.delivery.heard_out()
        await self.floor.until_free(lambda: not self.listening)
        if agent.hang_up is None:
            return  # "Bye ... wait": there is more to say.
        self.delivery.tell()
        self._end(agent.hang_up)

    async def _until_wanted(self, act: Act) -> None:
        """Hold an act back: one that sounds over the caller, and any once the agent has been silenced."""
        if isinstance(act, Say | Sound):
            await self.floor.until_free(self._may_sound)
        await self._judged.wait()

    def _may_sound(self) -> bool:
        return self.unattended or self.delivery.sounding

    def _act(self, act: Act) -> None:
        agent = self._agent
        match act:
            case Say(text=text) if text.strip() and not agent.cut:
                self.delivery.say(text)
            case Sound(speaking=speaking) if not agent.cut:
                self.delivery.say(speaking)
            case Note(name=name, value=value, confidence=confidence):
                unsure = {} if confidence == 1 else {"confidence": confidence}
                self._scribe.record(EventKind.NOTE, name=name, value=value, **unsure)
            case Listen(grammar=grammar, digits=digits):
                self.grammar = grammar
                self.digits = digits if digits >= _NUMBER_DIGITS else 0
                self._keypad.offer(digits)
            case HangUp(reason=reason):
                # Who has handed the call on says goodbye behind it, and ends nobody's call.
                agent.hang_up = reason if self._parting else self._leaving or reason

    # --- The end --------------------------------------------------------------------------

    async def settle(self) -> None:
        """The call is over: put on record what a tool under way comes to and what the caller said last."""
        self._over = True
        self._judged.set()
        self._inbox.put_nowait(None)
        await self.delivery.stop()
        if await self._tools.end(within_s=self._options.tool_grace_s) and self._task is not None:
            # What the brain makes of it at once, a disposition above all, is still taken down.
            await asyncio.wait([self._task], timeout=_AFTER_TOOL_S)
        if self._answering is not None:
            await asyncio.wait([self._answering], timeout=self._options.transcript_grace_s)
        await self._understanding.settle()

    async def close(self) -> None:
        """Everything of the call has ended: let the brain go."""
        await self._conversation.close()

    def discard(self) -> None:
        """Forget turns of the caller that nobody will answer."""
        while not self._inbox.empty():
            forget(self._inbox.get_nowait())
