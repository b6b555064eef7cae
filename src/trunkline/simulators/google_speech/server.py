"""Google's speech over gRPC: `Speech.StreamingRecognize` (v2) and both ways of `TextToSpeech` (v1).

Messages are those of Google's own packages. Faults of hearing: refuse, error, stall, close (UNAVAILABLE),
end, huge, reordered; of a voice: refuse, error, stall, close, nonsense, huge.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
from google.cloud import speech_v2, texttospeech_v1

from trunkline.simulators.google_speech.hearing import Recognizer
from trunkline.simulators.google_speech.voicing import Synthesizer
from trunkline.simulators.speech_plans import Hearing, Voicing


@dataclass(frozen=True, slots=True)
class RunningGoogle:
    """Services that take calls at `endpoint`."""

    endpoint: str
    hearing: Hearing
    voicing: Voicing


@asynccontextmanager
async def serving(
    *,
    hearing: Hearing | None = None,
    voicing: Voicing | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    stream_limit_ms: int = 305_000,
) -> AsyncIterator[RunningGoogle]:
    """Serve on the running loop while the block runs. `stream_limit_ms` is the most sound of one stream."""
    heard, voiced = hearing or Hearing(), voicing or Voicing()
    recognizer, synthesizer = Recognizer(heard, stream_limit_ms), Synthesizer(voiced)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "google.cloud.speech.v2.Speech",
                {
                    "StreamingRecognize": grpc.stream_stream_rpc_method_handler(
                        recognizer.recognize,
                        request_deserializer=speech_v2.StreamingRecognizeRequest.deserialize,
                        response_serializer=speech_v2.StreamingRecognizeResponse.serialize,
                    )
                },
            ),
            grpc.method_handlers_generic_handler(
                "google.cloud.texttospeech.v1.TextToSpeech",
                {
                    "StreamingSynthesize": grpc.stream_stream_rpc_method_handler(
                        synthesizer.stream,
                        request_deserializer=texttospeech_v1.StreamingSynthesizeRequest.deserialize,
                        response_serializer=texttospeech_v1.StreamingSynthesizeResponse.serialize,
                    ),
                    "SynthesizeSpeech": grpc.unary_unary_rpc_method_handler(
                        synthesizer.whole,
                        request_deserializer=texttospeech_v1.SynthesizeSpeechRequest.deserialize,
                        response_serializer=texttospeech_v1.SynthesizeSpeechResponse.serialize,
                    ),
                },
            ),
        )
    )
    chosen = server.add_insecure_port(f"{host}:{port}")
    await server.start()
    try:
        yield RunningGoogle(f"http://{host}:{chosen}", heard, voiced)
    finally:
        await server.stop(grace=None)
