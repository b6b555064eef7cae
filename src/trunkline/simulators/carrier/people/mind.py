"""A person's mind: what somebody of each kind does about what they understood.

Owns every decision of the people and the wish they have. It learns of the agent only what its
ears made of the audio, and tells only through its mouth and fingers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from trunkline.providers.ports import Transcript
from trunkline.simulators.carrier.book import Book
from trunkline.simulators.carrier.people import sentences, wishes
from trunkline.simulators.carrier.people.personas import Persona
from trunkline.simulators.carrier.people.sentences import QUESTIONS, Asked, Keys, Meaning, Words
from trunkline.simulators.carrier.people.telephone import Handset
from trunkline.simulators.carrier.people.wishes import Wish

_PATIENCE_S = 12.0
"""Silence of the agent after which a person asks whether anybody is there, and then hangs up."""
_GOODBYE_S = 4.0
"""How long a person lets the agent hang up first."""
_MACHINE_LISTENS_S = 25.0
_SILENT_STAYS_S = 90.0
_COLLEAGUE_LISTENS_S = 3.0
_INTERRUPT_AFTER_MS = 1200
_LOOK_S = 0.05


@dataclass(slots=True)
class Memory:
    """What a person remembers from call to call."""

    persona: Persona
    rng: Random
    wished: list[Wish] = field(default_factory=list)

    @property
    def wish(self) -> Wish:
        return self.wished[-1]


class Mind:
    """One person during one call. `live` returns when the person hangs up."""

    def __init__(self, *, number: str, sid: str, memory: Memory, handset: Handset, book: Book) -> None:
        self._number = number
        self._sid = sid
        self._memory = memory
        self._handset = handset
        self._book = book
        self._interruptions = list(Words.INTERRUPTIONS) if memory.persona is Persona.INTERRUPTS else []
        self._refusal = {
            Persona.REFUSES: Words.REFUSAL,
            Persona.LATER: Words.LATER,
            Persona.OPTS_OUT: Words.OPT_OUT,
        }.get(memory.persona)

    async def live(self) -> None:
        """Hold the conversation. Raises SpeechFailed."""
        await self._handset.off_hook.wait()
        if self._memory.persona is Persona.VOICEMAIL:
            await self._be_a_machine()
        elif self._memory.persona in {Persona.COLLEAGUE, Persona.BUSY_COLLEAGUE}:
            await self._be_a_colleague()
        elif self._memory.persona is Persona.SILENT:
            await asyncio.sleep(_SILENT_STAYS_S)
        else:
            await self._converse()

    async def play_back(self) -> None:
        """The line is dead: a machine has what was said until then on its tape. Raises SpeechFailed."""
        if self._handset.beeped.is_set():
            self._understand(await self._handset.listen_back())

    async def _be_a_machine(self) -> None:
        await self._handset.think(0.4, 0.8)
        await self._handset.say(Words.VOICEMAIL)
        await self._handset.beep()
        # What was said before the beep is not on the tape.
        self._handset.stop_listening()
        try:
            async with asyncio.timeout(_MACHINE_LISTENS_S):
                while True:
                    self._understand(await self._handset.listen())
        except TimeoutError:
            return

    async def _be_a_colleague(self) -> None:
        await self._handset.think()
        await self._handset.say(Words.OFFICE)
        takes_it = self._memory.persona is Persona.COLLEAGUE
        await self._handset.press(Keys.YES if takes_it else Keys.NO)
        await asyncio.sleep(_COLLEAGUE_LISTENS_S)
        await self._handset.say(Words.OFFICE_BYE)

    async def _converse(self) -> None:
        if not self._memory.wished:
            self._wish_anew()
        asked_whether_anybody_is_there = False
        while True:
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    meanings = await self._next_turn()
            except TimeoutError:
                if asked_whether_anybody_is_there:
                    return
                asked_whether_anybody_is_there = True
                await self._handset.say(Words.ANYBODY)
                continue
            if any(meaning.asked is Asked.GOODBYE for meaning in meanings):
                # The agent hangs up, as it should; if it does not, the person does.
                await asyncio.sleep(_GOODBYE_S)
                return
            await self._react(meanings)

    async def _next_turn(self) -> list[Meaning]:
        while self._interruptions and not self._handset.agent_has_finished:
            if self._handset.agent_speaking_ms >= _INTERRUPT_AFTER_MS:
                await self._handset.say(self._interruptions.pop(0))
                self._handset.stop_listening()
                break
            await asyncio.sleep(_LOOK_S)
        return self._understand(await self._handset.listen())

    def _understand(self, heard: list[Transcript]) -> list[Meaning]:
        meanings = []
        for piece in heard:
            meaning = sentences.understand(piece.text)
            self._book.understood(
                self._sid,
                heard=piece.text,
                meaning=meaning.asked if meaning else "",
                value=meaning.value if meaning else "",
                confidence=piece.confidence,
            )
            if meaning is not None:
                meanings.append(meaning)
        return meanings

    async def _react(self, meanings: list[Meaning]) -> None:
        if any(meaning.asked in {Asked.SLOT_TAKEN, Asked.CLOSED} for meaning in meanings):
            self._wish_anew()
        questions = [meaning for meaning in meanings if meaning.asked in QUESTIONS]
        if questions:
            await self._handset.think()
            await self._answer(questions[-1])
        elif not meanings:
            await self._handset.think()
            await self._handset.say(Words.AGAIN)

    async def _answer(self, question: Meaning) -> None:
        if self._refusal is not None:
            await self._handset.say(self._refusal)
            return
        wish = self._memory.wish
        replies: dict[Asked, Callable[[], tuple[str, str]]] = {
            Asked.INTEREST: lambda: (Words.YES, ""),
            Asked.DAY: lambda: (sentences.spoken_day(wish.weekday), sentences.keyed_day(wish.weekday)),
            Asked.HOUR: lambda: (sentences.spoken_hour(wish.hour), sentences.keyed_hour(wish.hour)),
            Asked.HALF: lambda: (sentences.spoken_half(wish.half), sentences.keyed_half(wish.half)),
            Asked.CONFIRM_DAY: lambda: _yes_or_no(question.value == wish.weekday),
            Asked.CONFIRM_HOUR: lambda: _yes_or_no(question.value == str(wish.hour)),
            Asked.CONFIRM_HALF: lambda: _yes_or_no(question.value == ("30" if wish.half else "0")),
        }
        spoken, keyed = replies[question.asked]()
        if self._memory.persona is Persona.KEYPAD and keyed:
            await self._handset.press(keyed)
        else:
            await self._handset.say(spoken)

    def _wish_anew(self) -> None:
        wish = wishes.draw(self._memory.rng, self._memory.wished)
        self._memory.wished.append(wish)
        self._book.wish(self._number, self._sid, weekday=wish.weekday, time=wish.time)


def _yes_or_no(true: bool) -> tuple[str, str]:
    return (Words.YES, Keys.YES) if true else (Words.NO, Keys.NO)
