"""The stand-in's recogniser: it counts the sound of a stream and tells the words that its plan has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
from google.cloud.speech_v2 import types

from trunkline.simulators.speech_plans import Fault, Hearing, Turn

_BYTES_PER_MS = 8
_MOST_AUDIO = 15_000
"""Bytes of one request."""

Answer = types.StreamingRecognizeResponse


class Recognizer:
    """All streams of one service."""

    def __init__(self, plan: Hearing, limit_ms: int) -> None:
        self._plan = plan
        self._limit_ms = limit_ms

    async def recognize(
        self, requests: AsyncIterator[types.StreamingRecognizeRequest], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[Answer]:
        await context.send_initial_metadata(())
        plan, turn = self._plan, self._plan.next_turn()
        plan.connections += 1
        plan.live += 1
        try:
            async for answer in self._answers(requests, context, turn):
                yield answer
        finally:
            plan.live -= 1

    async def _answers(
        self, requests: AsyncIterator[Any], context: grpc.aio.ServicerContext, turn: Turn
    ) -> AsyncIterator[Answer]:
        first = await anext(aiter(requests), None)
        if turn.fault is Fault.REFUSE:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "Permission denied on resource project")
        if first is None or not first.recognizer.startswith("projects/") or first.audio:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "The first message must hold the config")
        assert first is not None
        self._plan.asked.append(_asked(first))
        came_ms, told = 0.0, 0
        async for request in requests:
            if not 0 < len(request.audio) <= _MOST_AUDIO:
                what = f"Audio chunk can be of a maximum of {_MOST_AUDIO} bytes, not {len(request.audio)}"
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, what)
            came_ms += len(request.audio) / _BYTES_PER_MS
            self._plan.pieces_ms.append(len(request.audio) / _BYTES_PER_MS)
            while told < len(turn.interim) and came_ms >= (told + 1) * self._plan.every_ms:
                yield _result(turn.interim[told], came_ms, 0.0)
                told += 1
            if turn.fault is Fault.END and came_ms > turn.after_ms:
                if turn.after_ms:
                    yield _result(turn.text.format(ms=round(came_ms)), came_ms, turn.confidence, final=True)
                return
            if turn.fault is not None and came_ms > turn.after_ms:
                async for answer in _fail(turn.fault, context, came_ms):
                    yield answer
            if came_ms > self._limit_ms:
                yield _result(turn.text.format(ms=round(came_ms)), came_ms, turn.confidence, final=True)
                what = "Exceeded maximum allowed stream duration of 305 seconds."
                await context.abort(grpc.StatusCode.OUT_OF_RANGE, what)
        self._plan.heard_ms.append(round(came_ms))
        yield _result(turn.text.format(ms=round(came_ms)), came_ms, turn.confidence, final=True)
        if turn.fault is Fault.REORDERED:
            yield _result("an interim result too late", came_ms, 0.0)


async def _fail(fault: Fault, context: grpc.aio.ServicerContext, came_ms: float) -> AsyncIterator[Answer]:
    if fault is Fault.ERROR:
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded for quota metric")
    if fault is Fault.CLOSE:
        await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
    if fault is Fault.STALL:
        await asyncio.Event().wait()
    if fault is Fault.HUGE:
        yield _result("x" * 3_000_000, came_ms, 0.0)


def _result(text: str, until_ms: float, confidence: float, *, final: bool = False) -> Answer:
    alternative = types.SpeechRecognitionAlternative(transcript=text, confidence=confidence)
    result = types.StreamingRecognitionResult(
        alternatives=[alternative],
        is_final=final,
        stability=0.0 if final else 0.5,
        result_end_offset=timedelta(milliseconds=until_ms),
    )
    return Answer(results=[result])


def _asked(first: types.StreamingRecognizeRequest) -> dict[str, Any]:
    config = first.streaming_config.config
    sets = config.adaptation.phrase_sets
    return {
        "recognizer": first.recognizer,
        "model": config.model,
        "languages": list(config.language_codes),
        "encoding": config.explicit_decoding_config.encoding.name,
        "rate": config.explicit_decoding_config.sample_rate_hertz,
        "interim": first.streaming_config.streaming_features.interim_results,
        "hints": [phrase.value for one in sets for phrase in one.inline_phrase_set.phrases],
    }
