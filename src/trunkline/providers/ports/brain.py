"""The port of brains: whatever holds the agent's side of a conversation.

A brain gives acts: what to say or sound, when to listen, when to hang up. Asynchronous, because
the live call uses it. Knows no provider and no telephone.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from trunkline.providers.ports.speech import Grammar, Utterance


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered. A tool that fails says so in `data["error"]` with `ok` False."""

    ok: bool
    data: Mapping[str, Any]


ToolRunner = Callable[[str, Mapping[str, Any]], Awaitable[ToolResult]]
"""Runs one of the agent's tools by name. Never raises: trouble is a ToolResult that is not ok."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a language model is told of it."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON schema of its arguments, an object."""


@dataclass(frozen=True, slots=True)
class CallBrief:
    """Everything a brain may know about the call it holds; built before the call connects."""

    call_id: str
    direction: str
    """`inbound` or `outbound`."""
    language: str
    business_name: str
    greeting: str
    instructions: str
    """The prompt of a model-driven brain; unused by the scripted one."""
    script: Mapping[str, Any] | None
    """The dialogue of the scripted brain (see `kit.dialogue`)."""
    tools: tuple[ToolSpec, ...]
    local_now: datetime
    """Now, in the business's time zone."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Names that greetings and prompts may mention, such as `lead_name`."""
    voice: str = ""
    """How the agent sounds where the brain has a voice of its own, by that provider's name of it."""
    disclosure: str = ""
    """What the law or the business wants said before all else: that an AI speaks, for instance."""
    knowledge: str = ""
    """What the business has written down for model-driven brains to know, under headings; may be empty."""
    about: str = ""
    """What the business knows of the other party, a line each; empty where that is nothing."""
    past: tuple[Line, ...] = ()
    """What was said before this brain took over from another that failed; empty as a rule."""

    def filled(self, text: str) -> str:
        """Fill in a text's names. A brace of its own that names nothing is spoken as it stands."""
        for name, value in {**self.variables, "business_name": self.business_name}.items():
            text = text.replace(f"{{{name}}}", value)
        return text


class Speaking(Protocol):
    """Speech that a brain makes itself, on its way. Iterated once; closing it early stops the work."""

    @property
    def text(self) -> str:
        """The words known by now; they may come before their sound or behind it."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield PCM as it is made. Raises SpeechFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Say:
    """Speak this. Consecutive Says form one turn of the agent."""

    text: str


@dataclass(frozen=True, slots=True)
class Sound:
    """Let this be heard: the brain has its own voice."""

    speaking: Speaking


@dataclass(frozen=True, slots=True)
class Listen:
    """The agent has said its piece and expects an answer, spoken or keyed."""

    grammar: Grammar | None
    digits: int = 0
    """How many keypad digits make an answer; 0 where the keypad is not offered."""


@dataclass(frozen=True, slots=True)
class Note:
    """A fact of the call that belongs in its record, such as its disposition."""

    name: str
    value: str
    confidence: float = 1.0
    """How sure it is, 0 to 1: less than certain is what a model has concluded from what was said."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The conversation is over: end the call once everything said has been heard."""

    reason: str


Act = Say | Sound | Listen | Note | HangUp


class InputKind(enum.StrEnum):
    """By which way an answer came."""

    SPEECH = "speech"
    DIGITS = "digits"
    SILENCE = "silence"
    """The caller said nothing for as long as the watchdog waits."""
    MACHINE = "machine"
    """What answered is no person: a `beep` or a `greeting` too long for one, named by the text."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The caller's turn as the brain receives it. Empty text: something was said, unintelligible."""

    kind: InputKind
    text: str
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said or done in a call, for whoever goes on with the conversation."""

    who: Literal["agent", "caller", "tool"]
    text: str
    """Of a tool: its name, arguments and answer as JSON."""


class BrainFailed(Exception):
    """A brain can not go on: its provider refused, fell silent or broke off. Another one may take over."""


class Conversation(Protocol):
    """One call's train of thought. Its iterators are closed early when the caller interrupts.

    They raise BrainFailed when the conversation cannot go on, at any point.
    """

    def begin(self) -> AsyncIterator[Act]:
        """Open the call: greeting, first question."""

    def hear(self, heard: Heard) -> AsyncIterator[Act]:
        """Answer the caller's turn."""

    def interrupted(self, said: str, *, played_ms: int) -> None:
        """Not all of the last turn was heard: the caller cut it short, or a sentence could not be voiced.

        `said` is what they did hear of the last turn, `played_ms` how much of its sound was played.
        """

    def listen(self) -> Utterance | None:
        """Begin to hear the caller's turn oneself; None where a recogniser is to hear it.

        `Heard.text` of such a turn may be empty when `hear` is called: the brain has heard the sound.
        """

    async def close(self) -> None:
        """The call is over: let go of whatever is held. Safe to call twice; never raises."""


class Brain(Protocol):
    """A way to hold conversations: scripted, or driven by a language model."""

    def open(self, brief: CallBrief, tools: ToolRunner) -> Conversation:
        """Begin a conversation, its connection included. Never blocks. Raises ValueError on a brief it
        cannot use; a connection that fails is told by the conversation's iterators."""
