"""Language models behind OpenAI's chat completions: OpenAI's own, and every server that speaks the same.

Owns the wire of one answer: messages out, pieces in. Refuses to retry, to fall back and to know calls.
Ollama, vLLM, llama.cpp and most clouds have this interface; nothing beyond its common core is used.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
from openai import AsyncOpenAI, OpenAIError

from trunkline.providers.model_http import arguments_of, http_client, in_words, warm
from trunkline.providers.ports import Message, ModelFailed, ToolCall, ToolSpec

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam
    from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

OPENAI_URL = "https://api.openai.com/v1"

_NO_KEY = "none"
"""The SDK wants a key; servers of one's own ask for none and ignore it."""


class OpenAICompatibleModel:
    """The `LanguageModel` port on chat completions. `timeout_s` bounds each wait for the network."""

    def __init__(
        self, *, model: str, api_key: str | None, base_url: str = OPENAI_URL, timeout_s: float = 15.0
    ) -> None:
        self._model = model
        self._base_url = base_url
        self._http = http_client(base_url, timeout_s=timeout_s)
        self._client = AsyncOpenAI(
            api_key=api_key or _NO_KEY,
            base_url=base_url,
            # Who falls back knows better than the SDK whether there is time for another try.
            max_retries=0,
            http_client=self._http,
        )

    async def answer(
        self, instructions: str, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncIterator[str | ToolCall]:
        """Yield the answer in pieces; an empty one is a sign of life. Raises ModelFailed."""
        try:
            stream = await self._client.chat.completions.create(
                model=self._model,
                messages=_messages(instructions, messages),
                stream=True,
                **_tools(tools),
            )
            async with stream:
                asked = _Asked()
                finish: str | None = None
                async for chunk in stream:
                    choice = _choice(chunk)
                    if choice is None:
                        continue
                    finish = choice.finish_reason or finish
                    for part in choice.delta.tool_calls or ():
                        asked.take(part)
                        yield ""
                    if choice.delta.content:
                        yield choice.delta.content
        except (OpenAIError, httpx2.HTTPError, ValueError) as error:
            raise ModelFailed(in_words(error)) from error
        if finish is None:
            raise ModelFailed("the answer broke off")
        if finish == "content_filter":
            raise ModelFailed("the answer was withheld by the provider's filter")
        for call in asked.calls():
            yield call

    async def warm(self) -> None:
        """Have a connection open. Raises ModelFailed."""
        await warm(self._http, self._base_url)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


@dataclass(slots=True)
class _Call:
    key: str
    name: str = ""
    arguments: str = ""


class _Asked:
    """The tools that one answer asks for, put together from their parts."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    def take(self, part: ChoiceDeltaToolCall) -> None:
        call = self._by_index.get(part.index)
        # Some servers give every call the same index, and a whole call in each part.
        if call is None or (part.id and part.id != call.key):
            call = _Call(part.id or f"{part.index}")
            self._by_index[part.index] = call
            self._calls.append(call)
        if part.function is not None:
            call.name += part.function.name or ""
            call.arguments += part.function.arguments or ""

    def calls(self) -> list[ToolCall]:
        """Return them. Raises ModelFailed where one cannot be read."""
        return [
            ToolCall(call.key, call.name, arguments_of(call.name, call.arguments)) for call in self._calls
        ]


def _choice(chunk: ChatCompletionChunk) -> Any:
    """Return what a chunk adds; None of one that only counts. Raises ValueError on nonsense."""
    # The SDK does not check what it is sent.
    choices = getattr(chunk, "choices", None)
    if not isinstance(choices, list):
        raise ValueError("the provider sent something else than a chunk")
    if not choices:
        return None
    if getattr(choices[0], "delta", None) is None:
        raise ValueError("the provider sent a choice without a delta")
    return choices[0]


def _messages(instructions: str, messages: Sequence[Message]) -> list[ChatCompletionMessageParam]:
    # Keys of other providers may be longer than OpenAI takes, so each request counts its own.
    keys: dict[str, str] = {}
    told: list[Any] = [{"role": "system", "content": instructions}]
    for message in messages:
        if message.role == "tool":
            told.append({"role": "tool", "tool_call_id": keys[message.key], "content": message.text})
            continue
        entry: dict[str, Any] = {"role": message.role, "content": message.text}
        if message.calls:
            entry["content"] = message.text or None
            entry["tool_calls"] = []
            for call in message.calls:
                keys[call.key] = f"call_{len(keys) + 1}"
                function = {"name": call.name, "arguments": json.dumps(dict(call.arguments))}
                entry["tool_calls"].append({"id": keys[call.key], "type": "function", "function": function})
        told.append(entry)
    return told


def _tools(tools: Sequence[ToolSpec]) -> dict[str, Any]:
    if not tools:
        return {}
    return {
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": tool.name, "description": tool.description, "parameters": dict(tool.parameters),
                },
            }
            for tool in tools
        ]
    }  # fmt: skip
