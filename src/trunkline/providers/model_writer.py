"""Writing by a language model: one answer with its tools, or one text read, each on a loop of its own.

Owns the rounds of an answer. Jobs are synchronous and have one thread, so each piece of work has a loop and a
client that begin and end with it. Refuses to know conversations, and who runs the tools.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from trunkline.providers import written_prompt
from trunkline.providers.ports import (
    CannotWrite,
    ChatBrief,
    LanguageModel,
    Message,
    ModelFailed,
    Reply,
    ToolCall,
    ToolResult,
    ToolSpec,
    UseTool,
    WritingFailed,
)
from trunkline.providers.streams import closing

T = TypeVar("T")

TOOL_ROUNDS = 6
"""How often for one answer the model may ask for tools before it has to write."""


class ModelWriter:
    """The ports `Writer` and `Reader` on a language model that is made for each piece of work."""

    def __init__(self, make: Callable[[], LanguageModel], *, tool_rounds: int = TOOL_ROUNDS) -> None:
        self._make = make
        self._tool_rounds = tool_rounds

    def reply(self, brief: ChatBrief, tools: UseTool) -> Reply:
        """Answer what is unanswered. Raises WritingFailed, and CannotWrite without instructions."""
        if not brief.instructions.strip():
            raise CannotWrite("the agent has no instructions for a model")
        return _run(self._reply(brief, tools))

    def read(self, instructions: str, *texts: str) -> str:
        """Return what the model makes of a text. Raises WritingFailed."""
        roles = ("user", "assistant")
        messages = [Message(roles[at % 2], text) for at, text in enumerate(texts)]
        return _run(self._read(instructions, messages))

    async def _reply(self, brief: ChatBrief, tools: UseTool) -> Reply:
        model = self._make()
        try:
            return await self._rounds(model, brief, tools)
        finally:
            await model.close()

    async def _rounds(self, model: LanguageModel, brief: ChatBrief, tools: UseTool) -> Reply:
        instructions = written_prompt.instructions_of(brief)
        messages = written_prompt.messages_of(brief)
        written: list[str] = []
        silent = 0
        for rounds_left in reversed(range(self._tool_rounds + 1)):
            if not rounds_left:
                instructions = f"{instructions}\n\n{written_prompt.STOP_USING_TOOLS}"
            text, calls = await _ask(model, instructions, messages, brief.tools)
            if text:
                written.append(text)
            if calls and rounds_left:
                results = [(call, tools(call.name, call.arguments)) for call in calls]
                if any(result.ok and call.name in brief.last_words for call, result in results):
                    return Reply("")
                messages.append(Message("assistant", text, tuple(calls)))
                messages += [Message("tool", _as_json(result), key=call.key) for call, result in results]
                continue
            if written:
                return Reply(written_prompt.as_sent("\n".join(written), longest=brief.longest))
            silent += 1
            if silent > 1:
                break
            messages.append(Message("user", written_prompt.NOTHING_WRITTEN))
        raise WritingFailed("the model has nothing to write")

    async def _read(self, instructions: str, messages: Sequence[Message]) -> str:
        model = self._make()
        try:
            text, _ = await _ask(model, instructions, messages, ())
        finally:
            await model.close()
        return text


async def _ask(
    model: LanguageModel, instructions: str, messages: Sequence[Message], tools: Sequence[ToolSpec]
) -> tuple[str, list[ToolCall]]:
    pieces: list[str] = []
    calls: list[ToolCall] = []
    answer = model.answer(instructions, messages, tools)
    try:
        async with closing(answer):
            async for piece in answer:
                if isinstance(piece, ToolCall):
                    calls.append(piece)
                else:
                    pieces.append(piece)
    except ModelFailed as failure:
        raise WritingFailed(str(failure)) from failure
    return "".join(pieces).strip(), calls


class _OwnLoop(asyncio.SelectorEventLoop):
    """A loop on which nobody waits beside the one who runs it: names are looked up without a thread."""

    async def getaddrinfo(self, host: Any, port: Any, **wanted: Any) -> Any:
        return socket.getaddrinfo(host, port, **wanted)


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=_OwnLoop) as runner:
        return runner.run(work)


def _as_json(result: ToolResult) -> str:
    return json.dumps({"ok": result.ok, **result.data}, ensure_ascii=False, default=str)
