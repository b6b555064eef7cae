"""The line in front of helper processes, with a real one that answers when it is let."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from own_voice_calls import until

from trunkline.providers.local_speech.helpers import HelperPool
from trunkline.providers.ports import SpeechFailed

_HELPER = """
import pathlib, sys, time
from trunkline.providers.local_speech.wire import serve

here = pathlib.Path(__file__).parent

def handle(request, body):
    with (here / "asked").open("a") as asked:
        asked.write(request["name"] + " ")
    while not (here / "go").exists():
        time.sleep(0.005)
    return {"name": request["name"]}, body

serve(handle)
"""


@dataclass
class Slow:
    pool: HelperPool
    folder: Path

    def asked(self) -> list[str]:
        file = self.folder / "asked"
        return file.read_text().split() if file.exists() else []

    def ask(self, name: str) -> asyncio.Task[str]:
        async def answer() -> str:
            return str((await self.pool.ask({"name": name}))[0]["name"])

        return asyncio.create_task(answer())


@pytest.fixture
async def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Slow]:
    (tmp_path / "slow_helper_of_a_test.py").write_text(_HELPER)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", ""))))
    pool = HelperPool("slow_helper_of_a_test", size=1, most_waiting=2)
    yield Slow(pool, tmp_path)
    await pool.close()


async def test_whoever_leaves_the_line_is_not_asked_for_and_a_full_line_takes_nobody(slow: Slow) -> None:
    first = slow.ask("first")
    await until(lambda: slow.asked() == ["first"])
    gone, last = slow.ask("gone"), slow.ask("last")
    await asyncio.sleep(0)
    with pytest.raises(SpeechFailed, match="too much to do"):
        await slow.ask("too many")
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    (slow.folder / "go").touch()
    assert await asyncio.gather(first, last) == ["first", "last"]
    assert slow.asked() == ["first", "last"]


async def test_one_that_is_at_work_ends_it_though_nobody_waits(slow: Slow) -> None:
    gone = slow.ask("gone")
    await until(lambda: slow.asked() == ["gone"])
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    last = slow.ask("last")
    (slow.folder / "go").touch()
    assert await last == "last"
    assert slow.asked() == ["gone", "last"]


async def test_who_waits_in_line_is_told_that_it_is_closed(slow: Slow) -> None:
    first = slow.ask("first")
    await until(lambda: slow.asked() == ["first"])
    waiting = slow.ask("waiting")
    await asyncio.sleep(0)
    await slow.pool.close()
    with pytest.raises(SpeechFailed, match="closed"):
        await waiting
    with pytest.raises(asyncio.CancelledError):
        await first
