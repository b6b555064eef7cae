"""Floor 5: the HTTP and live-call process: uvicorn, one loop, WebSocket compression off."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress
from datetime import timedelta

import uvicorn

from trunkline.core.errors import StartRefused
from trunkline.core.settings import Settings
from trunkline.media.twilio_stream import LONGEST_MESSAGE
from trunkline.providers.local_speech import (
    EspeakTextToSpeech,
    LocalSpeechUnavailable,
    SileroVoiceActivity,
    SphinxSpeechToText,
)
from trunkline.providers.ports import Voice
from trunkline.web.app import create_app
from trunkline.web.callroom import Speech
from trunkline.web.live_feed import LiveFeed
from trunkline.web.parts import AppParts
from trunkline.wiring import Command, open_runtime

_NOT_STARTED = 3
_LARGEST_MESSAGE = 4 * LONGEST_MESSAGE
"""Bytes of a WebSocket message; a larger one ends its connection before it fills the memory."""


def serve(command: Command, settings: Settings) -> None:
    """Serve until stopped. Answers 503 while the schema is not there."""
    token = settings.metrics_token
    with open_runtime(command, settings, wait_for_schema_s=None) as runtime:
        app = create_app(
            AppParts(
                role=runtime.role,
                public_url=settings.public_url,
                media_url=settings.media_url,
                token_key=runtime.token_key,
                spool=runtime.home / "spool",
                max_calls=settings.max_active_calls,
                longest_call=timedelta(seconds=settings.longest_call_seconds),
                most_lag_s=settings.max_loop_lag_ms / 1000,
                speech=local_speech(),
                upkeep=runtime.upkeep,
                redis_url=runtime.redis_url,
                metrics_token=token.get_secret_value() if token else None,
            )
        )
        server = _Server(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                ws_per_message_deflate=False,
                ws_max_size=_LARGEST_MESSAGE,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=15,
            )
        )
        # As uvicorn.run does, which makes the server itself.
        with suppress(KeyboardInterrupt):
            server.run()
        if not server.started:
            sys.exit(_NOT_STARTED)


class _Server(uvicorn.Server):
    """Ends the event streams as it begins to stop: it waits for open answers, and they have no end."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        live_feed: LiveFeed = self.config.app.state.live_feed  # type: ignore[union-attr]
        live_feed.close()
        await super().shutdown(sockets)


def local_speech() -> Speech:
    """Return speech that needs no account. Raises StartRefused where its packages are missing."""
    try:
        stt, tts = SphinxSpeechToText(), EspeakTextToSpeech()
    except LocalSpeechUnavailable as error:
        raise StartRefused(str(error)) from error

    async def speak_once() -> None:
        async for _ in tts.speak("Hello.", Voice("en")):
            pass

    async def warm_up() -> None:
        await asyncio.gather(stt.warm_up(), speak_once())

    return Speech(stt=stt, tts=tts, vad=SileroVoiceActivity, warm_up=warm_up)
