"""One call's conversation with a model that hears and speaks, told as acts.

Owns the turns: what is asked of the model, its tools run and answered, the words that have to be heard,
and what the caller did not hear struck from its memory. Refuses to know providers and connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from trunkline.providers import call_prompt
from trunkline.providers.filler import Filler, fillers_of
from trunkline.providers.own_voice import prompt
from trunkline.providers.own_voice.line import LiveLine
from trunkline.providers.own_voice.memory import Told
from trunkline.providers.own_voice.options import VoiceOptions
from trunkline.providers.own_voice.reply import LiveSpeech, Reply
from trunkline.providers.own_voice.utterance import LiveUtterance
from trunkline.providers.ports import (
    Act,
    BrainFailed,
    CallBrief,
    HangUp,
    Heard,
    InputKind,
    Listen,
    Note,
    Sound,
    ToolCall,
    ToolResult,
    ToolRunner,
)
from trunkline.providers.streams import stop

_VOICEMAIL = "voicemail"
_MOST_LEFT_OUT = 3
"""How often a model that leaves out what has to be heard is asked for it: it will not say it then."""


class OwnVoiceConversation:
    """Holds a conversation on a line."""

    def __init__(
        self, line: LiveLine[Any], brief: CallBrief, tools: ToolRunner, options: VoiceOptions
    ) -> None:
        self._line = line
        self._brief = brief
        self._tools = tools
        self._options = options
        self._disclosure = " ".join(brief.filled(brief.disclosure).split())
        said = " ".join(line.text for line in brief.past if line.who == "agent")
        self._owed = "" if not brief.past or _contains(said, self._disclosure) else self._disclosure
        self._filler = Filler(
            fillers_of(brief.language),
            after_s=options.filler_after_s,
            again_s=options.filler_again_s,
            limit=options.fillers_a_turn if line.says_asides else 0,
        )
        self._spoken: list[LiveSpeech] = []
        """The speeches of the turn in the air, in order."""
        self._unanswered: list[ToolCall] = []
        """What the model asked for in this round and has not been told the outcome of."""
        self._must_hear = ""
        """Words of the turn in the air that have to be heard whole."""
        self._left_out = 0
        """How often the model has left them out."""

    # --- The port -------------------------------------------------------------------------

    def begin(self) -> AsyncIterator[Act]:
        if self._brief.past:
            return self._go_on()
        greeting = f"{self._disclosure} {' '.join(self._brief.filled(self._brief.greeting).split())}".strip()
        if greeting == self._disclosure:
            self._owed = self._disclosure
            return self._answer(_told(prompt.TO_GREET))
        self._must_hear = self._disclosure
        self._line.tell(Told(prompt.word_for_word(greeting)))
        return self._greet(greeting)

    def hear(self, heard: Heard) -> AsyncIterator[Act]:
        utterance, self._line.last_turn = self._line.last_turn, None
        match heard.kind:
            case InputKind.MACHINE:
                return _to_a_machine()
            case InputKind.SILENCE:
                return self._answer(_told(call_prompt.SILENCE))
            case InputKind.DIGITS:
                return self._answer(_told(call_prompt.keyed(heard.text)))
            case InputKind.SPEECH:
                if utterance is not None:
                    return self._answer(None)
                text = call_prompt.theirs(heard.text.strip())
                return self._answer(Told(text, by_caller=True) if text else _told(call_prompt.NOT_MADE_OUT))

    def interrupted(self, said: str, *, played_ms: int) -> None:
        """Strike what was not heard, word by word and sound by sound."""
        words = said.split()
        if self._must_hear and not _contains(said, self._must_hear):
            self._owed = self._must_hear
        self._must_hear = ""
        left_ms = float(played_ms)
        for speech in self._spoken:
            count = len(speech.text.split())
            heard, words = words[:count], words[count:]
            heard_ms, left_ms = min(left_ms, speech.audio_ms), max(0.0, left_ms - speech.audio_ms)
            if speech.is_aside:
                continue
            if len(heard) < count or heard_ms < speech.audio_ms or not speech.is_whole:
                self._line.cut(speech, " ".join(heard), int(heard_ms))
        self._spoken = []

    def listen(self) -> LiveUtterance:
        return self._line.listen()

    async def close(self) -> None:
        await self._line.close()

    # --- Turns ----------------------------------------------------------------------------

    async def _greet(self, greeting: str) -> AsyncGenerator[Act, None]:
        async with aclosing(self._turn()) as acts:
            async for act in acts:
                yield act
        if prompt.spoken_words(self._said()) != prompt.spoken_words(greeting):
            yield Note("greeting_differs", self._said())

    async def _go_on(self) -> AsyncGenerator[Act, None]:
        """Another brain was there before: answer if the caller waits for it."""
        last = self._brief.past[-1].who
        if last == "agent" and not self._owed:
            yield Listen(None, self._options.digits)
            return
        told = None if last == "caller" and not self._owed else _told(call_prompt.GONE_ON)
        async with aclosing(self._answer(told)) as acts:
            async for act in acts:
                yield act

    def _answer(self, told: Told | None) -> AsyncGenerator[Act, None]:
        """Begin a turn. The model is told at once: a turn given up before its first act is remembered."""
        if self._must_hear and not _contains(self._said(), self._must_hear):
            self._left_out += 1
            if self._left_out < _MOST_LEFT_OUT:
                self._owed = self._must_hear
        self._must_hear, self._owed = self._owed, ""
        self._spoken = []
        if self._must_hear:
            before = f"{told.text} " if told is not None else ""
            told = Told(f"{before}{prompt.owed(self._must_hear)}")
        if told is not None:
            self._line.tell(told)
        return self._turn()

    async def _turn(self) -> AsyncGenerator[Act, None]:
        async with aclosing(self._rounds()) as acts:
            async for act in acts:
                yield act
        if self._must_hear and not _contains(self._said(), self._must_hear):
            yield Note("disclosure_missing", self._said())

    def _said(self) -> str:
        """Return the words of the turn in the air that are known by now; more may come behind their sound."""
        return " ".join(speech.text for speech in self._spoken if not speech.is_aside)

    async def _rounds(self) -> AsyncGenerator[Act, None]:
        """Ask, run the tools asked for, ask again, until there is nothing more to do. Raises BrainFailed."""
        hang_up: str | None = None
        silent = 0
        self._filler.turn_begins()
        for _ in range(self._options.tool_rounds + 1):
            calls: list[ToolCall] = []
            async with aclosing(self._hear_out(self._line.ask(), calls)) as acts:
                async for act in acts:
                    yield act
            for note in self._troubles():
                yield note
            built_in = {call_prompt.END_CALL, call_prompt.SET_DISPOSITION}
            others = [call for call in calls if call.name not in built_in]
            self._unanswered = list(calls)
            try:
                for call in calls:
                    if call.name == call_prompt.END_CALL and not others:
                        hang_up = call_prompt.as_word(call.arguments.get("reason"), otherwise="done")
                    async with aclosing(self._do(call, is_too_early=bool(others))) as acts:
                        async for act in acts:
                            yield act
                # A turn that was broken off while its tools ran ends here, before more of it is asked for.
                await asyncio.sleep(0)
            finally:
                for call in list(self._unanswered):
                    self._tell(call, call_prompt.NOT_USED)
            if hang_up is not None:
                yield HangUp(hang_up)
                return
            if not calls and any(not speech.is_aside for speech in self._spoken):
                break
            silent += not calls
            if silent > 1:
                raise BrainFailed("the model has nothing to say")
        else:
            raise BrainFailed("the model asks for tools without end")
        yield Listen(None, self._options.digits)

    async def _hear_out(self, reply: Reply, calls: list[ToolCall]) -> AsyncGenerator[Act, None]:
        try:
            items = reply.items(first_s=self._options.first_sound_s, stall_s=self._options.stall_s)
            async for item in items:
                if isinstance(item, ToolCall):
                    calls.append(item)
                else:
                    self._spoken.append(item)
                    self._filler.spoke()
                    yield Sound(item)
        finally:
            self._line.abandon(reply)
            for speech in reply.speeches:
                if speech not in self._spoken:
                    self._line.cut(speech, "", 0)

    async def _do(self, call: ToolCall, *, is_too_early: bool) -> AsyncGenerator[Act, None]:
        """Do what the model asks for; yield what is for the record, and what fills the silence meanwhile."""
        if call.name == call_prompt.SET_DISPOSITION:
            yield call_prompt.concluded(call.arguments)
        work = asyncio.ensure_future(self._use(call, is_too_early=is_too_early))
        try:
            async with aclosing(self._filler.while_waiting(work)) as phrases:
                async for phrase in phrases:
                    if (aside := self._line.aside(phrase)) is not None:
                        self._spoken.append(aside)
                        yield Sound(aside)
            await work
        finally:
            await stop(work)

    async def _use(self, call: ToolCall, *, is_too_early: bool) -> None:
        # What is done is told the model in one breath with it: a turn that is cut now knows it.
        if call.name not in {call_prompt.END_CALL, call_prompt.SET_DISPOSITION}:
            self._tell(call, await self._tools(call.name, call.arguments))
        elif call.name == call_prompt.END_CALL and is_too_early:
            self._tell(call, call_prompt.TOO_EARLY)
        else:
            self._tell(call, call_prompt.DONE)

    def _tell(self, call: ToolCall, result: ToolResult) -> None:
        """Tell the model once what came of a call: whoever is cut in the next step tells it nothing else."""
        self._unanswered = [other for other in self._unanswered if other is not call]
        self._line.tool_answered(call, result)

    def _troubles(self) -> list[Note]:
        notes = [Note("brain_trouble", trouble) for trouble in self._line.troubles]
        self._line.troubles.clear()
        return notes


def _told(what: str) -> Told:
    """Return what the model is told of the line."""
    return Told(call_prompt.on_the_line(what))


def _contains(said: str, wanted: str) -> bool:
    """Return whether these words were said, one after another, whatever their marks."""
    spoken = " ".join(prompt.spoken_words(said))
    return f" {' '.join(prompt.spoken_words(wanted))} ".replace("  ", " ") in f" {spoken} "


async def _to_a_machine() -> AsyncGenerator[Act, None]:
    """Nobody is there to be talked to; a message, where one is wanted, is not the brain's."""
    yield Note("disposition", _VOICEMAIL)
    yield HangUp(_VOICEMAIL)
