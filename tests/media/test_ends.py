"""How calls end: what is still put on record, what can no longer begin, and that the end is always told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from media_stubs import Call, StubBrain, StubConversation, ask
from virtual_time import run

from trunkline.media import EventKind, LiveSessions
from trunkline.providers.ports import CallBrief, ToolRunner


class _SlowToLeave(StubBrain):
    """Takes almost as long as it may to let go."""

    def open(self, brief: CallBrief, tools: ToolRunner) -> StubConversation:
        conversation = super().open(brief, tools)
        conversation.close = lambda: asyncio.sleep(1.9)  # type: ignore[method-assign]
        return conversation


def test_a_call_that_is_cancelled_while_it_closes_is_closed_all_the_same() -> None:
    async def scene() -> Call:
        call = Call(_SlowToLeave(ask("Hello.")))
        task = asyncio.create_task(call.run())
        await asyncio.sleep(1)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0.5)
        with pytest.raises(asyncio.CancelledError):
            await task
        call.check_nothing_left()
        return call

    call = run(scene())
    assert call.events[-1].data["reason"] == "cancelled"


def test_a_socket_that_fails_to_close_does_not_keep_the_end_from_being_told() -> None:
    call = Call(StubBrain(ask("Hello.")))

    async def broken() -> None:
        raise ConnectionResetError

    call.carrier.close = broken  # type: ignore[method-assign]
    with pytest.raises(ConnectionResetError):
        run(call.run((1.0, call.carrier.hang_up)))
    assert call.events[-1].kind is EventKind.ENDED


def test_the_reaper_cancels_a_call_only_once() -> None:
    async def scene() -> list[list[str]]:
        live = LiveSessions(socket_grace_s=1.0)
        call = Call(_SlowToLeave(["book"]), tool=_endless)
        task = asyncio.create_task(call.run_on(live))
        await asyncio.sleep(1)
        call.carrier.hang_up()
        await asyncio.sleep(2)
        looks = [live.reap() for _ in range(4)]
        await asyncio.wait([task])
        call.check_nothing_left()
        return looks

    assert run(scene()) == [["7"], ["7"], [], []]


async def _endless(_name: str, _arguments: Any) -> Any:
    await asyncio.Event().wait()
