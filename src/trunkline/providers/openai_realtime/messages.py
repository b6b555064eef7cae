"""OpenAI Realtime's client messages, as JSON, in the SDK's own types.

Pure. Sound is mu-law at 8 kHz both ways, as the telephone has it, so nothing is resampled.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence

from openai.types.realtime import (
    ConversationItemParam,
    RealtimeClientEventParam,
    RealtimeFunctionToolParam,
    RealtimeSessionCreateRequestParam,
    ResponseCreateEventParam,
)

from trunkline.kit.audio import pcm_to_ulaw
from trunkline.providers import call_prompt
from trunkline.providers.own_voice import prompt
from trunkline.providers.own_voice.memory import Memory, Told, ToolUse
from trunkline.providers.own_voice.reply import LiveSpeech
from trunkline.providers.own_voice.utterance import LiveUtterance
from trunkline.providers.ports import CallBrief, Line, ToolSpec


def session(
    brief: CallBrief, tools: Sequence[ToolSpec], *, voice: str, transcriber: str
) -> RealtimeSessionCreateRequestParam:
    """Return a session in which we, and not the server, say when the caller has had a turn."""
    return {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": prompt.instructions_of(brief),
        "audio": {
            "input": {
                "format": {"type": "audio/pcmu"},
                "turn_detection": None,
                "transcription": {"model": transcriber, "language": brief.language.partition("-")[0]},
            },
            "output": {"format": {"type": "audio/pcmu"}, "voice": voice},
        },
        "tools": [_tool(spec) for spec in tools],
        "tool_choice": "auto",
    }


def _tool(spec: ToolSpec) -> RealtimeFunctionToolParam:
    return {
        "type": "function",
        "name": spec.name,
        "description": spec.description,
        "parameters": dict(spec.parameters),
    }


def dumped(message: RealtimeClientEventParam) -> str:
    """Return a message as it goes over the wire."""
    return json.dumps(message, ensure_ascii=False)


def appended(pcm: bytes) -> str:
    """Return the message that gives more of the caller's sound; fifty a second, so it is made by hand."""
    return f'{{"type":"input_audio_buffer.append","audio":"{b64encode(pcm_to_ulaw(pcm)).decode()}"}}'


def said_aside(text: str, ask: str) -> ResponseCreateEventParam:
    """Return the request to say this word for word, out of band: the conversation does not get it."""
    return {
        "type": "response.create",
        "event_id": ask,
        "response": {
            "conversation": "none",
            "input": [told(Told(prompt.word_for_word(text)))],
            "tool_choice": "none",
            "metadata": {"ask": ask},
        },
    }


def items_of(one: Memory) -> list[ConversationItemParam]:
    """Return what is remembered as items of a conversation. What has not come to its end is left out."""
    match one:
        case Told():
            return [told(one)]
        case LiveSpeech():
            return _agent_said(one.remembered)
        case LiveUtterance():
            return [told(Told(call_prompt.theirs(one.text), by_caller=True))] if one.text else []
        case ToolUse():
            return [tool_asked(one), tool_answered(one)] if one.result is not None else []
        case Line():
            return _line(one)


def _line(line: Line) -> list[ConversationItemParam]:
    if line.who == "agent":
        return _agent_said(line.text)
    if line.who == "caller":
        return [told(Told(call_prompt.theirs(line.text), by_caller=True))]
    return [told(Told(call_prompt.on_the_line(f"You used a tool: {line.text}")))]


def told(one: Told) -> ConversationItemParam:
    """Return something told, by the caller or of the line."""
    if one.by_caller:
        return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": one.text}]}
    return {"type": "message", "role": "system", "content": [{"type": "input_text", "text": one.text}]}


def _agent_said(text: str) -> list[ConversationItemParam]:
    if not text:
        return []
    return [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}]


def tool_asked(use: ToolUse) -> ConversationItemParam:
    """Return the call of a tool that the model made on another connection."""
    arguments = json.dumps(dict(use.call.arguments), ensure_ascii=False)
    return {"type": "function_call", "call_id": use.call.key, "name": use.call.name, "arguments": arguments}


def tool_answered(use: ToolUse) -> ConversationItemParam:
    """Return a tool's answer."""
    return {"type": "function_call_output", "call_id": use.call.key, "output": use.answer_json}
