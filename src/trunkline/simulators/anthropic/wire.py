"""Anthropic's messages, streamed: what passes, and the events of an answer.

Requests are held against the SDK's own types, and then against what the API demands beyond them: its
headers, a user's message first and last, no empty text, and each tool's answer in the very next message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

from anthropic.types import RawMessageStreamEvent
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from pydantic import TypeAdapter

from trunkline.simulators.model_server.plan import Asked, Plan, Tool
from trunkline.simulators.model_server.server import event
from trunkline.simulators.model_server.wire import Refused, checked

_REQUEST: TypeAdapter[Any] = TypeAdapter(MessageCreateParamsStreaming)
_EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
_KNOWN = frozenset(get_type_hints(MessageCreateParamsStreaming))
_KEY = re.compile(r"[a-zA-Z0-9_-]+")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


class AnthropicWire:
    """`POST /v1/messages` with `stream: true`."""

    path = "/v1/messages"

    def read(self, plan: Plan, place: Mapping[str, str], headers: Mapping[str, str], body: Any) -> Asked:
        # The SDK has gone over from the first to the second.
        if plan.key not in {
            headers.get("x-api-key"),
            headers.get("authorization", "").removeprefix("Bearer "),
        }:
            raise Refused(401, "invalid x-api-key")
        if "anthropic-version" not in headers:
            raise Refused(400, "anthropic-version: header is required")
        request = checked(_REQUEST, body, known=_KNOWN)
        if request["model"] != plan.model:
            raise Refused(404, f"model: {request['model']}")
        tools = [tool["name"] for tool in request.get("tools", ())]
        if any(not _NAME.fullmatch(name) for name in tools) or len(set(tools)) != len(tools):
            raise Refused(400, "tools: names are unique and match ^[a-zA-Z0-9_-]{1,128}$")
        _check_order(request["messages"], has_tools=bool(tools))
        return Asked(
            model=request["model"],
            instructions=request.get("system", ""),
            messages=tuple(_told(request["messages"])),
            tools=tuple(tools),
            body=body,
        )

    def opening(self, asked: Asked) -> Iterator[bytes]:
        message: dict[str, Any] = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": asked.model, "content": [],
            "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
        }  # fmt: skip
        yield _event({"type": "message_start", "message": message})
        block = {"type": "text", "text": ""}
        yield _event({"type": "content_block_start", "index": 0, "content_block": block})
        yield event({"type": "ping"}, name="ping")

    def piece(self, asked: Asked, text: str) -> Iterator[bytes]:
        delta = {"type": "text_delta", "text": text}
        yield _event({"type": "content_block_delta", "index": 0, "delta": delta})

    def closing(self, asked: Asked, tools: tuple[Tool, ...]) -> Iterator[bytes]:
        yield _event({"type": "content_block_stop", "index": 0})
        for index, tool in enumerate(tools, 1):
            key = f"toolu_{len(asked.messages)}_{index}"
            block = {"type": "tool_use", "id": key, "name": tool.name, "input": {}}
            yield _event({"type": "content_block_start", "index": index, "content_block": block})
            raw = tool.arguments if isinstance(tool.arguments, str) else json.dumps(dict(tool.arguments))
            for at in range(0, len(raw), 7):
                delta = {"type": "input_json_delta", "partial_json": raw[at : at + 7]}
                yield _event({"type": "content_block_delta", "index": index, "delta": delta})
            yield _event({"type": "content_block_stop", "index": index})
        stop = {"stop_reason": "tool_use" if tools else "end_turn", "stop_sequence": None}
        yield _event({"type": "message_delta", "delta": stop, "usage": {"output_tokens": 9}})
        yield _event({"type": "message_stop"})

    def error(self, status: int, message: str) -> Mapping[str, Any]:
        kind = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
        kind |= {500: "api_error", 503: "overloaded_error"}
        told = {"type": kind.get(status, "invalid_request_error"), "message": message}
        return {"type": "error", "error": told, "request_id": "req_1"}

    def late_error(self) -> Iterator[bytes]:
        yield event(self.error(503, "Overloaded"), name="error")


def _event(data: Mapping[str, Any]) -> bytes:
    made = _EVENT.validate_python(data)
    return event(made.model_dump_json(exclude_unset=True), name=data["type"])


def _check_order(messages: list[Mapping[str, Any]], *, has_tools: bool) -> None:
    if not messages or messages[0]["role"] != "user":
        raise Refused(400, 'messages: first message must use the "user" role')
    if messages[-1]["role"] != "user":
        raise Refused(400, "This model does not support assistant message prefill.")
    waiting: set[str] = set()
    for number, message in enumerate(messages):
        blocks = _blocks(message)
        for block in blocks:
            if block["type"] == "text" and not block["text"].strip():
                raise Refused(400, f"messages.{number}: text content blocks must be non-empty")
        answered = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        if answered != waiting:
            raise Refused(400, f"messages.{number}: tool_use ids and tool_result blocks must match")
        asked = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if asked and not has_tools:
            raise Refused(400, "tools: required when messages hold tool_use blocks")
        if len(set(asked)) != len(asked) or any(not _KEY.fullmatch(key) for key in asked):
            raise Refused(400, f"messages.{number}: tool_use ids are unique and match ^[a-zA-Z0-9_-]+$")
        waiting = set(asked)


def _blocks(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _told(messages: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for message in messages:
        for block in _blocks(message):
            match block["type"]:
                case "text":
                    yield message["role"], block["text"]
                case "tool_use":
                    yield "asked", block["name"]
                case "tool_result":
                    yield "tool", block["content"]
