"""Gemini's streamed generation: what passes, and the parts of an answer.

Requests are held against the SDK's own types, and then against what the API demands beyond them: a key, a
model that exists, a call's answer right behind the call, and its own signature on every call it is reminded
of (or the word that lets unsigned ones pass).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from google.genai import types
from pydantic import TypeAdapter

from trunkline.simulators.model_server.plan import Asked, Plan, Tool
from trunkline.simulators.model_server.server import event
from trunkline.simulators.model_server.wire import Refused, checked

SIGNATURE = b"signed by the stand-in"
_VERSIONS = ("v1", "v1beta")
_UNSIGNED = b"skip_thought_signature_validator"

_CONTENTS: TypeAdapter[list[types.Content]] = TypeAdapter(list[types.Content])
_TOOLS: TypeAdapter[list[types.Tool]] = TypeAdapter(list[types.Tool])
_BODY: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_KNOWN = frozenset(
    {
        "contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings",
        "cachedContent",
    }
)  # fmt: skip


class GeminiWire:
    """`POST /v1/models/{model}:streamGenerateContent?alt=sse`, and the same below `v1beta`."""

    path = "/{version}/models/{model}:streamGenerateContent"

    def read(self, plan: Plan, place: Mapping[str, str], headers: Mapping[str, str], body: Any) -> Asked:
        if headers.get("x-goog-api-key") != plan.key:
            raise Refused(400, "API key not valid. Please pass a valid API key.")
        if place["version"] not in _VERSIONS or place["model"] != plan.model:
            raise Refused(404, f"models/{place['model']} is not found for API version {place['version']}")
        request = checked(_BODY, body, known=_KNOWN)
        contents = checked_list(_CONTENTS, request.get("contents"))
        tools = checked_list(_TOOLS, request.get("tools", []))
        _check_order(contents)
        system = types.Content.model_validate(request.get("systemInstruction") or {})
        return Asked(
            model=place["model"],
            instructions="".join(part.text or "" for part in system.parts or ()),
            messages=tuple(_told(contents)),
            tools=tuple(
                declared.name or "" for tool in tools for declared in tool.function_declarations or ()
            ),
            body=body,
        )

    def opening(self, asked: Asked) -> Iterator[bytes]:
        # What it thinks is told as well, and is not for anybody's ear.
        yield _part({"text": "The caller wants an answer.", "thought": True})

    def piece(self, asked: Asked, text: str) -> Iterator[bytes]:
        yield _part({"text": text})

    def closing(self, asked: Asked, tools: tuple[Tool, ...]) -> Iterator[bytes]:
        for index, tool in enumerate(tools):
            if isinstance(tool.arguments, str):
                # Gemini has no text for arguments: what it cannot form, it says it cannot.
                yield _part({"text": ""}, finish="MALFORMED_FUNCTION_CALL")
                return
            call = {"name": tool.name, "args": dict(tool.arguments), "id": f"{len(asked.messages)}-{index}"}
            signed = {"thoughtSignature": base64.b64encode(SIGNATURE).decode()} if index == 0 else {}
            yield _part({"functionCall": call, **signed})
        yield _part({"text": ""}, finish="STOP")

    def error(self, status: int, message: str) -> Mapping[str, Any]:
        words = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
        told = {"code": status, "message": message, "status": words.get(status, "INTERNAL")}
        return {"error": told}

    def late_error(self) -> Iterator[bytes]:
        yield event(self.error(503, "The model is overloaded."))


def checked_list(adapter: TypeAdapter[list[Any]], value: Any) -> list[Any]:
    """Check a list of the SDK's messages. Raises Refused."""
    try:
        return adapter.validate_json(json.dumps(value))
    except ValueError as error:
        raise Refused(400, f"Invalid JSON payload received: {str(error).splitlines()[0]}") from error


def _part(part: Mapping[str, Any], finish: str | None = None) -> bytes:
    candidate = {"content": {"role": "model", "parts": [part]}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    made = types.GenerateContentResponse.model_validate({"candidates": [candidate]})
    return event(made.model_dump_json(by_alias=True, exclude_unset=True))


def _check_order(contents: list[types.Content]) -> None:
    if not contents or contents[0].role != "user":
        raise Refused(400, "contents begin with a turn of the user")
    waiting: list[str | None] = []
    for content in contents:
        parts = content.parts or []
        if not parts or content.role not in {"user", "model"}:
            raise Refused(400, "contents.parts must not be empty, and roles are user and model")
        answers = [part.function_response.name for part in parts if part.function_response is not None]
        if answers != waiting:
            raise Refused(
                400,
                "Please ensure that the number of function response parts is equal to the number of function "
                "call parts of the function call turn.",
            )
        calls = [part for part in parts if part.function_call is not None]
        if calls and calls[0].thought_signature not in {SIGNATURE, _UNSIGNED}:
            raise Refused(400, "Function call is missing a thought_signature in functionCall parts.")
        waiting = [part.function_call.name for part in calls if part.function_call is not None]
    if waiting:
        raise Refused(400, "a function call turn is followed by a function response turn")


def _told(contents: list[types.Content]) -> Iterator[tuple[str, str]]:
    for content in contents:
        for part in content.parts or ():
            if part.text:
                yield "assistant" if content.role == "model" else "user", part.text
            elif part.function_call is not None:
                yield "asked", part.function_call.name or ""
            elif part.function_response is not None:
                yield "tool", json.dumps(part.function_response.response, ensure_ascii=False)
