"""What a stand-in answers, what goes wrong, and what it was asked. Knows no provider's wire."""

from __future__ import annotations

import enum
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_PIECES = re.compile(r"\s*\S{1,5}|\s+")


class Fault(enum.StrEnum):
    """What becomes of an answer once `after` pieces of its text are out; the first four come in its place."""

    TOO_MANY = "429"
    ERROR = "500"
    OVERLOADED = "503"
    MUTE = "mute"
    """The request is taken and nothing is ever answered."""
    STALL = "stall"
    """The rest never comes; the connection stays open."""
    BREAK_OFF = "break_off"
    """The connection is cut."""
    END_EARLY = "end_early"
    """The body ends in good order, without the provider's word that the answer is whole."""
    NONSENSE = "nonsense"
    """Something comes that is no JSON."""
    WRONG_SHAPE = "wrong_shape"
    """JSON comes that is no part of an answer."""
    LATE_ERROR = "late_error"
    """The provider tells of an error in the midst of the answer, in its own shape."""

    @property
    def status(self) -> int | None:
        """The HTTP status of a fault that is one."""
        return int(self.value) if self.value.isdigit() else None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the answer asks for. `arguments` may be a text, which goes out as it stands."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. Times are in seconds."""

    text: str = ""
    tools: tuple[Tool, ...] = ()
    fault: Fault | None = None
    after: int = 0
    first_s: float = 0.0
    """To the first byte of the body."""
    pace_s: float = 0.0
    """Between two pieces."""

    @property
    def pieces(self) -> list[str]:
        """The text as it is streamed: words fall apart, as tokens do."""
        return _PIECES.findall(self.text)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that passed the provider's checks, in common words."""

    model: str
    instructions: str
    messages: tuple[tuple[str, str], ...]
    """Role and text: `user`, `assistant`, `tool` (an answer) or `asked` (a tool's name)."""
    tools: tuple[str, ...]
    body: Mapping[str, Any]


@dataclass(slots=True)
class Plan:
    """The answers to come and the account of what came. With none planned, the last message is repeated."""

    key: str = "secret-key"
    model: str = "stand-in-1"
    answers: deque[Answer] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Why requests did not pass."""
    embedded: list[str] = field(default_factory=list)
    """Texts of which vectors were asked for."""
    embedding_fault: Fault | None = None
    """What is answered instead of vectors, while it is set: a status."""
    open: int = 0
    """Answers on their way."""
    abandoned: int = 0
    """Answers that the other side closed before they were whole."""

    def then(self, *answers: Answer | str) -> None:
        """Answer like this, one request after another."""
        self.answers.extend(Answer(answer) if isinstance(answer, str) else answer for answer in answers)

    def next_answer(self, asked: Asked) -> Answer:
        """Take a request down and return what is answered to it."""
        self.asked.append(asked)
        if self.answers:
            return self.answers.popleft()
        said = next((text for role, text in reversed(asked.messages) if role == "user"), "")
        return Answer(f"You said: {said}")


def answer_of(data: Mapping[str, Any]) -> Answer:
    """Read an answer as the control door takes it. Raises ValueError."""
    known = {"text", "tools", "fault", "after", "first_s", "pace_s"}
    if strange := sorted(set(data) - known):
        raise ValueError(f"an answer has no {strange[0]!r}")
    try:
        return Answer(
            text=str(data.get("text", "")),
            tools=tuple(Tool(tool["name"], tool.get("arguments", {})) for tool in data.get("tools", ())),
            fault=Fault(data["fault"]) if data.get("fault") else None,
            after=int(data.get("after", 0)),
            first_s=float(data.get("first_s", 0)),
            pace_s=float(data.get("pace_s", 0)),
        )
    except (TypeError, KeyError) as error:
        raise ValueError("an answer is text, tools, fault, after, first_s, pace_s") from error
