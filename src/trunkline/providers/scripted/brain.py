"""The scripted brain: a declarative dialogue held as a conversation, tools included.

Owns the performance of the engine's steps. It needs no model, no key and no network.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from pydantic import ValidationError

from trunkline.kit.dialogue import Dialogue
from trunkline.providers.heard_words import heard_of
from trunkline.providers.ports import Act, CallBrief, Conversation, Heard, Say, ToolRunner
from trunkline.providers.scripted import engine


class ScriptedBrain:
    """Opens conversations from the dialogue in a call's brief."""

    def open(self, brief: CallBrief, tools: ToolRunner) -> Conversation:
        """Begin a conversation. Raises ValueError on a brief without a sound dialogue in its language."""
        script = script_of(
            brief.script, brief.language, brief.business_name, brief.variables,
            greeting=brief.filled(brief.greeting), disclosure=brief.filled(brief.disclosure),
        )  # fmt: skip
        return ScriptedConversation(script, tools, takes_over=bool(brief.past))


def script_of(
    script: Mapping[str, Any] | None, language: str, business_name: str, variables: Mapping[str, str], *,
    greeting: str, disclosure: str = "",
) -> engine.Script:  # fmt: skip
    """Return a dialogue as it is spoken or written here. Raises ValueError where it is not sound."""
    if script is None:
        raise ValueError("the brief has no script")
    try:
        dialogue = Dialogue.model_validate(script)
    except ValidationError as error:
        raise ValueError(f"the script is not sound: {error}") from error
    spoken = language.partition("-")[0].lower()
    if spoken not in dialogue.languages:
        raise ValueError(f"the script has no texts in {spoken!r}")
    return engine.Script(
        dialogue, spoken, {**variables, "business_name": business_name},
        greeting=greeting, disclosure=disclosure,
    )  # fmt: skip


class ScriptedConversation:
    """One call's walk through its dialogue."""

    def __init__(self, script: engine.Script, tools: ToolRunner, *, takes_over: bool = False) -> None:
        self._script = script
        self._takes_over = takes_over
        self._tools = tools
        self._progress = engine.Progress()
        self._said: list[str] = []
        self._news: list[str] = []
        """What a tool's outcome makes us say in this turn before the question."""
        self._before_news: list[str] = []
        """What was said before that."""
        self._untold: list[str] = []
        """What of it the caller has not heard."""
        self._using = False
        """A tool is under way, or was not allowed to begin."""

    def begin(self) -> AsyncIterator[Act]:
        # Whoever opens a stretch of the call asks its first question: what is heard next answers it.
        self._takes_over = False
        return self._perform(engine.begin(self._script))

    def hear(self, heard: Heard) -> AsyncIterator[Act]:
        if self._takes_over:
            # What another brain has found out is in no slot of ours: the dialogue begins anew.
            return self.begin()
        progress, steps = engine.hear(self._script, self._progress, heard)
        self._said, self._before_news = [], []
        self._news, self._untold = self._untold, []
        return self._perform((progress, (*map(Say, self._news), *steps)))

    def interrupted(self, said: str, *, played_ms: int) -> None:
        """Judge by the words whether the turn's last sentence, the question, was reached."""
        counts = heard_of(self._said, said)
        reached = bool(counts) and counts[-1] > 0
        self._progress = engine.interrupted(self._progress, question_heard=reached and not self._using)
        heard_news = counts[len(self._before_news) :][: len(self._news)]
        heard_news += [0] * (len(self._news) - len(heard_news))
        self._untold = [one for one, count in zip(self._news, heard_news, strict=True) if not count]

    def listen(self) -> None:
        """A recogniser hears the caller: what is expected is written in grammars."""

    async def close(self) -> None:
        """Nothing is held."""

    async def _perform(self, outcome: engine.Outcome) -> AsyncIterator[Act]:
        while True:
            self._progress, steps = outcome
            call: engine.CallTool | None = None
            for step in steps:
                if isinstance(step, engine.CallTool):
                    call = step
                    continue
                if isinstance(step, Say):
                    self._said.append(step.text)
                yield step
            if call is None:
                return
            self._using = True
            result = await self._tools(call.name, call.arguments)
            self._using = False
            outcome = engine.tool_done(self._script, self._progress, result)
            self._before_news = list(self._said)
            self._news = [told.text for told in engine.news(self._script, outcome)]
