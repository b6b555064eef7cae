"""What the tests of speech providers share: sound to send, ends to collect, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import numpy as np

from trunkline.providers.ports import SpeechToText, TextToSpeech, Transcript, Utterance, Voice

ENGLISH = Voice("en")


def sound(ms: int, amplitude: int = 4_000) -> bytes:
    return (amplitude * np.sin(2 * np.pi * 440 * np.arange(ms * 8) / 8_000)).astype("<i2").tobytes()


def feed(utterance: Utterance, ms: int) -> None:
    """Feed so much sound in telephone frames, at once."""
    pcm = sound(ms)
    for start in range(0, len(pcm), 320):
        utterance.feed(pcm[start : start + 320])


async def heard(stt: SpeechToText, ms: int = 600, language: str = "en") -> Transcript:
    """Say one utterance and wait for its text."""
    utterance = stt.open(language=language, grammar=None)
    try:
        feed(utterance, ms)
        async with asyncio.timeout(30):
            return await utterance.finish()
    finally:
        utterance.cancel()


async def spoken(tts: TextToSpeech, text: str, voice: Voice = ENGLISH) -> bytes:
    pieces = []
    async with asyncio.timeout(30):
        async for pcm in tts.speak(text, voice):
            assert len(pcm) % 2 == 0
            pieces.append(pcm)
    return b"".join(pieces)


async def close_early(speech: AsyncIterator[bytes]) -> None:
    await speech.aclose()  # type: ignore[attr-defined]


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait until the condition holds; fails if it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Fail if the block leaves a task or a socket behind. gRPC closes its own off the loop."""
    before, sockets_before = asyncio.all_tasks(), open_sockets()
    yield
    others = asyncio.all_tasks() - before - {asyncio.current_task()}
    left = {str(task.get_coro()) for task in others if not task.done()}
    assert not left, f"left running: {left}"
    await until(lambda: open_sockets() <= sockets_before)


def open_sockets() -> int:
    """Return how many TCP sockets this process holds."""
    of_tcp = {
        line.split()[9]
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()
    }
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            count += str(entry.readlink()).removeprefix("socket:[").removesuffix("]") in of_tcp
    return count
