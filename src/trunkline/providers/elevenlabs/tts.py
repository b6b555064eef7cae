"""Text to speech by `POST /v1/text-to-speech/{voice}/stream`: mu-law, or PCM brought to 8 kHz."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from urllib.parse import quote

from trunkline.kit.audio import ulaw_to_pcm
from trunkline.kit.resample import StreamResampler
from trunkline.providers.http_audio import open_client, stream_audio, warm
from trunkline.providers.ports import SAMPLE_RATE, SpeechFailed, Voice

_ULAW = "ulaw_8000"
_PCM = re.compile(r"pcm_(8000|16000|22050|24000|44100|48000)")
_TAKE_NO_LANGUAGE = ("eleven_multilingual_v2", "eleven_monolingual_v1", "eleven_multilingual_v1")
"""Models that refuse `language_code`; they hear from the text which language it is."""
_USUAL_PACE = 150.0
"""Words a minute that the API's speed 1 is taken for."""


class ElevenLabsTextToSpeech:
    """The `TextToSpeech` port. `Voice.name` is a voice's id; without one the configured voice speaks."""

    def __init__(
        self,
        *,
        api_key: str,
        voice: str = "",
        base_url: str = "https://api.elevenlabs.io",
        model: str = "eleven_flash_v2_5",
        output_format: str = _ULAW,
        connect_s: float = 2.0,
        wait_s: float = 3.0,
    ) -> None:
        pcm = _PCM.fullmatch(output_format)
        if output_format != _ULAW and pcm is None:
            raise ValueError(f"ElevenLabs is asked for {_ULAW} or pcm_RATE, not for {output_format!r}")
        self._rate_hz = int(pcm[1]) if pcm else SAMPLE_RATE
        self._ulaw = pcm is None
        self._client = open_client(
            base_url=base_url, headers={"xi-api-key": api_key}, connect_s=connect_s, wait_s=wait_s
        )
        self._voice = voice
        self._model = model
        self._output_format = output_format

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        """Yield the speech as it is made. Raises SpeechFailed."""
        name = voice.name or self._voice
        if not name:
            raise SpeechFailed("ElevenLabs has no voice to speak with: set ELEVENLABS_VOICE or the agent's")
        wanted: dict[str, object] = {"text": text, "model_id": self._model}
        if self._model not in _TAKE_NO_LANGUAGE:
            wanted["language_code"] = voice.language.partition("-")[0]
        if voice.words_per_minute != _USUAL_PACE:
            speed = min(max(voice.words_per_minute / _USUAL_PACE, 0.7), 1.2)
            wanted["voice_settings"] = {"speed": round(speed, 2)}
        request = self._client.build_request(
            "POST",
            f"v1/text-to-speech/{quote(name, safe='')}/stream",
            params={"output_format": self._output_format},
            json=wanted,
        )
        resampler = StreamResampler(self._rate_hz, SAMPLE_RATE)
        async with aclosing(stream_audio(self._client, request, who="ElevenLabs")) as raw:
            async for piece in raw:
                if pcm := ulaw_to_pcm(piece) if self._ulaw else resampler.feed(piece):
                    yield pcm
        if rest := resampler.flush():
            yield rest

    async def warm(self) -> None:
        """Have a connection open. Raises SpeechFailed."""
        await warm(self._client, who="ElevenLabs")

    async def close(self) -> None:
        await self._client.aclose()
