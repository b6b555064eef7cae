"""OpenAI's chat completions, streamed: what passes, and the chunks of an answer.

Requests are held against the SDK's own types, and then against what the API demands beyond them: a key, a
model that exists, and an answer to each tool that was asked for, right behind the asking.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

from openai.types import Embedding, EmbeddingCreateParams, Model
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import TypeAdapter

from trunkline.simulators.model_server.plan import Asked, Plan, Tool
from trunkline.simulators.model_server.server import event
from trunkline.simulators.model_server.wire import Refused, checked
from trunkline.simulators.openai.embeddings import vector_of

_REQUEST: TypeAdapter[Any] = TypeAdapter(CompletionCreateParamsStreaming)
_KNOWN = frozenset(get_type_hints(CompletionCreateParamsStreaming))
_TEXTS: TypeAdapter[Any] = TypeAdapter(EmbeddingCreateParams)
_KNOWN_OF_TEXTS = frozenset(get_type_hints(EmbeddingCreateParams))
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_LONGEST_CALL_ID = 40


class OpenAIWire:
    """`POST /v1/chat/completions` with `stream: true`, `POST /v1/embeddings` and `GET /v1/models`."""

    path = "/v1/chat/completions"
    models_path = "/v1/models"
    embeddings_path = "/v1/embeddings"

    def embeddings(self, plan: Plan, headers: Mapping[str, str], body: Any) -> Mapping[str, Any]:
        _check_key(plan, headers)
        request = checked(_TEXTS, body, known=_KNOWN_OF_TEXTS)
        if request["model"] != plan.model:
            raise Refused(404, f"The model `{request['model']}` does not exist.")
        texts = [request["input"]] if isinstance(request["input"], str) else list(request["input"])
        if not texts or not all(isinstance(text, str) and text for text in texts):
            raise Refused(400, "'$.input' is invalid.")
        plan.embedded.extend(texts)
        rows = [
            Embedding(embedding=vector_of(text), index=index, object="embedding")
            for index, text in enumerate(texts)
        ]
        # Each says which text it is of; nobody promises their order.
        data = [row.model_dump() for row in reversed(rows)]
        return {"object": "list", "model": plan.model, "data": data, "usage": {}}

    def models(self, plan: Plan, headers: Mapping[str, str]) -> Mapping[str, Any]:
        _check_key(plan, headers)
        model = Model(id=plan.model, created=0, object="model", owned_by="stand-in")
        return {"object": "list", "data": [model.model_dump()]}

    def read(self, plan: Plan, place: Mapping[str, str], headers: Mapping[str, str], body: Any) -> Asked:
        _check_key(plan, headers)
        request = checked(_REQUEST, body, known=_KNOWN)
        if request["model"] != plan.model:
            raise Refused(404, f"The model `{request['model']}` does not exist.")
        for tool in request.get("tools", ()):
            if not _NAME.fullmatch(tool["function"]["name"]):
                raise Refused(400, f"Invalid 'tools.function.name': {tool['function']['name']!r}")
        _check_order(request["messages"])
        return Asked(
            model=request["model"],
            instructions="\n".join(m["content"] for m in request["messages"] if m["role"] == "system"),
            messages=tuple(_told(request["messages"])),
            tools=tuple(tool["function"]["name"] for tool in request.get("tools", ())),
            body=body,
        )

    def opening(self, asked: Asked) -> Iterator[bytes]:
        yield _chunk(asked, {"role": "assistant", "content": ""})

    def piece(self, asked: Asked, text: str) -> Iterator[bytes]:
        yield _chunk(asked, {"content": text})

    def closing(self, asked: Asked, tools: tuple[Tool, ...]) -> Iterator[bytes]:
        for index, tool in enumerate(tools):
            raw = tool.arguments if isinstance(tool.arguments, str) else json.dumps(dict(tool.arguments))
            head = {"name": tool.name, "arguments": ""}
            number = len(asked.messages)
            part = {"index": index, "id": f"call_{number}_{index}", "type": "function", "function": head}
            yield _chunk(asked, {"tool_calls": [part]})
            for at in range(0, len(raw), 7):
                part = {"index": index, "function": {"arguments": raw[at : at + 7]}}
                yield _chunk(asked, {"tool_calls": [part]})
        yield _chunk(asked, {}, finish="tool_calls" if tools else "stop")
        yield event("[DONE]")

    def error(self, status: int, message: str) -> Mapping[str, Any]:
        return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}

    def late_error(self) -> Iterator[bytes]:
        yield event(self.error(500, "The server had an error while processing your request."))


def _check_key(plan: Plan, headers: Mapping[str, str]) -> None:
    if headers.get("authorization") != f"Bearer {plan.key}":
        raise Refused(401, "Incorrect API key provided.")


def _chunk(asked: Asked, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
    chunk = ChatCompletionChunk.model_validate(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": asked.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
    )
    return event(chunk.model_dump_json(exclude_unset=True))


def _check_order(messages: list[Mapping[str, Any]]) -> None:
    waiting: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise Refused(400, "messages with role 'tool' must be a response to a preceding 'tool_calls'")
            waiting.discard(message["tool_call_id"])
            continue
        if waiting:
            raise Refused(400, f"these tool_call_ids did not have response messages: {sorted(waiting)}")
        calls = list(message.get("tool_calls") or ())
        waiting = {call["id"] for call in calls}
        if len(waiting) != len(calls) or any(len(key) > _LONGEST_CALL_ID for key in waiting):
            raise Refused(400, "tool_calls have ids of their own, of 40 characters at most")
        for call in calls:
            json.loads(call["function"]["arguments"])
    if waiting:
        raise Refused(400, f"these tool_call_ids did not have response messages: {sorted(waiting)}")


def _told(messages: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for message in messages:
        if message["role"] == "system":
            continue
        if message.get("content"):
            yield message["role"], message["content"]
        for call in message.get("tool_calls") or ():
            yield "asked", call["function"]["name"]
