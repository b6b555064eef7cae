"""The port of writers: whatever holds the agent's side of a written conversation, and whatever reads one.

Synchronous, because jobs use it: a writer is asked once for each answer, with all that it needs, and keeps
nothing. Knows no provider, no telephone and no business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from trunkline.providers.ports.brain import ToolResult, ToolSpec

UseTool = Callable[[str, Mapping[str, Any]], ToolResult]
"""Runs one of the agent's tools by name. What a tool refuses is a ToolResult that is not ok."""


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """One message of the conversation, oldest first."""

    who: Literal["agent", "colleague", "person"]
    text: str
    sent: str = ""
    """What came in place of words, or with them: "an image"."""


@dataclass(frozen=True, slots=True)
class ChatBrief:
    """Everything a writer may know about the conversation that it answers in."""

    language: str
    business_name: str
    greeting: str
    instructions: str
    script: Mapping[str, Any] | None
    """The dialogue of the scripted writer."""
    tools: tuple[ToolSpec, ...]
    local_now: datetime
    lines: tuple[WrittenLine, ...]
    unanswered: tuple[str, ...]
    """Those of the person's messages, the last of `lines`, that nobody has answered."""
    variables: Mapping[str, str] = field(default_factory=dict)
    knowledge: str = ""
    about: str = ""
    """What the business knows of the person, a line each."""
    before: str = ""
    """What an earlier conversation came to, which the person has chosen to go on with."""
    progress: Mapping[str, Any] | None = None
    """What the writer's last reply in this conversation said of itself."""
    longest: int = 4_096
    """Characters of a message."""
    last_words: frozenset[str] = frozenset()
    """Tools behind which the agent writes nothing more."""

    def filled(self, text: str) -> str:
        """Fill in a text's names. A brace of its own that names nothing stays as it stands."""
        for name, value in {**self.variables, "business_name": self.business_name}.items():
            text = text.replace(f"{{{name}}}", value)
        return text


@dataclass(frozen=True, slots=True)
class Reply:
    """What a writer answers."""

    text: str
    """Empty where a tool of `last_words` has done all."""
    progress: dict[str, Any] | None = None
    """JSON that is handed in with the next brief."""
    at_a_loss: bool = False
    """It does not understand the person: somebody else had better go on."""


class WritingFailed(Exception):
    """A writer or reader could not do its work: its provider refused, was too slow or wrote nothing."""


class CannotWrite(Exception):
    """The brief is of no use to the writer: no instructions, or a dialogue that is not sound."""


class Writer(Protocol):
    """Answers in written conversations."""

    def reply(self, brief: ChatBrief, tools: UseTool) -> Reply:
        """Answer what is unanswered. Raises WritingFailed, CannotWrite, and whatever the tools raise."""
        ...


class Reader(Protocol):
    """Reads a text and answers with one."""

    def read(self, instructions: str, *texts: str) -> str:
        """Return what a model makes of a text; further texts are its answer and what is asked of it then.

        Raises WritingFailed.
        """
        ...
