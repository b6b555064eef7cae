"""The port of language models: messages in, words and calls of tools out, as they come.

Asynchronous. The cascade's brain asks it; it knows no call and no speech.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trunkline.providers.ports.brain import ToolSpec


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants a tool used. `key` is the provider's own, by which the answer is known."""

    key: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation as a model reads it."""

    role: str
    """`user`, `assistant` or `tool`; the instructions are no message."""
    text: str
    calls: tuple[ToolCall, ...] = ()
    """Tools that the assistant asked for."""
    key: str = ""
    """Of a tool's answer: the call that it answers."""


class ModelFailed(Exception):
    """A language model could not answer: refused, broken off, unreadable or too slow."""


class LanguageModel(Protocol):
    """A model, shared by all calls of a process."""

    def answer(
        self, instructions: str, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncIterator[str | ToolCall]:
        """Yield the answer's text in pieces as they come, and the tools it asks for. Raises ModelFailed.

        Closing the iterator early stops the work.
        """

    async def close(self) -> None: ...
