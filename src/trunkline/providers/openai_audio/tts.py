"""Text to speech by `POST /audio/speech`: raw PCM as it is made, brought to the telephone's rate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from trunkline.kit.resample import StreamResampler
from trunkline.providers.http_audio import open_client, stream_audio, warm
from trunkline.providers.ports import SAMPLE_RATE, Voice

_USUAL_PACE = 150.0
"""Words a minute that the API's speed 1 is taken for."""


class OpenAiTextToSpeech:
    """The `TextToSpeech` port. `Voice.name` is the API's; without one the configured voice speaks.

    `rate_hz` is that of the server's PCM: 24,000 at OpenAI.
    """

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str = "https://api.openai.com/v1",
        model: str = "gpt-4o-mini-tts",
        voice: str = "alloy",
        rate_hz: int = 24_000,
        connect_s: float = 2.0,
        wait_s: float = 3.0,
    ) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = open_client(base_url=base_url, headers=headers, connect_s=connect_s, wait_s=wait_s)
        self._model = model
        self._voice = voice
        self._rate_hz = rate_hz

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        """Yield the speech as it is made. Raises SpeechFailed."""
        wanted: dict[str, object] = {
            "model": self._model,
            "input": text,
            "voice": voice.name or self._voice,
            "response_format": "pcm",
        }
        if voice.words_per_minute != _USUAL_PACE:
            wanted["speed"] = round(min(max(voice.words_per_minute / _USUAL_PACE, 0.25), 4.0), 2)
        request = self._client.build_request("POST", "audio/speech", json=wanted)
        resampler = StreamResampler(self._rate_hz, SAMPLE_RATE)
        async with aclosing(stream_audio(self._client, request, who="the voice")) as raw:
            async for piece in raw:
                if pcm := resampler.feed(piece):
                    yield pcm
        if rest := resampler.flush():
            yield rest

    async def warm(self) -> None:
        """Have a connection open. Raises SpeechFailed."""
        await warm(self._client, who="the voice")

    async def close(self) -> None:
        await self._client.aclose()
