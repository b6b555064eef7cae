"""Text to speech by Google Cloud: streamed where the voice can (Chirp), whole sentences where it cannot."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPICallError
from google.cloud.texttospeech_v1 import TextToSpeechAsyncClient, types
from google.cloud.texttospeech_v1.services.text_to_speech.transports import TextToSpeechGrpcAsyncIOTransport

from trunkline.kit.resample import StreamResampler
from trunkline.providers.google_speech.channel import (
    close_client,
    let_go,
    plain_channel,
    region_of,
    said,
    warm_client,
)
from trunkline.providers.ports import SAMPLE_RATE, SpeechFailed, Voice

_RATE = 24_000
_USUAL_PACE = 150.0
"""Words a minute that a speaking rate of 1 is taken for."""
_LONGEST = 120 * _RATE * 2
_LONGEST_SENTENCE_S = 30.0


class GoogleTextToSpeech:
    """The `TextToSpeech` port. `Voice.name` is Google's (`en-US-Chirp3-HD-Aoede`); a name without a language,
    such as the default, is taken for a Chirp 3 HD voice of the agent's language. `wait_s` bounds each wait
    for sound.
    """

    def __init__(
        self, *, credentials: Any = None, voice: str = "Aoede", endpoint: str = "", wait_s: float = 3.0
    ) -> None:
        self._credentials = credentials
        self._voice = voice
        self._endpoint = endpoint or "texttospeech.googleapis.com"
        self._wait_s = wait_s
        self._client: TextToSpeechAsyncClient | None = None

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        """Yield the speech as it is made. Raises SpeechFailed."""
        region = region_of(voice.language)
        name = voice.name or self._voice
        if "-" not in name:
            name = f"{region}-Chirp3-HD-{name}"
        chosen = types.VoiceSelectionParams(language_code=region, name=name)
        rate = min(max(voice.words_per_minute / _USUAL_PACE, 0.25), 2.0)
        resampler = StreamResampler(_RATE, SAMPLE_RATE)
        made = self._streamed if "Chirp" in name else self._whole
        came = 0
        try:
            async with aclosing(made(text, chosen, rate)) as pieces:
                async for piece in pieces:
                    came += len(piece)
                    if came > _LONGEST:
                        raise SpeechFailed("Google: the voice does not stop")
                    if pcm := resampler.feed(piece):
                        yield pcm
        except GoogleAPICallError as error:
            raise said(error) from error
        except TimeoutError as error:
            raise SpeechFailed(f"Google: no sound for {self._wait_s:g} s") from error
        if rest := resampler.flush():
            yield rest

    async def warm(self) -> None:
        """Have the connection open. Raises SpeechFailed."""
        await warm_client(self._connected())

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await close_client(client)

    async def _streamed(
        self, text: str, voice: types.VoiceSelectionParams, rate: float
    ) -> AsyncGenerator[bytes, None]:
        form = types.StreamingAudioConfig(
            audio_encoding=types.AudioEncoding.PCM, sample_rate_hertz=_RATE, speaking_rate=rate
        )

        async def requests() -> AsyncIterator[types.StreamingSynthesizeRequest]:
            config = types.StreamingSynthesizeConfig(voice=voice, streaming_audio_config=form)
            yield types.StreamingSynthesizeRequest(streaming_config=config)
            yield types.StreamingSynthesizeRequest(input=types.StreamingSynthesisInput(text=text))

        async with asyncio.timeout(self._wait_s):
            answers = await self._connected().streaming_synthesize(
                requests(), retry=None, timeout=_LONGEST_SENTENCE_S
            )
        incoming = aiter(answers)
        try:
            while True:
                async with asyncio.timeout(self._wait_s):
                    answer = await anext(incoming, None)
                if answer is None:
                    return
                yield answer.audio_content
        finally:
            let_go(answers)

    async def _whole(
        self, text: str, voice: types.VoiceSelectionParams, rate: float
    ) -> AsyncGenerator[bytes, None]:
        form = types.AudioConfig(
            audio_encoding=types.AudioEncoding.LINEAR16, sample_rate_hertz=_RATE, speaking_rate=rate
        )
        async with asyncio.timeout(self._wait_s):
            answer = await self._connected().synthesize_speech(
                input=types.SynthesisInput(text=text), voice=voice, audio_config=form, retry=None
            )
        try:
            with wave.open(io.BytesIO(answer.audio_content)) as file:
                yield file.readframes(file.getnframes())
        except (wave.Error, EOFError) as error:
            raise SpeechFailed("Google: an answer that is no sound") from error

    def _connected(self) -> TextToSpeechAsyncClient:
        if self._client is None:
            channel = plain_channel(self._endpoint)
            if channel is not None:
                self._client = TextToSpeechAsyncClient(
                    transport=TextToSpeechGrpcAsyncIOTransport(channel=channel)
                )
            else:
                self._client = TextToSpeechAsyncClient(
                    credentials=self._credentials, client_options=ClientOptions(api_endpoint=self._endpoint)
                )
        return self._client
