"""Speech to text by Google Cloud (v2): one stream an utterance, all on one connection of the process.

gRPC carries many streams on one connection, so a new stream costs no connecting. Sound goes out in batches of
30 ms or more; Google refuses more than 15 kB in one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.api_core.client_options import ClientOptions
from google.cloud.speech_v2 import SpeechAsyncClient, types
from google.cloud.speech_v2.services.speech.transports import SpeechGrpcAsyncIOTransport

from trunkline.providers.google_speech.channel import close_client, plain_channel, region_of, warm_client
from trunkline.providers.google_speech.utterance import GoogleUtterance
from trunkline.providers.ports import SAMPLE_RATE, Grammar
from trunkline.providers.speech_tape import BYTES_PER_MS

_MOST_HINTS = 500
_LONGEST_HINT = 100
_BOOST = 10.0
"""Half of what Google allows: what was expected is favoured, not forced."""
_GOOGLES_HEBREW = {"he-IL": "iw-IL"}


class GoogleSpeechToText:
    """The `SpeechToText` port. Takes every language; Google refuses what the model does not have.

    `batch_ms` is the least sound that one request carries, `stream_s` the age at which a stream is replaced:
    Google ends it at 305. `finish_s` bounds the wait for the last words after an utterance's end.
    `on_reconnect` is told why, each time that another stream has to be begun because one failed.
    """

    def __init__(
        self,
        *,
        project: str,
        credentials: Any = None,
        location: str = "global",
        model: str = "telephony",
        endpoint: str = "",
        batch_ms: int = 30,
        stream_s: float = 290.0,
        finish_s: float = 2.5,
        on_reconnect: Callable[[str], None] | None = None,
    ) -> None:
        self._recognizer = f"projects/{project}/locations/{location}/recognizers/_"
        self._credentials = credentials
        self._model = model
        prefix = "" if location == "global" else f"{location}-"
        self._endpoint = endpoint or f"{prefix}speech.googleapis.com"
        self._batch = batch_ms * BYTES_PER_MS
        self._stream_s = stream_s
        self._finish_s = finish_s
        self._on_reconnect = on_reconnect
        self._client: SpeechAsyncClient | None = None

    def open(self, *, language: str, grammar: Grammar | None) -> GoogleUtterance:
        """Begin an utterance; the phrases of a grammar go along as a phrase set."""
        return GoogleUtterance(
            self._connected(),
            self._request(language, grammar),
            batch=self._batch,
            stream_s=self._stream_s,
            finish_s=self._finish_s,
            on_reconnect=self._on_reconnect,
        )

    async def warm(self) -> None:
        """Have the connection open. Raises SpeechFailed."""
        await warm_client(self._connected())

    async def close(self) -> None:
        """Close the connection, and with it every stream."""
        client, self._client = self._client, None
        if client is not None:
            await close_client(client)

    def _connected(self) -> SpeechAsyncClient:
        if self._client is None:
            channel = plain_channel(self._endpoint)
            if channel is not None:
                self._client = SpeechAsyncClient(transport=SpeechGrpcAsyncIOTransport(channel=channel))
            else:
                self._client = SpeechAsyncClient(
                    credentials=self._credentials, client_options=ClientOptions(api_endpoint=self._endpoint)
                )
        return self._client

    def _request(self, language: str, grammar: Grammar | None) -> types.StreamingRecognizeRequest:
        tag = region_of(language)
        config = types.RecognitionConfig(
            explicit_decoding_config=types.ExplicitDecodingConfig(
                encoding=types.ExplicitDecodingConfig.AudioEncoding.MULAW,
                sample_rate_hertz=SAMPLE_RATE,
                audio_channel_count=1,
            ),
            language_codes=[_GOOGLES_HEBREW.get(tag, tag)],
            model=self._model,
        )
        if grammar is not None and grammar.phrases:
            config.adaptation = _adaptation(grammar)
        return types.StreamingRecognizeRequest(
            recognizer=self._recognizer,
            streaming_config=types.StreamingRecognitionConfig(
                config=config, streaming_features=types.StreamingRecognitionFeatures(interim_results=True)
            ),
        )


def _adaptation(grammar: Grammar) -> types.SpeechAdaptation:
    phrases = [phrase for phrase in grammar.phrases if len(phrase) <= _LONGEST_HINT][:_MOST_HINTS]
    hints = types.PhraseSet(
        phrases=[types.PhraseSet.Phrase(value=phrase) for phrase in phrases], boost=_BOOST
    )
    return types.SpeechAdaptation(
        phrase_sets=[types.SpeechAdaptation.AdaptationPhraseSet(inline_phrase_set=hints)]
    )
