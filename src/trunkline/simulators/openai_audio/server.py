"""The audio API of OpenAI as it is on the wire: multipart in and JSON out, JSON in and streamed PCM out.

Faults of a transcription: refuse, error, stall, nonsense, huge; of a voice: refuse, error, stall, close,
nonsense, huge.
"""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trunkline.simulators.loop_server import serving_app
from trunkline.simulators.speech_plans import Fault, Hearing, Turn, Voicing
from trunkline.simulators.voice_http import voiced

_RATE = 24_000


@dataclass(frozen=True, slots=True)
class RunningOpenAi:
    """An API that takes requests at `base_url`."""

    base_url: str
    hearing: Hearing
    voicing: Voicing


@asynccontextmanager
async def serving(
    *, hearing: Hearing | None = None, voicing: Voicing | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[RunningOpenAi]:
    """Serve on the running loop while the block runs. Raises OSError if the port is taken."""
    api = _Api(hearing or Hearing(), voicing or Voicing())
    app = Starlette(
        routes=[
            Route("/v1/audio/transcriptions", api.transcribe, methods=["POST"]),
            Route("/v1/audio/speech", api.speak, methods=["POST"]),
        ]
    )
    async with serving_app(app, host=host, port=port) as address:
        yield RunningOpenAi(f"http://{address}/v1", api.hearing, api.voicing)


class _Api:
    def __init__(self, hearing: Hearing, voicing: Voicing) -> None:
        self.hearing = hearing
        self.voicing = voicing

    async def transcribe(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.hearing.api_key}":
            return _refused()
        async with request.form() as form:
            file = form.get("file")
            length_ms = await _length_ms(file) if isinstance(file, UploadFile) else 0
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
        if length_ms < 100 or "model" not in fields:
            return _error(400, "a model and a decodable file of at least 0.1 seconds are needed")
        turn = self.hearing.next_turn()
        self.hearing.asked.append(fields)
        self.hearing.heard_ms.append(length_ms)
        return await _transcript(turn, length_ms)

    async def speak(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.voicing.api_key}":
            return _refused()
        asked: dict[str, Any] = await request.json()
        if asked.get("response_format") != "pcm" or not asked.get("input") or not asked.get("voice"):
            return _error(400, "this stand-in speaks pcm, and needs input and voice")
        self.voicing.asked.append(asked)
        sentence = self.voicing.next_sentence()
        if sentence.fault is Fault.REFUSE:
            return _refused()
        if sentence.fault is Fault.ERROR:
            return _error(500, "The server had an error while processing your request.")
        return voiced(self.voicing, asked["input"], _RATE, sentence, encode=lambda pcm: pcm, kind="audio/pcm")


async def _length_ms(file: UploadFile) -> int:
    try:
        with wave.open(io.BytesIO(await file.read())) as wav:
            return int(wav.getnframes() * 1000 // wav.getframerate())
    except (wave.Error, EOFError):
        return 0


async def _transcript(turn: Turn, length_ms: int) -> Response:
    if turn.fault is Fault.REFUSE:
        return _refused()
    if turn.fault is Fault.ERROR:
        return _error(500, "The server had an error while processing your request.")
    if turn.fault is Fault.STALL:
        await asyncio.Event().wait()
    if turn.fault is Fault.NONSENSE:
        return Response("<html>not what you think</html>", media_type="text/html")
    text = "x" * 5_000_000 if turn.fault is Fault.HUGE else turn.text.format(ms=length_ms)
    return JSONResponse({"text": text})


def _refused() -> Response:
    return _error(401, "Incorrect API key provided.")


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": "error", "code": None}}, status)
