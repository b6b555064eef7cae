"""`POST /v1/text-to-speech/{voice}/stream` as it is on the wire: JSON in, mu-law or PCM out, bit by bit.

Faults: refuse, error, stall, close, nonsense, huge.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trunkline.kit.audio import pcm_to_ulaw
from trunkline.simulators.loop_server import serving_app
from trunkline.simulators.speech_plans import Fault, Voicing
from trunkline.simulators.voice_http import voiced


@dataclass(frozen=True, slots=True)
class RunningElevenLabs:
    """An API that takes requests at `base_url`."""

    base_url: str
    voicing: Voicing


@asynccontextmanager
async def serving(
    *, voicing: Voicing | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[RunningElevenLabs]:
    """Serve on the running loop while the block runs. Raises OSError if the port is taken."""
    plan = voicing or Voicing()

    async def speak(request: Request) -> Response:
        if request.headers.get("xi-api-key") != plan.api_key:
            return _error(401, "invalid_api_key", "Invalid API key")
        asked: dict[str, Any] = await request.json()
        form = request.query_params.get("output_format", "mp3_44100_128")
        codec, _, rate = form.partition("_")
        if codec not in {"ulaw", "pcm"} or not asked.get("text"):
            return _error(400, "bad_request", "this stand-in speaks ulaw and pcm, and needs a text")
        plan.asked.append({**asked, "voice_id": request.path_params["voice"], "output_format": form})
        sentence = plan.next_sentence()
        if sentence.fault is Fault.REFUSE:
            return _error(401, "quota_exceeded", "This request exceeds your quota")
        if sentence.fault is Fault.ERROR:
            return _error(500, "internal_error", "Something went wrong")
        encode = pcm_to_ulaw if codec == "ulaw" else bytes
        kind = "audio/basic" if codec == "ulaw" else "audio/pcm"
        return voiced(plan, asked["text"], int(rate), sentence, encode=encode, kind=kind)

    app = Starlette(routes=[Route("/v1/text-to-speech/{voice}/stream", speak, methods=["POST"])])
    async with serving_app(app, host=host, port=port) as address:
        yield RunningElevenLabs(f"http://{address}", plan)


def _error(status: int, what: str, message: str) -> Response:
    return JSONResponse({"detail": {"status": what, "message": message}}, status)
