"""What a warm transfer needs beside the theatre: a worker, and people whom an ear can tell apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import cycle

import numpy as np
import pytest

from control.theatre import Theatre
from isolation.peering import connected
from simulators.product import until
from support.installation import Installation, administrator_url
from trunkline.core.jobs import executor
from trunkline.kit.audio import level, pcm_to_ulaw, ulaw_to_pcm
from trunkline.providers.twilio.wire import FRAME_BYTES
from trunkline.simulators.carrier.book import Book
from trunkline.simulators.carrier.people.population import Manner, Telephone
from trunkline.simulators.carrier.stream import SILENT_FRAME
from trunkline.simulators.carrier.webhooks import Reply, Webhooks

_RATE = 8_000


class Whistler:
    """Somebody who whistles one note and presses keys when told to, and keeps what they hear.

    They are their own handset and mind, as the local carrier has them.
    """

    kind = "whistler"
    manner = Manner(ring_s=0.1)

    def __init__(self, hertz: int) -> None:
        self.hertz = hertz
        wave = np.sin(2 * np.pi * hertz * np.arange(_RATE) / _RATE) * 8_000
        whole = pcm_to_ulaw(wave.astype("<i2").tobytes())
        self._note = cycle(whole[at : at + FRAME_BYTES] for at in range(0, len(whole), FRAME_BYTES))
        self.whistles = False
        self.heard: list[bytes] = []
        self.calls = 0
        self._keys: list[str] = []
        self._hung_up = asyncio.Event()
        self.off_hook = asyncio.Event()

    def pick_up(self, sid: str, book: Book) -> Telephone:
        self.calls += 1
        self._hung_up.clear()
        return Telephone(self, self)  # type: ignore[arg-type]

    def press(self, key: str) -> None:
        self._keys.append(key)

    def hang_up(self) -> None:
        self._hung_up.set()

    def loudness(self, hertz: int, *, of_last: int = 50) -> float:
        """Return the amplitude of a note in what was heard last, in frames of 20 ms."""
        wave = np.frombuffer(ulaw_to_pcm(b"".join(self.heard[-of_last:])), "<i2").astype(float)
        turns = np.exp(-2j * np.pi * hertz * np.arange(len(wave)) / _RATE)
        return float(2 * abs((wave * turns).mean())) if len(wave) else 0.0

    def hears(self, hertz: int) -> bool:
        return len(self.heard) >= 50 and self.loudness(hertz) > 4_000

    def has_heard_out(self, *, after: int = 0) -> bool:
        """True when something was said behind so many frames, and has been silent for a second."""
        loud = [level(ulaw_to_pcm(frame)) > 100 for frame in self.heard[after:]]
        return any(loud) and not any(loud[-50:])

    # --- As a handset and its holder

    def next_frame(self) -> bytes:
        self.off_hook.set()
        return next(self._note) if self.whistles else SILENT_FRAME

    def next_key(self) -> str | None:
        return self._keys.pop(0) if self._keys else None

    def hear(self, frame: bytes) -> None:
        self.heard.append(frame)

    def stop_listening(self) -> None: ...

    async def live(self) -> None:
        await self._hung_up.wait()

    async def play_back(self) -> None: ...


def whistler(theatre: Theatre, number: str, hertz: int) -> Whistler:
    """Let a whistler live at a number of the local carrier."""
    person = Whistler(hertz)
    theatre.sim.population.settle(number, person)
    return person


@contextmanager
def off_the_main_thread() -> Iterator[None]:
    """Let jobs run on any thread: without the signals that end those which take too long."""

    @contextmanager
    def nothing(*_arguments: object) -> Iterator[None]:
        yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executor, "_signals", nothing)
        patch.setattr(executor, "_time_limit", nothing)
        yield


@asynccontextmanager
async def worker(installation: Installation) -> AsyncIterator[None]:
    """Work the ledger beside the town, as a worker process does, while the block runs."""
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            await asyncio.to_thread(installation.run_jobs, "high")
            await asyncio.sleep(0.05)

    with off_the_main_thread():
        working = asyncio.create_task(work())
        try:
            yield
        finally:
            stop.set()
            await working


def make_due(theatre: Theatre, *, old: bool = True) -> None:
    """Let every job that waits for its moment be ready, and, unless told otherwise, every step be old."""
    with connected(administrator_url(theatre.installation.urls)) as administrator:
        administrator.autocommit = True
        if old:
            administrator.execute(
                "update call_controls set data = jsonb_set(data, '{since}', '\"2026-01-01T00:00:00+00:00\"')"
                " where data ? 'since'"
            )
        administrator.execute("update jobs set run_at = clock_timestamp() where state = 'queued'")


async def due_until(theatre: Theatre, condition: Callable[[], bool], seconds: float = 60) -> None:
    """Let all be due until something has come of it: a look under way at that moment comes too early."""

    def holds() -> bool:
        make_due(theatre)
        return condition()

    await until(holds, seconds)


@contextmanager
def every_webhook_twice() -> Iterator[None]:
    """The carrier does not get our first answer to anything, and asks again."""
    once = Webhooks.post

    async def twice(self: Webhooks, url: str, form: dict[str, str]) -> Reply:
        await once(self, url, form)
        return await once(self, url, form)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Webhooks, "post", twice)
        yield


@contextmanager
def answers_lost(lost: Callable[[str], bool], *, reach_us: bool = True) -> Iterator[list[str]]:
    """The carrier never gets our answer to these webhooks, nor, unless they `reach_us`, do they arrive."""
    once, hit = Webhooks.post, []

    async def post(self: Webhooks, url: str, form: dict[str, str]) -> Reply:
        if not lost(url):
            return await once(self, url, form)
        hit.append(url)
        if reach_us:
            await once(self, url, form)
        return Reply([0, 0], "lost")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Webhooks, "post", post)
        yield hit
