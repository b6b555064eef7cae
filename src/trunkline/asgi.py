"""Floor 5: the HTTP and live-call process: uvicorn, one loop, WebSocket compression off."""

from __future__ import annotations

import socket
import sys
import time
from contextlib import suppress
from datetime import timedelta
from functools import partial
from types import FrameType
from typing import Any

import uvicorn

from trunkline import own_keys
from trunkline.core.settings import Settings
from trunkline.core.telemetry import get_logger
from trunkline.media.json_stream import LONGEST_MESSAGE
from trunkline.speech import build_speech
from trunkline.web.app import create_app
from trunkline.web.callroom import CallRoom
from trunkline.web.live_feed import LiveFeed
from trunkline.web.media_protocol import MediaProtocol
from trunkline.web.parts import AppParts
from trunkline.wiring import Command, open_runtime

_NOT_STARTED = 3
_GOODBYE_S = 15.0
"""How long the goodbyes may take when the time to drain is over."""

log = get_logger(__name__)


def serve(command: Command, settings: Settings) -> None:
    """Serve until stopped. Answers 503 while the schema is not there."""
    token = settings.metrics_token
    with open_runtime(command, settings, wait_for_schema_s=None) as runtime:
        speech = build_speech(settings)
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
                speech=speech,
                hire=partial(own_keys.hire, settings, speech),
                upkeep=runtime.upkeep,
                redis_url=runtime.redis_url,
                metrics_token=token.get_secret_value() if token else None,
            )
        )
        server = DrainingServer(
            drain_s=settings.call_drain_seconds,
            config=uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=15,
                **media_server_options(),
            ),
        )
        # As uvicorn.run does, which makes the server itself.
        with suppress(KeyboardInterrupt):
            server.run()
        if not server.started:
            sys.exit(_NOT_STARTED)


def media_server_options() -> dict[str, Any]:
    """Return how uvicorn is to serve media sockets: the short way, and without compression."""
    return {"ws": MediaProtocol, "ws_per_message_deflate": False, "ws_max_size": LONGEST_MESSAGE}


class DrainingServer(uvicorn.Server):
    """Lets live calls end before it stops, and ends the event streams, which have no end of their own.

    The first signal begins to drain: it serves on, so that calls that are live can be transferred, heard
    out and told of, but takes no new one. When the last call is over, or after `drain_s` and a goodbye on
    every line, it stops. A second signal stops it at once.
    """

    def __init__(self, config: uvicorn.Config, *, drain_s: float) -> None:
        super().__init__(config)
        self._drain_s = drain_s
        self._draining_since: float | None = None
        self._said_goodbye = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal; called by the interpreter between two steps of the loop."""
        room = self._room
        if room is None or self._draining_since is not None:
            super().handle_exit(sig, frame)
            return
        self._draining_since = time.monotonic()
        room.drain()
        log.info("draining", live=room.live.count, at_most_s=self._drain_s)

    async def on_tick(self, counter: int) -> bool:
        """Look ten times a second whether the time to stop has come."""
        room, since = self._room, self._draining_since
        if room is not None and since is not None:
            waited_s = time.monotonic() - since
            if waited_s >= self._drain_s and not self._said_goodbye:
                self._said_goodbye = True
                room.part_with_all()
            if room.is_quiet or waited_s >= self._drain_s + _GOODBYE_S:
                self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        live_feed: LiveFeed = self.config.app.state.live_feed  # type: ignore[union-attr]
        live_feed.close()
        await super().shutdown(sockets)

    @property
    def _room(self) -> CallRoom | None:
        """The call room; None before the application has begun."""
        room: CallRoom | None = getattr(self.config.app.state, "room", None)  # type: ignore[union-attr]
        return room
