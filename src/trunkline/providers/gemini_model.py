"""Google's Gemini models by the Developer API.

Owns the wire of one answer: messages out, pieces in. Refuses to retry, to fall back and to know calls.

Gemini signs the tools that it asks for and wants the signature back with the next request; it travels in the
key of a `ToolCall`. Calls that another model asked for have none, and are marked as Google's manual says.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator, Sequence
from contextvars import ContextVar
from typing import Any

import httpx2
from google import genai
from google.genai import errors, types

from trunkline.providers.model_http import http_client, in_words, warm
from trunkline.providers.ports import Message, ModelFailed, ToolCall, ToolSpec

GEMINI_URL = "https://generativelanguage.googleapis.com"

_SIGNED = "gemini"
_UNSIGNED = b"skip_thought_signature_validator"
_WITHOUT_SIGNATURES = ("gemini-1", "gemini-2")
"""Generations of models that know no signatures of tools, and are told of none that are not theirs."""

_GOOD_ENDS = frozenset({types.FinishReason.STOP, types.FinishReason.MAX_TOKENS})

_response: ContextVar[list[httpx2.Response] | None] = ContextVar("gemini_response", default=None)


class GeminiModel:
    """The `LanguageModel` port on Gemini. `timeout_s` bounds each wait for the network."""

    def __init__(
        self, *, model: str, api_key: str, base_url: str = GEMINI_URL, timeout_s: float = 15.0
    ) -> None:
        self._model = model
        self._base_url = base_url
        self._http = http_client(base_url, timeout_s=timeout_s, event_hooks={"response": [_keep]})
        self._client = genai.Client(
            api_key=api_key,
            vertexai=False,
            http_options=types.HttpOptions(
                base_url=base_url,
                httpx_async_client=self._http,
                retry_options=types.HttpRetryOptions(attempts=1),
            ),
        )

    async def answer(
        self, instructions: str, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncIterator[str | ToolCall]:
        """Yield the answer in pieces. Raises ModelFailed."""
        finish: types.FinishReason | None = None
        calls: list[ToolCall] = []
        opened: list[httpx2.Response] = []
        try:
            stream = await self._client.aio.models.generate_content_stream(
                model=self._model,
                contents=_contents(messages, signs=not self._model.startswith(_WITHOUT_SIGNATURES)),
                config=_config(instructions, tools),
            )
            while (chunk := await _next(stream, opened)) is not None:
                if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason is not None:
                    raise ModelFailed(f"the question was blocked: {chunk.prompt_feedback.block_reason}")
                if not chunk.candidates:
                    continue
                candidate = chunk.candidates[0]
                finish = candidate.finish_reason or finish
                for part in (candidate.content and candidate.content.parts) or ():
                    if part.function_call is not None:
                        calls.append(_call(part, len(calls)))
                    elif part.text and not part.thought:
                        yield part.text
        except (errors.APIError, httpx2.HTTPError, ValueError) as error:
            raise ModelFailed(in_words(error)) from error
        finally:
            # Closing the SDK's iterator does not close what it reads from.
            for response in opened:
                await response.aclose()
        if finish is None:
            raise ModelFailed("the answer broke off")
        if finish not in _GOOD_ENDS:
            raise ModelFailed(f"the answer ended with {finish.value}")
        for call in calls:
            yield call

    async def warm(self) -> None:
        """Have a connection open. Raises ModelFailed."""
        await warm(self._http, self._base_url)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


async def _keep(response: httpx2.Response) -> None:
    """Remember the response for whoever has asked for it."""
    opened = _response.get()
    if opened is not None:
        opened.append(response)


async def _next(
    stream: AsyncIterator[types.GenerateContentResponse], opened: list[httpx2.Response]
) -> types.GenerateContentResponse | None:
    token = _response.set(opened)
    try:
        return await anext(stream, None)
    finally:
        _response.reset(token)


def _call(part: types.Part, number: int) -> ToolCall:
    asked = part.function_call
    assert asked is not None
    signature = base64.b64encode(part.thought_signature or b"").decode()
    key = f"{_SIGNED}:{asked.id or f'call_{number + 1}'}:{signature}"
    return ToolCall(key, asked.name or "", asked.args or {})


def _signature(call: ToolCall, *, is_first: bool, signs: bool) -> bytes | None:
    """Return what a call that is told again is signed with. Of several at once Gemini signs the first."""
    kind, _, rest = call.key.partition(":")
    if kind == _SIGNED:
        try:
            return base64.b64decode(rest.rpartition(":")[2], validate=True) or None
        except binascii.Error as error:
            raise ModelFailed("a tool's key is not what it was") from error
    return _UNSIGNED if signs and is_first else None


def _contents(messages: Sequence[Message], *, signs: bool) -> list[types.Content]:
    names: dict[str, str] = {}
    told: list[types.Content] = []
    answers: list[types.Part] = []
    for message in messages:
        if message.role == "tool":
            response = types.FunctionResponse(name=names[message.key], response=_object(message.text))
            answers.append(types.Part(function_response=response))
            continue
        if answers:
            # Tools asked for together are answered together.
            told.append(types.Content(role="user", parts=answers))
            answers = []
        parts = [types.Part(text=message.text)] if message.text else []
        for number, call in enumerate(message.calls):
            names[call.key] = call.name
            parts.append(
                types.Part(
                    function_call=types.FunctionCall(name=call.name, args=dict(call.arguments)),
                    thought_signature=_signature(call, is_first=number == 0, signs=signs),
                )
            )
        role = "model" if message.role == "assistant" else "user"
        if told and told[-1].role == role == "user" and not _answers_tools(told[-1]):
            # A caller who spoke twice before an answer was heard has had one turn.
            told[-1].parts = [*(told[-1].parts or ()), *parts]
        elif parts:
            told.append(types.Content(role=role, parts=parts))
    if answers:
        told.append(types.Content(role="user", parts=answers))
    return told


def _answers_tools(content: types.Content) -> bool:
    return any(part.function_response is not None for part in content.parts or ())


def _object(text: str) -> dict[str, Any]:
    answer = json.loads(text)
    return answer if isinstance(answer, dict) else {"result": answer}


def _config(instructions: str, tools: Sequence[ToolSpec]) -> types.GenerateContentConfig:
    declared = [
        types.FunctionDeclaration(
            name=tool.name, description=tool.description, parameters_json_schema=dict(tool.parameters)
        )
        for tool in tools
    ]
    return types.GenerateContentConfig(
        system_instruction=instructions,
        tools=[types.Tool(function_declarations=declared)] if declared else None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
