"""A stand-in for a speech provider as a process: command line in, served until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trunkline.simulators.speech_plans import Hearing, Voicing, read_turns

Serve = Callable[["Ordered"], AbstractAsyncContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the command line ordered."""

    host: str
    port: int
    hearing: Hearing
    voicing: Voicing


def main(name: str, serve: Serve) -> None:
    """Serve until SIGINT or SIGTERM; the address is logged. The process's entry."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    parser = argparse.ArgumentParser(prog=f"trunkline.simulators.{name}")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="default: the system chooses")
    parser.add_argument("--api-key", default="key", help="the key that is taken")
    parser.add_argument("--turns", type=Path, help="a JSON file of what is heard, in order")
    given = parser.parse_args()
    hearing, voicing = Hearing(api_key=given.api_key), Voicing(api_key=given.api_key)
    if given.turns is not None:
        hearing.plan(*read_turns(given.turns))
    asyncio.run(_serve(name, serve, Ordered(given.host, given.port, hearing, voicing)))


async def _serve(name: str, serve: Serve, ordered: Ordered) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(ordered) as running:
        address = getattr(running, "base_url", "") or running.endpoint
        logging.getLogger(name).info("listens at %s", address)
        await stop.wait()
