"""A caller made of Pipecat: its WebSocket client and Twilio serializer in the place of the carrier.

    python -m peers.caller_pipecat URL FOLDER

Introduces itself as a carrier's stream does, says `say-0.pcm`, ... of FOLDER after each turn of the other
side, writes those turns to `heard-0.pcm`, ..., and ends when the other side hangs up.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from loguru import logger
from pipecat.frames.frames import OutputTransportMessageUrgentFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.transports.websocket.client import WebsocketClientParams, WebsocketClientTransport
from pipecat.workers.runner import WorkerRunner

from peers.bot_pipecat import Speaker, detector

_SID = "MZ" + "5" * 32
_FORMAT = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}


async def call(url: str, folder: Path) -> None:
    """Hold one call to its end."""
    transport = WebsocketClientTransport(
        url,
        WebsocketClientParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            add_wav_header=False,
            serializer=TwilioFrameSerializer(
                _SID, params=TwilioFrameSerializer.InputParams(auto_hang_up=False)
            ),
        ),
    )
    speaker = Speaker(folder, begins=False, hangs_up=False)
    worker = PipelineWorker(
        Pipeline([transport.input(), detector(1.0), speaker, transport.output()]),
        params=PipelineParams(audio_in_sample_rate=8_000, audio_out_sample_rate=8_000),
        idle_timeout_secs=30,
        enable_rtvi=False,
    )

    @transport.event_handler("on_connected")
    async def introduce(_transport: object, _socket: object) -> None:
        start = {
            "streamSid": _SID, "callSid": "CA" + "5" * 32, "accountSid": "AC0", "tracks": ["inbound"],
            "mediaFormat": _FORMAT, "customParameters": {},
        }  # fmt: skip
        await worker.queue_frames(
            [
                OutputTransportMessageUrgentFrame(
                    {"event": "connected", "protocol": "Call", "version": "1.0.0"}
                ),
                OutputTransportMessageUrgentFrame({"event": "start", "start": start, "streamSid": _SID}),
            ]
        )

    @transport.event_handler("on_disconnected")
    async def over(_transport: object, _socket: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False, handle_sigterm=False)
    await runner.add_workers(worker)
    await runner.run()


def main() -> None:
    url, folder = sys.argv[1:]
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    asyncio.run(call(url, Path(folder)))


if __name__ == "__main__":
    main()
