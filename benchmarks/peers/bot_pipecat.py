"""A Pipecat bot on the telephone: answers with TwiML, speaks what it is given and keeps what it hears.

    python -m peers.bot_pipecat PORT CARRIER_URL FOLDER

FOLDER holds `say-0.pcm`, `say-1.pcm`, ...: it says the first to begin with, and the next after each turn of
the caller, which it writes to `heard-0.pcm`, ... After the last it hangs up by the carrier's REST API, as
Pipecat's Twilio serializer does. The account's id and token come from the environment.
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InputAudioRawFrame,
    OutputAudioRawFrame,
    StartFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

_RATE = 8_000
_BEFORE = 25
"""Frames of 20 ms kept from before a turn was noticed."""
_PIECE = 640


class Speaker(FrameProcessor):
    """Says its pieces in turn with the other side, whose turns it keeps; `last` ends the call or not."""

    def __init__(self, folder: Path, *, begins: bool, hangs_up: bool) -> None:
        super().__init__()
        self._folder = folder
        self._pieces = deque(sorted(folder.glob("say-*.pcm")))
        self._begins = begins
        self._hangs_up = hangs_up
        self._before: deque[bytes] = deque(maxlen=_BEFORE)
        self._turn: bytearray | None = None
        self._turns = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self._hear(frame.audio)
            return
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame) and self._begins:
            await self._speak()
        elif isinstance(frame, VADUserStartedSpeakingFrame):
            self._turn = bytearray(b"".join(self._before))
        elif isinstance(frame, VADUserStoppedSpeakingFrame) and self._turn is not None:
            (self._folder / f"heard-{self._turns}.pcm").write_bytes(self._turn)
            self._turn = None
            self._turns += 1
            await self._speak()

    def _hear(self, pcm: bytes) -> None:
        self._before.append(pcm)
        if self._turn is not None:
            self._turn += pcm

    async def _speak(self) -> None:
        if not self._pieces:
            return
        sound = self._pieces.popleft().read_bytes()
        for at in range(0, len(sound), _PIECE):
            await self.push_frame(OutputAudioRawFrame(sound[at : at + _PIECE].ljust(_PIECE, b"\0"), _RATE, 1))
        if not self._pieces and self._hangs_up:
            await self.push_frame(EndFrame())


def detector(stop_s: float) -> VADProcessor:
    """Return Pipecat's own detector; a turn ends after this much silence."""
    return VADProcessor(vad_analyzer=SileroVADAnalyzer(params=VADParams(stop_secs=stop_s)))


async def run(pipeline: Pipeline) -> None:
    """Run a pipeline at the line's rate until it ends."""
    worker = PipelineWorker(
        pipeline,
        params=PipelineParams(audio_in_sample_rate=_RATE, audio_out_sample_rate=_RATE),
        idle_timeout_secs=30,
        enable_rtvi=False,
    )
    runner = WorkerRunner(handle_sigint=False, handle_sigterm=False)
    await runner.add_workers(worker)
    await runner.run()


def bot(carrier_url: str, port: int, folder: Path) -> FastAPI:
    """Return the bot's two doors."""
    app = FastAPI()

    async def answer(_request: Request) -> Response:
        twiml = f'<Response><Connect><Stream url="ws://127.0.0.1:{port}/media"/></Connect></Response>'
        return Response(twiml, media_type="text/xml")

    async def media(socket: WebSocket) -> None:
        await socket.accept()
        while (message := json.loads(await socket.receive_text()))["event"] != "start":
            pass
        start = message["start"]
        serializer = TwilioFrameSerializer(
            start["streamSid"], call_sid=start["callSid"], account_sid=os.environ["TWILIO_ACCOUNT_SID"],
            auth_token=os.environ["TWILIO_AUTH_TOKEN"], base_url=carrier_url,
        )  # fmt: skip
        transport = FastAPIWebsocketTransport(
            websocket=socket,
            params=FastAPIWebsocketParams(
                audio_in_enabled=True, audio_out_enabled=True, serializer=serializer
            ),
        )
        speaker = Speaker(folder, begins=True, hangs_up=True)
        await run(Pipeline([transport.input(), detector(0.7), speaker, transport.output()]))

    app.add_api_route("/answer", answer, methods=["POST"])
    app.add_api_websocket_route("/media", media)
    return app


def main() -> None:
    port, carrier_url, folder = sys.argv[1:]
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    app = bot(carrier_url, int(port), Path(folder))
    with suppress(KeyboardInterrupt):
        uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main()
