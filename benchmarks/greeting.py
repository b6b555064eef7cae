"""How soon does a caller hear the greeting?

The whole server, with local speech, PostgreSQL and Valkey of its own, and the local carrier in this process:
people phone in, one after another and then several at once, and hang up in the midst of the greeting; what
they hear is measured and not understood, which would cost more than the server does. Measured at the
carrier's end of the media stream, from its `start` message to the first frame with the agent's voice that is
played to the caller: the token and the call's data are read from the database, the brain is opened, the
voice speaks. Frames are played every 20 ms. Last line: one JSON object, in milliseconds.

    python benchmarks/greeting.py [--calls N] [--at-once N] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import httpx
from harness.calls_server import free_port

from trunkline.core.settings import Settings, load_settings
from trunkline.providers.local_speech import EspeakTextToSpeech
from trunkline.providers.ports import Grammar, Voice
from trunkline.sim import practice as practices
from trunkline.sim.scenario import find
from trunkline.simulators.callers.caller import NoWords
from trunkline.simulators.callers.ear_watch import EarFigures
from trunkline.simulators.callers.handset import CallerHandset
from trunkline.simulators.callers.plan import Line
from trunkline.simulators.carrier import CarrierOptions, Number, serving
from trunkline.simulators.carrier.book import Book, CallEntry
from trunkline.simulators.carrier.people.ear import Ear
from trunkline.simulators.carrier.people.mouth import Mouth
from trunkline.simulators.carrier.people.population import Manner, Telephone
from trunkline.wiring import Command, open_runtime

AIM_MS = 300.0
UP_WITHIN_S = 90.0
GREETED_WITHIN_S = 10.0
LISTENS_S = 0.5
OVER_WITHIN_S = 60.0


def environment(home: Path) -> dict[str, str]:
    """The settings of an installation that calls by a carrier of this machine."""
    port = free_port()
    return {
        "TRUNKLINE_HOME": str(home),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
        "TWILIO_BASE_URL": f"http://127.0.0.1:{free_port()}",
        "LOG_LEVEL": "WARNING",
    }


@contextmanager
def server(settings: Settings, log: Path) -> Iterator[None]:
    """The process that serves, as `trunkline api`."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "trunkline", "api"], env=os.environ, stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + UP_WITHIN_S
        while not is_ready(settings.public_url):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"The server did not come up:\n{log.read_text()[-2000:]}")
            time.sleep(0.2)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready", trust_env=False, timeout=2).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@dataclass
class Listener:
    """Phones, waits for the greeting, and hangs up in the midst of it. The carrier's `Resident`."""

    mouth: Mouth
    kind = "listener"
    manner = Manner(ring_s=0.0)
    figures: EarFigures | None = None

    def pick_up(self, sid: str, book: Book) -> Telephone:
        ear = Ear(NoWords(), language="en", grammar=Grammar(()), piece_gap_ms=450, turn_gap_ms=1_000)
        self.handset = CallerHandset(
            sid=sid, book=book, ear=ear, mouth=self.mouth, voice=Voice("en"), rng=Random(sid), line=Line()
        )
        self.figures = self.handset.watch.figures
        return Telephone(self.handset, self)

    async def live(self) -> None:
        await self.handset.off_hook.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(GREETED_WITHIN_S):
                while self.handset.watch.figures.greeting_ms is None:  # noqa: ASYNC110 - as below
                    await asyncio.sleep(0.02)
        await asyncio.sleep(LISTENS_S)

    async def play_back(self) -> None:
        """Nothing was to be understood."""


async def phone_in(settings: Settings, calls: int, at_once: int) -> dict[str, Any]:
    """Let so many people phone in, so many of them at a time, and return the account of their calls."""
    assert settings.twilio_account_sid is not None
    assert settings.twilio_auth_token is not None
    options = CarrierOptions(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        port=0,
    )
    ground = practices.found(find("hangs_up"), like=None, at_once=at_once)
    tts = EspeakTextToSpeech()
    lines = asyncio.Semaphore(at_once)
    held: list[tuple[Listener, CallEntry]] = []
    try:
        async with serving(options, tts=tts, stt=NoWords()) as carrier:
            hooks = f"{settings.public_url}/hooks/carrier/inbound"
            carrier.exchange.configure(Number(ground.number, f"{hooks}/answer", f"{hooks}/status"))

            async def phone(number: str) -> None:
                listener = Listener(Mouth(tts, muted=True))
                carrier.population.settle(number, listener)
                async with lines:
                    entry = carrier.book.calls[carrier.exchange.phone_in(number, ground.number).sid]
                    held.append((listener, entry))
                    async with asyncio.timeout(OVER_WITHIN_S):
                        while entry.ended_at is None:  # noqa: ASYNC110 - the book tells what is, not when
                            await asyncio.sleep(0.05)

            phones = islice(practices.phones_beside([ground]), calls)
            await asyncio.gather(*(phone(number) for number in phones))
    finally:
        await tts.close()
        practices.close(ground)
    return account(held)


def account(held: Sequence[tuple[Listener, CallEntry]]) -> dict[str, Any]:
    """What the callers heard; one that was never greeted has no figure, and is counted."""
    heard = sorted(
        listener.figures.greeting_ms
        for listener, _ in held
        if listener.figures is not None and listener.figures.greeting_ms is not None
    )
    if not heard:
        sys.exit(f"No call was greeted: {[entry.errors for _, entry in held]}")
    return {
        "calls": len(held),
        "greeted": len(heard),
        "p50": round(statistics.median(heard), 1),
        "p95": round(heard[min(len(heard) - 1, int(len(heard) * 0.95))], 1),
        "max": round(heard[-1], 1),
        "carriers_own_lag_max": round(max(entry.media.get("worst_lag_ms", 0.0) for _, entry in held), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=30, help="one after another; as many again at once")
    parser.add_argument("--at-once", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="greeting", dir=arguments.folder) as folder:
        home = Path(folder)
        for name in ("DATABASE_URL", "DATABASE_RELAY_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SERVICE_ROLE"):
            os.environ.pop(name, None)
        os.environ.update(environment(home))
        settings = load_settings(log_format="console", log_level="ERROR")
        with open_runtime(Command.TOOL, settings), server(settings, home / "server.log"):
            told: dict[str, Any] = {"aim_ms": AIM_MS}
            told["first_call"] = asyncio.run(phone_in(settings, 1, 1))
            told["one_by_one"] = asyncio.run(phone_in(settings, arguments.calls, 1))
            told["at_once"] = asyncio.run(phone_in(settings, arguments.calls, arguments.at_once))
            told["at_once"]["lines"] = arguments.at_once
            told["load_average"] = round(os.getloadavg()[0], 1)
            told["processors"] = len(os.sched_getaffinity(0))
    parts = (told["one_by_one"], told["at_once"])
    told["holds"] = all(part["p95"] < AIM_MS and part["greeted"] == part["calls"] for part in parts)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
