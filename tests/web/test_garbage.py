"""Garbage is collected when nobody hears it, and in the end whatever is going on."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from trunkline.web import garbage
from trunkline.web.garbage import Garbage


@pytest.fixture(autouse=True)
def _as_found(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(garbage, "_IDLE_S", 0.01)
    before = gc.get_threshold()
    yield
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


class Ended:
    """What a call leaves behind: it refers to itself."""

    def __init__(self) -> None:
        self.itself = self


def old_garbage() -> weakref.ref[Ended]:
    """Return a watch on something that outlived two collections before it was dropped."""
    call = Ended()
    gc.collect(0)
    gc.collect(1)
    return weakref.ref(call)


async def gone(watch: weakref.ref[Ended]) -> None:
    async with asyncio.timeout(30):
        while watch() is not None:
            await asyncio.sleep(0.005)


async def test_what_is_there_at_the_start_is_set_aside_and_given_back() -> None:
    keeper = Garbage(lambda: 0)
    keeper.settle()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[2] == 1_000_000
    keeper.restore()
    keeper.restore()


async def test_an_ended_call_is_collected_once_nobody_is_there_to_hear_it() -> None:
    calls = 1
    keeper = Garbage(lambda: calls)
    keeper.settle()
    task = asyncio.create_task(keeper.tend())
    watch = old_garbage()
    await asyncio.sleep(0.1)
    assert watch() is not None
    assert keeper.collections == 0
    calls = 0
    await gone(watch)
    # A process without calls has nothing more to collect.
    collected = keeper.collections
    await asyncio.sleep(0.1)
    assert keeper.collections == collected == 1
    task.cancel()
    keeper.restore()


async def test_a_process_that_is_never_idle_collects_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "_LONGEST_S", 0.05)
    keeper = Garbage(lambda: 7)
    keeper.settle()
    task = asyncio.create_task(keeper.tend())
    await gone(old_garbage())
    task.cancel()
    keeper.restore()
