"""Speech to text by `POST /audio/transcriptions`: the utterance is sent whole, once it has ended.

The protocol has no way to send sound while it is spoken, so nothing is known before the end and an utterance
costs one request. Whatever fails leaves nothing behind at the provider.
"""

from __future__ import annotations

import io
import wave

import httpx

from trunkline.kit.audio import SAMPLE_BYTES
from trunkline.providers.http_audio import open_client, reason_in, unreachable, warm
from trunkline.providers.ports import SAMPLE_RATE, Grammar, SpeechFailed, Transcript

_LONGEST_UTTERANCE = 60 * SAMPLE_RATE * SAMPLE_BYTES
"""Bytes. What comes later is not listened to."""
_LONGEST_PROMPT = 600
"""Letters of hints: Whisper looks at some 220 tokens and drops what comes first."""
_LONGEST_TEXT = 20_000
"""Letters. A minute of speech has a tenth of that."""
_SHORTEST = SAMPLE_RATE * SAMPLE_BYTES // 10
"""Bytes: a tenth of a second. The API refuses less, and nobody says a word in it."""


class OpenAiSpeechToText:
    """The `SpeechToText` port. Takes every language; the model decides what it can make of it."""

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str = "https://api.openai.com/v1",
        model: str = "gpt-4o-mini-transcribe",
        connect_s: float = 2.0,
        wait_s: float = 5.0,
    ) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = open_client(base_url=base_url, headers=headers, connect_s=connect_s, wait_s=wait_s)
        self._model = model

    def open(self, *, language: str, grammar: Grammar | None) -> OpenAiUtterance:
        """Begin an utterance; the phrases of a grammar go along as its prompt."""
        fields = {"model": self._model, "response_format": "json", "language": language.partition("-")[0]}
        if grammar is not None and grammar.phrases:
            fields["prompt"] = ", ".join(grammar.phrases)[:_LONGEST_PROMPT]
        return OpenAiUtterance(self._client, fields)

    async def warm(self) -> None:
        """Have a connection open. Raises SpeechFailed."""
        await warm(self._client, who="the transcription")

    async def close(self) -> None:
        await self._client.aclose()


class OpenAiUtterance:
    """One utterance, gathered until it ends."""

    text_so_far = ""

    def __init__(self, client: httpx.AsyncClient, fields: dict[str, str]) -> None:
        self._client = client
        self._fields = fields
        self._pcm = bytearray()
        self._cancelled = False

    def feed(self, pcm: bytes) -> None:
        """Take more audio."""
        if not self._cancelled:
            self._pcm += pcm[: max(0, _LONGEST_UTTERANCE - len(self._pcm))]

    async def finish(self) -> Transcript:
        """Send the utterance and return its text. Raises SpeechFailed."""
        if self._cancelled:
            raise SpeechFailed("the utterance was cancelled")
        if len(self._pcm) < _SHORTEST:
            return Transcript("", 0.0)
        files = {"file": ("utterance.wav", _wav(bytes(self._pcm)), "audio/wav")}
        try:
            answer = await self._client.post("audio/transcriptions", data=self._fields, files=files)
        except httpx.HTTPError as error:
            raise unreachable("the transcription", error) from error
        if answer.status_code != httpx.codes.OK:
            raise SpeechFailed(
                f"the transcription was refused: {answer.status_code} {reason_in(answer.content)}"
            )
        try:
            text = answer.json()["text"]
        except (ValueError, KeyError, TypeError) as error:
            raise SpeechFailed("the transcription cannot be read") from error
        if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
            raise SpeechFailed("the transcription cannot be read")
        return Transcript(text.strip(), 1.0 if text.strip() else 0.0)

    def cancel(self) -> None:
        """Forget the audio."""
        self._cancelled = True
        self._pcm.clear()


def _wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(SAMPLE_BYTES)
        wav.setframerate(SAMPLE_RATE)
        wav.writeframes(pcm)
    return file.getvalue()
