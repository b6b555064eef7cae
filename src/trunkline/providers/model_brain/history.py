"""What a model is told of the conversation so far: what was heard of it, and every tool that was used.

Owns the messages of one call and the account of the agent's turn in the air. Pure; refuses to know who
speaks, and which model reads it.

A turn of the agent is made of rounds: some text, tools, text again. What the caller did not hear is
struck from all of them; a tool that was used stays, because it was.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from trunkline.providers.call_prompt import CONNECTED, on_the_line, theirs
from trunkline.providers.heard_words import heard_of
from trunkline.providers.ports import Line, Message, ToolCall, ToolResult


@dataclass(slots=True)
class _Round:
    """One answer of the model: its sentences, and the tools it asked for that gave an answer."""

    said: list[str] = field(default_factory=list)
    used: list[tuple[ToolCall, ToolResult]] = field(default_factory=list)

    def messages(self) -> list[Message]:
        text = " ".join(self.said)
        if not text and not self.used:
            return []
        calls = tuple(call for call, _ in self.used)
        answers = [Message("tool", _as_json(result), key=call.key) for call, result in self.used]
        return [Message("assistant", text, calls), *answers]


@dataclass(slots=True)
class _Spoken:
    """A sentence given to the voice. Of none of the rounds: a filler, which the model need not know of."""

    text: str
    round: _Round | None
    is_owed: bool
    """It has to be heard whole, or it is said again."""


class History:
    """One call's messages."""

    def __init__(self, past: Sequence[Line] = ()) -> None:
        self._told: list[Message] = []
        self._rounds: list[_Round] = []
        self._spoken: list[_Spoken] = []
        self.owed: list[str] = []
        """Sentences that had to be heard whole and were not, in order."""
        if past:
            # Models want to be spoken to first.
            self.told(CONNECTED)
        for line in past:
            match line.who:
                case "agent":
                    self._told.append(Message("assistant", line.text))
                case "caller":
                    self._told.append(Message("user", theirs(line.text)))
                case "tool":
                    self._told.append(Message("user", f"[You used a tool: {line.text}]"))

    @property
    def messages(self) -> list[Message]:
        """Everything so far, as a model reads it."""
        return [*self._told, *(message for turn in self._rounds for message in turn.messages())]

    def question(self) -> tuple[list[Message], str]:
        """Return the messages that ask for more of this turn, and what was said of it behind them all.

        No provider goes on behind words of its own model's, so those are told apart.
        """
        begun: list[str] = []
        rounds = list(self._rounds)
        while rounds and not rounds[-1].used:
            begun = [*rounds.pop().said, *begun]
        messages = [*self._told, *(message for turn in rounds for message in turn.messages())]
        return messages, " ".join(begun)

    @property
    def has_spoken(self) -> bool:
        """True once the agent has said anything in this turn, a filler included."""
        return bool(self._spoken)

    @property
    def has_answered(self) -> bool:
        """The same without fillers."""
        return any(spoken.round is not None for spoken in self._spoken)

    # --- What happens ---------------------------------------------------------------------

    def caller_said(self, text: str) -> None:
        """The caller has had a turn, in their own words; the agent's begins."""
        self._next_turn(theirs(text))

    def told(self, what: str) -> None:
        """Something happened that nobody said. The agent's turn begins."""
        self._next_turn(on_the_line(what))

    def _next_turn(self, message: str) -> None:
        self._told = [*self.messages, Message("user", message)]
        self._rounds, self._spoken = [], []

    def next_round(self) -> None:
        """The model is asked, for the first time in this turn or again."""
        if not self._rounds or self._rounds[-1].used:
            self._rounds.append(_Round())

    def said(self, text: str, *, owed: bool = False) -> None:
        """A sentence of this round goes to the voice."""
        if not self._rounds:
            self.next_round()
        self._rounds[-1].said.append(text)
        self._spoken.append(_Spoken(text, self._rounds[-1], owed))

    def filled(self, text: str) -> None:
        """A filler goes to the voice."""
        self._spoken.append(_Spoken(text, None, is_owed=False))

    def used(self, call: ToolCall, result: ToolResult) -> None:
        """A tool of this round has answered."""
        self._rounds[-1].used.append((call, result))

    def heard(self, said: str) -> None:
        """Not all of the turn was heard: strike what is not among the words that were."""
        counts = heard_of([spoken.text for spoken in self._spoken], said)
        self.owed = []
        kept: list[_Spoken] = []
        for turn in self._rounds:
            turn.said.clear()
        for spoken, count in zip(self._spoken, counts, strict=True):
            words = spoken.text.split()
            if spoken.is_owed and count < len(words):
                self.owed.append(spoken.text)
            text = " ".join(words[:count])
            if not text:
                continue
            if spoken.round is not None:
                spoken.round.said.append(text)
            kept.append(_Spoken(text, spoken.round, spoken.is_owed))
        self._spoken = kept


def _as_json(result: ToolResult) -> str:
    return json.dumps({"ok": result.ok, **result.data}, ensure_ascii=False, default=str)
