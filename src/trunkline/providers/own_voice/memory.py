"""What has happened in a conversation, in order, so that it can be told again on a new connection.

Pure data; refuses to know how a provider wants it told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from trunkline.providers.own_voice.reply import LiveSpeech
from trunkline.providers.own_voice.utterance import LiveUtterance
from trunkline.providers.ports import Line, ToolCall, ToolResult


@dataclass(frozen=True, slots=True)
class Told:
    """What the model was told in writing: of the line, or the caller's own words."""

    text: str
    by_caller: bool = False


@dataclass(slots=True, eq=False)
class ToolUse:
    """A tool that the model asked for. `connection` is the number of the one on which it did."""

    call: ToolCall
    connection: int
    result: ToolResult | None = None

    @property
    def answer(self) -> dict[str, object]:
        """What the model is given of its result."""
        assert self.result is not None
        return {"ok": self.result.ok, **self.result.data}

    @property
    def answer_json(self) -> str:
        """The same, written down."""
        return json.dumps(self.answer, ensure_ascii=False, default=str)


Memory = Line | Told | ToolUse | LiveSpeech | LiveUtterance
"""One thing that happened. What another brain left is Lines."""
