"""The model-driven brain: a conversation held by a language model, with tools, told as acts.

Owns the turns: what the model is told, its text cut into sentences as it comes, its tools run and their
answers taken back to it, the phrase that fills a silence, the end. Refuses to know providers, sound and
who runs the tools.

History is written as things happen and never behind: whenever a turn is cut, what the model is told next
is what was heard and what was done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from trunkline.providers import call_prompt
from trunkline.providers.filler import Filler, fillers_of
from trunkline.providers.model_brain import prompt
from trunkline.providers.model_brain.history import History
from trunkline.providers.model_brain.sentences import SentenceCutter
from trunkline.providers.ports import (
    Act,
    BrainFailed,
    CallBrief,
    HangUp,
    Heard,
    InputKind,
    LanguageModel,
    Listen,
    ModelFailed,
    Note,
    Say,
    ToolCall,
    ToolRunner,
)
from trunkline.providers.streams import closing, stop

_VOICEMAIL = "voicemail"


@dataclass(frozen=True, slots=True)
class BrainOptions:
    """How a model-driven brain behaves. Suffixes give the unit."""

    filler_after_s: float = 1.5
    """Silence of the agent, before it has said anything in its turn, that is filled by a phrase."""
    filler_again_s: float = 5.0
    """The same once it has said something, counted from when that went to the voice."""
    fillers_a_turn: int = 2
    """0: silence is left as it is."""
    tool_rounds: int = 6
    """How often in one turn the model may ask for tools before it has to answer."""
    first_clause_chars: int = 24
    """From how many characters on a turn's first sentence may be spoken up to a comma."""
    longest_sentence_chars: int = 240
    digits: int = 16
    """Longest keypad entry; 0 offers no keypad."""


@dataclass(slots=True)
class _Reply:
    """What one answer of the model came to."""

    has_text: bool = False
    calls: list[ToolCall] = field(default_factory=list)


class ModelBrain:
    """Opens conversations held by a language model, which is shared by all of them."""

    def __init__(self, model: LanguageModel, options: BrainOptions | None = None) -> None:
        self._model = model
        self._options = options or BrainOptions()

    def open(self, brief: CallBrief, tools: ToolRunner) -> ModelConversation:
        """Begin a conversation. Raises ValueError on a brief without instructions."""
        if not brief.instructions.strip():
            raise ValueError("the brief has no instructions for a model")
        return ModelConversation(self._model, brief, tools, self._options)


class ModelConversation:
    """One call's conversation."""

    def __init__(
        self, model: LanguageModel, brief: CallBrief, tools: ToolRunner, options: BrainOptions
    ) -> None:
        self._model = model
        self._tools = tools
        self._options = options
        self._brief = brief
        self._phrases = prompt.phrases_of(brief.language)
        self._specs = (*brief.tools, *call_prompt.BUILT_IN)
        self._disclosure = _whole(brief.filled(brief.disclosure))
        self._greeting = _whole(brief.filled(brief.greeting))
        self._instructions = prompt.instructions_of(brief, opened=bool(self._greeting or brief.past))
        self._history = History(brief.past)
        self._filler = Filler(
            fillers_of(brief.language),
            after_s=options.filler_after_s,
            again_s=options.filler_again_s,
            limit=options.fillers_a_turn,
        )

    # --- The port -------------------------------------------------------------------------

    def begin(self) -> AsyncIterator[Act]:
        """Say what has to be disclosed, then greet; where another brain was before, go on behind it."""
        return self._go_on() if self._brief.past else self._open()

    def hear(self, heard: Heard) -> AsyncIterator[Act]:
        match heard.kind:
            case InputKind.MACHINE:
                return _to_a_machine()
            case InputKind.SILENCE:
                self._history.told(call_prompt.SILENCE)
            case InputKind.DIGITS:
                self._history.told(call_prompt.keyed(heard.text))
            case InputKind.SPEECH if heard.text.strip():
                self._history.caller_said(heard.text.strip())
            case InputKind.SPEECH:
                self._history.told(call_prompt.NOT_MADE_OUT)
        return self._answer()

    def interrupted(self, said: str, *, played_ms: int) -> None:
        """Strike what was not heard; what has to be heard whole and was not is said again."""
        self._history.heard(said)

    def listen(self) -> None:
        """A recogniser hears the caller: a language model reads."""

    async def close(self) -> None:
        """Nothing is held: a turn's stream ends with its iterator, and the model is everybody's."""

    # --- The opening ----------------------------------------------------------------------

    async def _open(self) -> AsyncGenerator[Act, None]:
        self._filler.turn_begins()
        self._history.told(call_prompt.CONNECTED)
        if self._disclosure:
            yield self._say(self._disclosure, owed=True)
        if not self._greeting:
            async with aclosing(self._think()) as acts:
                async for act in acts:
                    yield act
            return
        for sentence in self._sentences_of(self._greeting):
            yield self._say(sentence)
        yield self._listen()

    async def _go_on(self) -> AsyncGenerator[Act, None]:
        past = self._brief.past
        disclosed = " ".join(line.text for line in past if line.who == "agent")
        if self._disclosure and self._disclosure not in _whole(disclosed):
            self._history.owed = [self._disclosure]
        if past[-1].who == "agent" and not self._history.owed:
            yield self._listen()
            return
        if past[-1].who != "caller":
            self._history.told(call_prompt.GONE_ON)
        async with aclosing(self._answer()) as acts:
            async for act in acts:
                yield act

    # --- A turn ---------------------------------------------------------------------------

    async def _answer(self) -> AsyncGenerator[Act, None]:
        self._filler.turn_begins()
        owed, self._history.owed = self._history.owed, []
        for text in owed:
            yield self._say(text, owed=True)
        async with aclosing(self._think()) as acts:
            async for act in acts:
                yield act

    async def _think(self) -> AsyncGenerator[Act, None]:
        """Ask the model, run its tools, ask again, until it has nothing more to do. Raises BrainFailed."""
        instructions = self._instructions
        is_owed, silent = True, 0
        for tools_left in reversed(range(self._options.tool_rounds + 1)):
            if not tools_left:
                instructions = f"{instructions}\n\n{prompt.STOP_USING_TOOLS}"
            reply = _Reply()
            async with aclosing(self._ask(instructions, reply)) as acts:
                async for act in acts:
                    yield act
            is_owed = is_owed and not reply.has_text
            end, notes, others = _sorted_out(reply.calls)
            for call in notes:
                self._history.used(call, call_prompt.DONE)
                yield call_prompt.concluded(call.arguments)
            if end is not None and not others:
                if is_owed and not self._history.has_answered:
                    yield self._say(self._phrases.farewell)
                yield HangUp(call_prompt.as_word(end.arguments.get("reason"), otherwise="done"))
                return
            if others and tools_left:
                async with aclosing(self._use(others)) as acts:
                    async for act in acts:
                        yield act
                if end is not None:
                    # It does not know yet what the others came to.
                    self._history.used(end, call_prompt.TOO_EARLY)
                # What they came to is not said yet.
                is_owed = True
                continue
            if not is_owed:
                yield self._listen()
                return
            silent += not reply.calls
            if silent > 1:
                raise BrainFailed("the model has nothing to say")
        raise BrainFailed("the model asks for tools without end")

    async def _ask(self, instructions: str, reply: _Reply) -> AsyncGenerator[Act, None]:
        """Yield one answer's sentences, and what fills the silence before them. Raises BrainFailed."""
        messages, begun = self._history.question()
        if begun:
            instructions = f"{instructions}\n\n{prompt.SAID_JUST_NOW.format(begun=begun)}"
        self._history.next_round()
        cutter = self._cutter()
        answer = self._model.answer(instructions, messages, self._specs)
        async with closing(answer):
            while True:
                ask = asyncio.ensure_future(_next(answer))
                try:
                    async with aclosing(self._filler.while_waiting(ask)) as phrases:
                        async for phrase in phrases:
                            self._history.filled(phrase)
                            yield Say(phrase)
                    piece = await ask
                except ModelFailed as failure:
                    raise BrainFailed(str(failure)) from failure
                finally:
                    await stop(ask)
                if piece is None:
                    break
                if isinstance(piece, ToolCall):
                    reply.calls.append(piece)
                    continue
                for sentence in cutter.feed(piece):
                    reply.has_text = True
                    yield self._say(sentence)
        for sentence in cutter.flush():
            reply.has_text = True
            yield self._say(sentence)

    async def _use(self, calls: Sequence[ToolCall]) -> AsyncGenerator[Act, None]:
        """Run tools one after another; yield what fills the silence."""
        for call in calls:
            work = asyncio.ensure_future(self._run(call))
            try:
                async with aclosing(self._filler.while_waiting(work)) as phrases:
                    async for phrase in phrases:
                        self._history.filled(phrase)
                        yield Say(phrase)
                await work
            finally:
                await stop(work)

    async def _run(self, call: ToolCall) -> None:
        # Written down in one breath with the answer: a turn that is cut now keeps what was done.
        self._history.used(call, await self._tools(call.name, call.arguments))

    # --- Small things ---------------------------------------------------------------------

    def _say(self, text: str, *, owed: bool = False) -> Say:
        self._history.said(text, owed=owed)
        self._filler.spoke()
        return Say(text)

    def _listen(self) -> Listen:
        return Listen(None, self._options.digits)

    def _cutter(self) -> SentenceCutter:
        first_clause = self._options.longest_sentence_chars
        if not self._history.has_spoken:
            first_clause = self._options.first_clause_chars
        return SentenceCutter(first_clause=first_clause, longest=self._options.longest_sentence_chars)

    def _sentences_of(self, text: str) -> list[str]:
        longest = self._options.longest_sentence_chars
        cutter = SentenceCutter(first_clause=longest, longest=longest)
        return [*cutter.feed(text), *cutter.flush()]


async def _to_a_machine() -> AsyncGenerator[Act, None]:
    """Nobody is there to be talked to; a message, where one is wanted, is not the brain's."""
    yield Note("disposition", _VOICEMAIL)
    yield HangUp(_VOICEMAIL)


async def _next(answer: AsyncIterator[str | ToolCall]) -> str | ToolCall | None:
    return await anext(answer, None)


def _sorted_out(calls: Sequence[ToolCall]) -> tuple[ToolCall | None, list[ToolCall], list[ToolCall]]:
    """Return what a model asks for by who sees to it: the end of the call, the record, the tools."""
    end = next((call for call in calls if call.name == call_prompt.END_CALL), None)
    notes = [call for call in calls if call.name == call_prompt.SET_DISPOSITION]
    return (
        end,
        notes,
        [call for call in calls if call.name not in {call_prompt.END_CALL, call_prompt.SET_DISPOSITION}],
    )


def _whole(text: str) -> str:
    return " ".join(text.split())
