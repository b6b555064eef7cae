"""The brain that OpenAI Realtime holds: the client, its options, a conversation a call."""

from __future__ import annotations

from dataclasses import dataclass, field

from openai import AsyncOpenAI

from trunkline.providers.call_prompt import BUILT_IN
from trunkline.providers.model_http import http_client
from trunkline.providers.openai_realtime.line import OpenAILine
from trunkline.providers.own_voice import OwnVoiceConversation, VoiceOptions
from trunkline.providers.ports import CallBrief, ToolRunner

_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class OpenAIRealtimeOptions:
    """Which model, and how it hears and sounds. Names are OpenAI's own."""

    model: str = "gpt-realtime-2.1"
    voice: str = "marin"
    """Where the agent names none."""
    transcriber: str = "gpt-4o-mini-transcribe"
    """Writes down what the caller said; the model itself hears the sound."""
    patience: VoiceOptions = field(default_factory=VoiceOptions)


class OpenAIRealtimeBrain:
    """Opens conversations. `base_url` is for servers that speak alike."""

    def __init__(
        self, api_key: str, *, base_url: str | None = None, options: OpenAIRealtimeOptions | None = None
    ) -> None:
        self._client = AsyncOpenAI(
            api_key=api_key, base_url=base_url, http_client=http_client(base_url or "", timeout_s=_WAIT_S)
        )
        self._options = options or OpenAIRealtimeOptions()

    def open(self, brief: CallBrief, tools: ToolRunner) -> OwnVoiceConversation:
        """Begin a conversation; its connection is begun at once. Raises ValueError without instructions."""
        if not brief.instructions.strip():
            raise ValueError("the brief has no instructions for a model")
        options = self._options
        line = OpenAILine(
            self._client, brief, (*brief.tools, *BUILT_IN), options.patience,
            model=options.model, voice=brief.voice or options.voice, transcriber=options.transcriber,
        )  # fmt: skip
        return OwnVoiceConversation(line, brief, tools, options.patience)

    async def close(self) -> None:
        """Close the client; conversations are closed by who holds them."""
        await self._client.close()
