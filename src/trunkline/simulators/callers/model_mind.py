"""A caller whom a language model plays: it is told who it is and what it hears, and says what comes back.

Owns the instructions, the conversation as messages, and the two things that a caller can do besides
speaking. Knows the model by its port alone.
"""

from __future__ import annotations

import asyncio

from trunkline.providers.ports import LanguageModel, Message, ModelFailed, ToolCall, ToolSpec
from trunkline.simulators.callers.handset import CallerHandset
from trunkline.simulators.callers.mind import HungUp, ScriptedMind
from trunkline.simulators.callers.plan import CallerPlan
from trunkline.simulators.carrier.book import Book

_HANG_UP = ToolSpec("hang_up", "Put the telephone down.", {"type": "object", "properties": {}})
_PRESS = ToolSpec(
    "press_keys",
    "Press keys of the telephone.",
    {"type": "object", "properties": {"keys": {"type": "string"}}, "required": ["keys"]},
)
_FRAME = (
    "You are a person on the telephone, talking to a business's agent. Stay in your part: {persona} "
    "Say one short sentence at a time, in {language}, as people speak. Say nothing that is not spoken. "
    "Hang up once you have said goodbye or the agent has."
)
_LANGUAGES = {"en": "English", "he": "Hebrew"}
_UNINTELLIGIBLE = "(could not be made out)"
_NOBODY = "(the agent says nothing)"


class ModelMind(ScriptedMind):
    """Does the plan's steps first, then talks as the model does."""

    def __init__(
        self, plan: CallerPlan, *, sid: str, handset: CallerHandset, book: Book, model: LanguageModel
    ) -> None:
        super().__init__(plan, sid=sid, handset=handset, book=book)
        self._model = model
        self._messages: list[Message] = []
        self._errors = book

    async def after_steps(self) -> None:
        """Talk until the model hangs up or the agent stays silent; where neither finds an end, hang up."""
        plan = self.plan
        instructions = _FRAME.format(
            persona=plan.persona.strip(), language=_LANGUAGES.get(plan.language, plan.language)
        )
        try:
            async with asyncio.timeout(plan.stays_s):
                await self._talk(instructions)
        except TimeoutError:
            self._errors.error(self.sid, 0, f"the caller hung up after {plan.stays_s:g} s without an end")

    async def _talk(self, instructions: str) -> None:
        silent = 0
        for _ in range(self.plan.turns):
            try:
                async with asyncio.timeout(self.plan.patience_s):
                    heard = " ".join(filter(None, self._note(await self.handset.listen()))) or _UNINTELLIGIBLE
                silent = 0
            except TimeoutError:
                silent += 1
                heard = _NOBODY
            if silent > 1:
                return
            self._messages.append(Message("user", heard))
            try:
                await self._answer(instructions)
            except ModelFailed as error:
                self._errors.error(self.sid, 0, f"the caller's model failed: {error}")
                return
        self._errors.error(self.sid, 0, f"the caller hung up after {self.plan.turns} turns without an end")

    async def _answer(self, instructions: str) -> None:
        text, calls = "", []
        async for piece in self._model.answer(instructions, self._messages, (_HANG_UP, _PRESS)):
            if isinstance(piece, ToolCall):
                calls.append(piece)
            else:
                text += piece
        self._messages.append(Message("assistant", text, tuple(calls)))
        if text.strip():
            await self.say(text.strip())
        for call in calls:
            if call.name == _HANG_UP.name:
                raise HungUp
            await self.press(str(call.arguments.get("keys", "")))
            self._messages.append(Message("tool", "pressed", key=call.key))
