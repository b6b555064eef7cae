"""Gemini Live's session and contents, in the SDK's own types. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from google.genai import types

from trunkline.providers import call_prompt
from trunkline.providers.own_voice import prompt
from trunkline.providers.own_voice.memory import Memory, Told, ToolUse
from trunkline.providers.own_voice.reply import LiveSpeech
from trunkline.providers.own_voice.utterance import LiveUtterance
from trunkline.providers.ports import CallBrief, Line, ToolSpec


def session(
    brief: CallBrief, tools: Sequence[ToolSpec], *, voice: str, handle: str | None, has_history: bool
) -> types.LiveConnectConfig:
    """Return a session in which we, and not the server, say when the caller has had a turn."""
    named = types.PrebuiltVoiceConfig(voice_name=voice)
    return types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        speech_config=types.SpeechConfig(voice_config=types.VoiceConfig(prebuilt_voice_config=named)),
        system_instruction=types.Content(parts=[types.Part(text=prompt.instructions_of(brief))]),
        tools=[types.Tool(function_declarations=[_tool(spec) for spec in tools])],
        realtime_input_config=types.RealtimeInputConfig(
            automatic_activity_detection=types.AutomaticActivityDetection(disabled=True),
            turn_coverage=types.TurnCoverage.TURN_INCLUDES_ONLY_ACTIVITY,
        ),
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        session_resumption=types.SessionResumptionConfig(handle=handle),
        # Without this a session ends after a quarter of an hour.
        context_window_compression=types.ContextWindowCompressionConfig(sliding_window=types.SlidingWindow()),
        history_config=types.HistoryConfig(initial_history_in_client_content=True) if has_history else None,
    )


def _tool(spec: ToolSpec) -> types.FunctionDeclaration:
    return types.FunctionDeclaration(
        name=spec.name, description=spec.description, parameters_json_schema=dict(spec.parameters)
    )


def contents_of(memory: Iterable[Memory]) -> list[types.Content]:
    """Return what is remembered as contents. A turn of the caller that is still sound is left out."""
    return [content for one in memory if (content := _content(one)) is not None]


def _content(one: Memory) -> types.Content | None:
    match one:
        case Told():
            return said("user", one.text)
        case LiveSpeech():
            return said("model", one.remembered) if one.remembered else None
        case LiveUtterance():
            return said("user", call_prompt.theirs(one.text)) if one.text else None
        case ToolUse():
            return said("user", used(one)) if one.result is not None else None
        case Line():
            return _line(one)


def _line(line: Line) -> types.Content:
    if line.who == "agent":
        return said("model", line.text)
    if line.who == "caller":
        return said("user", call_prompt.theirs(line.text))
    return said("user", call_prompt.on_the_line(f"You used a tool: {line.text}"))


def said(role: str, text: str) -> types.Content:
    """Return something said or told."""
    return types.Content(role=role, parts=[types.Part(text=text)])


def used(use: ToolUse) -> str:
    """Return how a tool that was used is told where its answer cannot be given as one."""
    return f"[You used the tool {use.call.name} with {dict(use.call.arguments)}: {use.answer_json}]"


def tool_answered(use: ToolUse) -> types.FunctionResponse:
    """Return a tool's answer."""
    return types.FunctionResponse(id=use.call.key, name=use.call.name, response=dict(use.answer))
