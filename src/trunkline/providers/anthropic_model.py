"""Anthropic's language models by its messages API.

Owns the wire of one answer: messages out, pieces in. Refuses to retry, to fall back and to know calls.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
from anthropic import AnthropicError, AsyncAnthropic

from trunkline.providers.model_http import arguments_of, http_client, in_words, warm
from trunkline.providers.ports import Message, ModelFailed, ToolCall, ToolSpec

if TYPE_CHECKING:
    from anthropic.types import MessageParam, ToolParam

ANTHROPIC_URL = "https://api.anthropic.com"

_LONGEST_ANSWER_TOKENS = 1_024
"""The API wants a bound. What is spoken is far shorter."""


class AnthropicModel:
    """The `LanguageModel` port on Claude. `timeout_s` bounds each wait for the network."""

    def __init__(
        self, *, model: str, api_key: str, base_url: str = ANTHROPIC_URL, timeout_s: float = 15.0
    ) -> None:
        self._model = model
        self._base_url = base_url
        self._http = http_client(base_url, timeout_s=timeout_s)
        self._client = AsyncAnthropic(
            api_key=api_key,
            base_url=base_url,
            # Who falls back knows better than the SDK whether there is time for another try.
            max_retries=0,
            http_client=self._http,
        )

    async def answer(
        self, instructions: str, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncIterator[str | ToolCall]:
        """Yield the answer in pieces; an empty one is a sign of life. Raises ModelFailed."""
        stop: str | None = None
        calls: dict[int, _Call] = {}
        try:
            stream = await self._client.messages.create(
                model=self._model,
                max_tokens=_LONGEST_ANSWER_TOKENS,
                system=instructions,
                messages=_messages(messages),
                tools=_tools(tools),
                stream=True,
            )
            async with stream:
                async for event in stream:
                    match event.type:
                        case "content_block_start" if event.content_block.type == "tool_use":
                            calls[event.index] = _Call(event.content_block.id, event.content_block.name)
                            yield ""
                        case "content_block_delta" if event.delta.type == "input_json_delta":
                            calls[event.index].json += event.delta.partial_json
                            yield ""
                        case "content_block_delta" if event.delta.type == "text_delta":
                            if event.delta.text:
                                yield event.delta.text
                        case "message_delta":
                            stop = event.delta.stop_reason or stop
        except (AnthropicError, httpx2.HTTPError, ValueError, KeyError, AttributeError) as error:
            # The SDK does not check what it is sent; nonsense shows as a missing part.
            raise ModelFailed(in_words(error)) from error
        if stop is None:
            raise ModelFailed("the answer broke off")
        if stop == "refusal":
            raise ModelFailed("the model refused to answer")
        for call in calls.values():
            yield ToolCall(call.key, call.name, arguments_of(call.name, call.json))

    async def warm(self) -> None:
        """Have a connection open. Raises ModelFailed."""
        await warm(self._http, self._base_url)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


@dataclass(slots=True)
class _Call:
    """A tool being asked for."""

    key: str
    name: str
    json: str = ""


def _messages(messages: Sequence[Message]) -> list[MessageParam]:
    # Keys of other providers may have signs that Anthropic does not take, so each request counts its own.
    keys: dict[str, str] = {}
    told: list[Any] = []
    for message in messages:
        blocks: list[dict[str, Any]] = []
        if message.role == "tool":
            answer = {"type": "tool_result", "tool_use_id": keys[message.key], "content": message.text}
            blocks.append(answer)
        elif message.text:
            blocks.append({"type": "text", "text": message.text})
        for call in message.calls:
            keys[call.key] = f"toolu_{len(keys) + 1}"
            used = {
                "type": "tool_use",
                "id": keys[call.key],
                "name": call.name,
                "input": dict(call.arguments),
            }
            blocks.append(used)
        role = "assistant" if message.role == "assistant" else "user"
        if told and told[-1]["role"] == role:
            # Answers of tools asked for together belong into one message.
            told[-1]["content"] += blocks
        elif blocks:
            told.append({"role": role, "content": blocks})
    return told


def _tools(tools: Sequence[ToolSpec]) -> list[ToolParam]:
    return [
        {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}
        for tool in tools
    ]
