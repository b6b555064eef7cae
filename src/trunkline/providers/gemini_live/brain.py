"""The brain that Gemini Live holds: the client, its options, a conversation a call."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

from google import genai
from google.genai import types

from trunkline.providers.call_prompt import BUILT_IN
from trunkline.providers.gemini_live.line import GeminiLine
from trunkline.providers.own_voice import OwnVoiceConversation, VoiceOptions
from trunkline.providers.ports import CallBrief, ToolRunner

_LARGEST_MESSAGE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class GeminiLiveOptions:
    """Which model, and how it sounds. Names are Google's own."""

    model: str = "gemini-3.8-live"
    voice: str = "Kore"
    """Where the agent names none."""
    patience: VoiceOptions = field(default_factory=VoiceOptions)


class GeminiLiveBrain:
    """Opens conversations. `base_url` is for servers that speak alike; the socket is always TLS."""

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        trust: ssl.SSLContext | None = None,
        options: GeminiLiveOptions | None = None,
    ) -> None:
        # The SDK hands these to its WebSocket as well, as far as that knows them.
        socket = {"max_size": _LARGEST_MESSAGE, "compression": None, "close_timeout": 1}
        self._client = genai.Client(
            api_key=api_key,
            vertexai=False,
            http_options=types.HttpOptions(
                base_url=base_url, async_client_args={**socket, **({"ssl": trust} if trust else {})}
            ),
        )
        self._options = options or GeminiLiveOptions()

    def open(self, brief: CallBrief, tools: ToolRunner) -> OwnVoiceConversation:
        """Begin a conversation; its connection is begun at once. Raises ValueError without instructions."""
        if not brief.instructions.strip():
            raise ValueError("the brief has no instructions for a model")
        options = self._options
        line = GeminiLine(
            self._client, brief, (*brief.tools, *BUILT_IN), options.patience,
            model=options.model, voice=brief.voice or options.voice,
        )  # fmt: skip
        return OwnVoiceConversation(line, brief, tools, options.patience)

    async def close(self) -> None:
        """Close the client; conversations are closed by who holds them."""
        await self._client.aio.aclose()
