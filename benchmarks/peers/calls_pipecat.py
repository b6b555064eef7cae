"""Pipecat behind the same bare FastAPI route: its own transport, Twilio serializer, detector and turns.

Ears, model and voice answer at once. Everything runs at the line's 8 kHz, so that nothing is resampled.

    python -m peers.calls_pipecat PORT REPLY_MS lean|default [probe]

`lean` leaves out what can be left out: turns end by silence and without the turn model, nothing is
traced, tracked or watched. `default` takes Pipecat's own rules of turns and its other defaults.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import (
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from peers.probe import Probe
from peers.tone import tone

PATH = "/media"
_RATE = 8_000


class InstantEars(FrameProcessor):
    """Knows what was said as soon as the detector hears that it has been said."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, VADUserStoppedSpeakingFrame):
            await self.push_frame(TranscriptionFrame("hello there", "", "", finalized=True))


class InstantModel(FrameProcessor):
    """Answers every context with the same sentence."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            await self.push_frame(LLMFullResponseStartFrame())
            await self.push_frame(LLMTextFrame("This is what I have to say to that."))
            await self.push_frame(LLMFullResponseEndFrame())
        else:
            await self.push_frame(frame, direction)


class InstantVoice(TTSService):
    """Has the sound ready."""

    def __init__(self, sound: bytes) -> None:
        super().__init__(
            sample_rate=_RATE, push_start_frame=True, push_stop_frames=True, stop_frame_timeout_s=0.5,
            settings=TTSSettings(model=None, voice=None, language=None),
        )  # fmt: skip
        self._sound = sound

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame, None]:
        yield TTSAudioRawFrame(self._sound, _RATE, 1, context_id=context_id)


async def hold(socket: WebSocket, sound: bytes, *, lean: bool) -> None:
    """Hold one call, from its start message to its end."""
    await socket.accept()
    while True:
        message = json.loads(await socket.receive_text())
        if message["event"] == "start":
            break
    transport = FastAPIWebsocketTransport(
        websocket=socket,
        params=FastAPIWebsocketParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            serializer=TwilioFrameSerializer(
                message["start"]["streamSid"], params=TwilioFrameSerializer.InputParams(auto_hang_up=False)
            ),
        ),
    )
    strategies = None
    if lean:
        strategies = UserTurnStrategies(stop=[SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.5)])
    context = LLMContextAggregatorPair(
        LLMContext(),
        user_params=LLMUserAggregatorParams(
            vad_analyzer=SileroVADAnalyzer(params=VADParams(stop_secs=0.2)), user_turn_strategies=strategies
        ),
    )
    pipeline = Pipeline(
        [
            transport.input(), InstantEars(), context.user(), InstantModel(), InstantVoice(sound),
            transport.output(), context.assistant(),
        ]
    )  # fmt: skip
    spare = (
        {"enable_turn_tracking": False, "enable_rtvi": False, "check_dangling_tasks": False} if lean else {}
    )
    worker = PipelineWorker(
        pipeline,
        params=PipelineParams(audio_in_sample_rate=_RATE, audio_out_sample_rate=_RATE),
        idle_timeout_secs=None,
        **spare,
    )

    @transport.event_handler("on_client_disconnected")
    async def gone(_transport: object, _client: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False, handle_sigterm=False)
    await runner.add_workers(worker)
    await runner.run()


def main() -> None:
    port, reply_ms, kind, *more = sys.argv[1:]
    probe = Probe()
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    sound = tone(int(reply_ms))
    app = FastAPI()

    async def host(socket: WebSocket) -> None:
        if more:
            probe.start()
        await hold(socket, sound, lean=kind == "lean")

    app.add_api_websocket_route(PATH, host)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=int(port), log_level="warning", ws_per_message_deflate=False
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run()
    print(json.dumps({"blocked_ms": probe.longest(20)}), flush=True)


if __name__ == "__main__":
    main()
