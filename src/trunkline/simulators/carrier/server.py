"""The local carrier as a process: one event loop, one HTTP server, no threads and no database."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from trunkline.providers.local_speech import EspeakTextToSpeech, SphinxSpeechToText
from trunkline.providers.ports import SpeechToText, TextToSpeech
from trunkline.simulators.carrier.book import Book
from trunkline.simulators.carrier.control import ControlApi, malformed
from trunkline.simulators.carrier.exchange import Exchange
from trunkline.simulators.carrier.messages import MessagesApi
from trunkline.simulators.carrier.options import CarrierOptions
from trunkline.simulators.carrier.people.population import Population
from trunkline.simulators.carrier.refusing import Refusal, refused
from trunkline.simulators.carrier.rest import CallsApi
from trunkline.simulators.loop_server import LoopServer

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunningCarrier:
    """A carrier that takes requests at `base_url`."""

    base_url: str
    exchange: Exchange
    population: Population

    @property
    def book(self) -> Book:
        return self.exchange.book


@asynccontextmanager
async def serving(
    options: CarrierOptions, *, tts: TextToSpeech, stt: SpeechToText
) -> AsyncIterator[RunningCarrier]:
    """Serve on the running loop while the block runs. Closing ends every call at once.

    The speech providers stay the caller's, to be closed by it. Raises OSError if the port is taken.
    """
    seed = secrets.randbits(64) if options.seed is None else options.seed
    book = Book(seed=seed, file=options.book_file)
    population = Population(options.people, book=book, tts=tts, stt=stt, seed=seed, muted=options.muted)
    with socket.create_server((options.host, options.port)) as listener:
        exchange = Exchange(options, book, population)
        messages = MessagesApi(options)
        app = Starlette(
            routes=[
                *CallsApi(options, exchange).routes(),
                *ControlApi(exchange, population).routes(),
                *messages.routes(),
            ],
            exception_handlers={Refusal: refused, ValueError: malformed},
        )
        server = LoopServer(
            uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False, ws="none")
        )
        serve = asyncio.create_task(server.serve(sockets=[listener]), name="local carrier")
        try:
            await server.up.wait()
            host, port = listener.getsockname()[:2]
            yield RunningCarrier(f"http://{host}:{port}", exchange, population)
        finally:
            await exchange.close()
            await messages.close()
            server.should_exit = server.force_exit = True
            await serve
            await server.drop_requests()


async def run(
    options: CarrierOptions,
    *,
    tts: TextToSpeech,
    stt: SpeechToText,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until cancelled; `on_ready` gets the base URL."""
    async with serving(options, tts=tts, stt=stt) as carrier:
        _log.info("the local carrier listens at %s", carrier.base_url)
        if on_ready is not None:
            on_ready(carrier.base_url)
        await asyncio.Event().wait()


def main(options: CarrierOptions, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Run the carrier with local speech until SIGINT or SIGTERM; the process's entry.

    `on_ready` gets the base URL. Raises LocalSpeechUnavailable where local speech's packages are missing.
    """
    asyncio.run(_main(options, on_ready))


async def _main(options: CarrierOptions, on_ready: Callable[[str], None] | None) -> None:
    loop = asyncio.get_running_loop()
    serving_task = asyncio.current_task()
    assert serving_task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving_task.cancel)
    tts, stt = EspeakTextToSpeech(), SphinxSpeechToText()
    try:
        await run(options, tts=tts, stt=stt, on_ready=on_ready)
    except asyncio.CancelledError:
        _log.info("the local carrier stops")
    finally:
        await tts.close()
        await stt.close()
