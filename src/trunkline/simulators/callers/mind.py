"""A planned caller's mind: does its steps one by one, and answers what it understands by its plan.

It learns of the agent only what its ear made of the audio, and tells only through its handset.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from trunkline.providers.ports import Transcript
from trunkline.simulators.callers.handset import CallerHandset
from trunkline.simulators.callers.plan import CallerAnswer, CallerPlan, CallerStep, Deed, NoiseKind
from trunkline.simulators.carrier.book import Book

AGENT = "agent"
"""What `waits` names besides seconds."""
_INTERRUPT_AFTER_S = 1.2
_GOODBYE_S = 4.0
"""How long a caller lets the agent hang up first."""
_AGAIN_AT_MOST = 3
_LOOK_S = 0.02
_ANYBODY = "hello"
_DROPPED_S = 60.0
"""How long the mind of a caller whose line is gone stays, at most; the carrier ends the call long before."""


class HungUp(Exception):
    """The caller has put the telephone down."""


class ScriptedMind:
    """One caller during one call. `live` returns when the caller hangs up."""

    def __init__(self, plan: CallerPlan, *, sid: str, handset: CallerHandset, book: Book) -> None:
        self.plan = plan
        self.sid = sid
        self.handset = handset
        self._book = book
        self._asked: Counter[str] = Counter()

    async def live(self) -> None:
        """Do what is planned. Raises SpeechFailed."""
        await self.handset.off_hook.wait()
        try:
            for number, step in enumerate(self.plan.steps, 1):
                try:
                    await self._do(step)
                except TimeoutError:
                    self._book.error(self.sid, 0, f"step {number}, {step.deed}: waited for the agent in vain")
                    return
            await self.after_steps()
        except HungUp:
            return

    async def play_back(self) -> None:
        """What the agent said last is understood as well, for the book. Raises SpeechFailed."""
        self._note(await self.handset.listen_back())

    async def after_steps(self) -> None:
        """What is done when the plan has no more steps."""
        await self.converse()

    # --- Steps ------------------------------------------------------------------------------

    async def _do(self, step: CallerStep) -> None:
        handset, watch = self.handset, self.handset.watch
        if step.after_s is not None or step.deed is Deed.INTERRUPTS:
            await self._until_agent_speaks(_INTERRUPT_AFTER_S if step.after_s is None else step.after_s)
        match step.deed:
            case Deed.SAYS:
                await self.say(str(step.value))
            case Deed.INTERRUPTS:
                watch.interrupts()
                await self.say(str(step.value))
                handset.stop_listening()
            case Deed.WAITS if step.value == AGENT:
                await self._agent_turn()
            case Deed.WAITS | Deed.GOES_SILENT:
                watch.awaits_nothing()
                await asyncio.sleep(float(step.value))
            case Deed.KEYS:
                await self.press(str(step.value))
            case Deed.SOUNDS:
                await handset.make_sound(NoiseKind(str(step.value)))
            case Deed.STOPS_SENDING:
                handset.withhold(float(step.value))
                await asyncio.sleep(float(step.value))
            case Deed.CONVERSES:
                await self.converse(until=str(step.value))
            case Deed.HANGS_UP:
                raise HungUp
            case Deed.DROPS_THE_LINE:
                await self._drop()

    async def _until_agent_speaks(self, seconds: float) -> None:
        """Wait until the agent has been speaking for so long. One that never does is waited for in vain."""
        async with asyncio.timeout(self.plan.patience_s * 2):
            while self.handset.agent_speaking_ms < seconds * 1000:  # noqa: ASYNC110 - a figure, not a moment
                await asyncio.sleep(_LOOK_S)

    async def _agent_turn(self) -> list[str]:
        async with asyncio.timeout(self.plan.patience_s * 2):
            return self._note(await self.handset.listen())

    async def _drop(self) -> None:
        self.handset.drop()
        await asyncio.sleep(_DROPPED_S)

    async def say(self, text: str) -> None:
        """Speak; an answer is due from the last word on."""
        await self.handset.say(text)
        self.handset.watch.finished()

    async def press(self, keys: str) -> None:
        """Press keys; an answer is due from the last one on."""
        await self.handset.press(keys)

    # --- Conversation -----------------------------------------------------------------------

    async def converse(self, until: str = "") -> None:
        """Answer by the plan until the agent says `until`, says goodbye, or falls silent for too long."""
        has_asked, unclear = False, 0
        while True:
            try:
                async with asyncio.timeout(self.plan.patience_s):
                    heard = self._note(await self.handset.listen())
            except TimeoutError:
                if has_asked:
                    raise HungUp from None
                has_asked = True
                await self.say(_ANYBODY)
                continue
            if until and any(plain(until) in text for text in heard):
                return
            if any(plain(word) in text for text in heard for word in self.plan.farewells):
                await asyncio.sleep(_GOODBYE_S)
                raise HungUp
            answer = self._answer_to(heard)
            if answer is not None:
                await self.handset.think()
                await self._give(answer)
            elif not any(heard) and self.plan.again and unclear < _AGAIN_AT_MOST:
                unclear += 1
                await self.handset.think()
                await self.say(self.plan.again)

    def _answer_to(self, heard: list[str]) -> CallerAnswer | None:
        """Return the answer to the last thing said that there is one to."""
        for text in reversed(heard):
            for answer in self.plan.answers:
                if plain(answer.when) in text:
                    return answer
        return None

    async def _give(self, answer: CallerAnswer) -> None:
        if answer.says:
            times = self._asked[answer.when]
            self._asked[answer.when] += 1
            await self.say(answer.says[min(times, len(answer.says) - 1)])
        if answer.keys:
            await self.press(answer.keys)
        if answer.then == Deed.HANGS_UP:
            raise HungUp
        if answer.then == Deed.DROPS_THE_LINE:
            await self._drop()

    def _note(self, heard: list[Transcript]) -> list[str]:
        for piece in heard:
            self._book.understood(
                self.sid, heard=piece.text, meaning="", value="", confidence=piece.confidence
            )
        return [plain(piece.text) for piece in heard]


def plain(text: str) -> str:
    """Return a text as recognition writes it: lower case, single spaces, no punctuation but apostrophes."""
    kept = "".join(letter if letter.isalnum() or letter == "'" else " " for letter in text.lower())
    return " ".join(kept.split())
