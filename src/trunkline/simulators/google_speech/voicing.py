"""The stand-in's voice: sound of a text's length, bit by bit or whole."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator

import grpc
from google.cloud.texttospeech_v1 import types

from trunkline.simulators.speech_plans import Fault, Sentence, Voicing

_RATE = 24_000
_TOO_MUCH = 200
"""Pieces of 64 kB: more than any sentence."""


class Synthesizer:
    """All sentences of one service."""

    def __init__(self, plan: Voicing) -> None:
        self._plan = plan

    async def stream(
        self, requests: AsyncIterator[types.StreamingSynthesizeRequest], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[types.StreamingSynthesizeResponse]:
        await context.send_initial_metadata(())
        plan, sentence = self._plan, self._plan.next_sentence()
        first, second = await anext(aiter(requests), None), await anext(aiter(requests), None)
        if first is None or second is None or "Chirp" not in first.streaming_config.voice.name:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a config with a Chirp voice, then a text")
        assert first is not None
        assert second is not None
        config = first.streaming_config
        self._note(config.voice, second.input.text, config.streaming_audio_config.speaking_rate, "stream")
        finished = False
        try:
            sound = plan.sound(second.input.text, config.streaming_audio_config.sample_rate_hertz)
            step = _RATE * plan.piece_ms // 1000
            for start in range(0, len(sound), step):
                if sentence.fault is not None and start * 1000 >= sentence.after_ms * _RATE:
                    await _fail(sentence.fault, context)
                    break
                yield _piece(sound[start : start + step].tobytes())
                await asyncio.sleep(plan.pace * plan.piece_ms / 1000)
            if sentence.fault is Fault.HUGE:
                for _ in range(_TOO_MUCH):
                    yield _piece(bytes(65_536))
            finished = True
        finally:
            plan.whole += finished
            plan.cut += not finished

    async def whole(
        self, request: types.SynthesizeSpeechRequest, context: grpc.aio.ServicerContext
    ) -> types.SynthesizeSpeechResponse:
        sentence: Sentence = self._plan.next_sentence()
        self._note(request.voice, request.input.text, request.audio_config.speaking_rate, "whole")
        if sentence.fault is Fault.NONSENSE:
            return types.SynthesizeSpeechResponse(audio_content=b"RIFF what is this")
        if sentence.fault is not None:
            await _fail(sentence.fault, context)
        file = io.BytesIO()
        with wave.open(file, "wb") as wav:
            wav.setnchannels(1)
            wav.setsampwidth(2)
            wav.setframerate(request.audio_config.sample_rate_hertz)
            wav.writeframes(
                self._plan.sound(request.input.text, request.audio_config.sample_rate_hertz).tobytes()
            )
        self._plan.whole += 1
        return types.SynthesizeSpeechResponse(audio_content=file.getvalue())

    def _note(self, voice: types.VoiceSelectionParams, text: str, rate: float, way: str) -> None:
        asked = {"name": voice.name, "language": voice.language_code, "text": text, "rate": rate, "way": way}
        self._plan.asked.append(asked)


def _piece(pcm: bytes) -> types.StreamingSynthesizeResponse:
    return types.StreamingSynthesizeResponse(audio_content=pcm)


async def _fail(fault: Fault, context: grpc.aio.ServicerContext) -> None:
    if fault is Fault.REFUSE:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, "Request had invalid authentication credentials")
    if fault is Fault.ERROR:
        await context.abort(grpc.StatusCode.INTERNAL, "Internal error encountered.")
    if fault is Fault.CLOSE:
        await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
    if fault is Fault.STALL:
        await asyncio.Event().wait()
