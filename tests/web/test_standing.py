"""Standing tasks: one that ends is logged and begun again; a closed one stays closed."""

from __future__ import annotations

import asyncio
import time

import pytest
import structlog

from api.doorway import build_app, open_door
from support.installation import Installation
from trunkline.web import standing
from trunkline.web.standing import StandingTasks


async def test_a_task_that_ends_is_logged_and_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "_AGAIN_AFTER_S", 0.001)
    begun = 0
    steady = asyncio.Event()

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise OSError("the disk is full")
        if begun == 2:
            return
        steady.set()
        await asyncio.Event().wait()

    tasks = StandingTasks()
    with structlog.testing.capture_logs() as lines:
        tasks.start("work", work)
        async with asyncio.timeout(30):
            await steady.wait()
    assert [(line["event"], line["task"], line["log_level"]) for line in lines] == [
        ("standing_task_ended", "work", "error")
    ] * 2
    assert str(lines[0]["exc_info"]) == "the disk is full"
    assert begun == 3
    await tasks.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "work"]
    tasks.start("work", work)
    await asyncio.sleep(0)
    assert begun == 3


def test_the_process_s_upkeep_survives_an_error(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trunkline.web import app as application

    monkeypatch.setattr(application, "_UPKEEP_EVERY_S", 0.01)
    monkeypatch.setattr(standing, "_AGAIN_AFTER_S", 0.01)
    calls = []

    def upkeep() -> None:
        calls.append(1)
        raise RuntimeError("the keeper cannot be started")

    with open_door(build_app(upkeep=upkeep)) as visitor:
        deadline = time.monotonic() + 10
        while len(calls) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert visitor.get("/ready").status_code == 200
