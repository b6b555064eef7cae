"""Conversations begun before their socket: handed over once, closed if nobody comes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import OperationalError

from media.media_stubs import StubBrain, StubConversation, brief
from trunkline.core.errors import NotFound
from trunkline.providers.ports import Brain, CallBrief, ToolResult, ToolRunner
from trunkline.web.early_brains import EarlyBrains

BUSINESS = uuid4()


class Counting(StubBrain):
    """Counts what it has opened and what of that was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[Conversation] = []

    def open(self, brief: CallBrief, tools: ToolRunner) -> Conversation:
        self.opened.append(Conversation(self, tools))
        return self.opened[-1]


class Conversation(StubConversation):
    closed = 0

    async def close(self) -> None:
        self.closed += 1


class Room:
    def __init__(self, *, kept_s: float = 5.0, most: int = 3) -> None:
        self.brain = Counting()
        self.fault: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.early = EarlyBrains(prepare=self.prepare, most=most, kept_s=kept_s)
        self.early.open()

    async def prepare(self, _business_id: UUID, call_id: UUID) -> tuple[Brain, CallBrief] | None:
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return self.brain, brief(str(call_id))


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    room = Room()
    yield room
    await room.early.close()
    assert all(conversation.closed for conversation in room.brain.opened[1:])
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("early-")]


async def until(what: object) -> None:
    async with asyncio.timeout(30):
        while not what():  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_a_conversation_begun_early_is_the_call_s_with_the_call_s_tools(room: Room) -> None:
    call_id = uuid4()
    threading.Thread(target=room.early.expect, args=(BUSINESS, call_id)).start()
    await until(lambda: room.brain.opened)
    (begun,) = room.brain.opened
    assert not (await begun.tools("book", {})).ok
    early = await room.early.take(call_id)
    assert early is not None

    async def tools(name: str, _arguments: object) -> ToolResult:
        return ToolResult(ok=True, data={"name": name})

    assert early.open(brief(), tools) is begun
    assert (await begun.tools("book", {})).data == {"name": "book"}
    assert await room.early.take(call_id) is None
    assert begun.closed == 0


async def test_a_socket_that_comes_first_waits_for_what_was_begun(room: Room) -> None:
    room.gate.clear()
    call_id = uuid4()
    room.early.expect(BUSINESS, call_id)
    await until(lambda: room.early.count)
    taking = asyncio.create_task(room.early.take(call_id))
    await asyncio.sleep(0)
    room.gate.set()
    assert await taking is not None


async def test_what_nobody_takes_is_closed_in_time() -> None:
    room = Room(kept_s=0.05)
    room.early.expect(BUSINESS, uuid4())
    await until(lambda: room.brain.opened and room.brain.opened[0].closed)
    assert room.early.count == 0
    await room.early.close()
    assert room.brain.opened[0].closed == 1


async def test_the_same_call_is_begun_once_and_no_more_than_there_is_room_for(room: Room) -> None:
    call_ids = [uuid4() for _ in range(5)]
    for call_id in (call_ids[0], *call_ids):
        room.early.expect(BUSINESS, call_id)
    await until(lambda: len(room.brain.opened) == 3)
    assert room.early.count == 3
    early = await room.early.take(call_ids[0])
    assert early is not None
    await early.conversation.close()


@pytest.mark.parametrize(
    "fault",
    [
        NotFound("There is no such call."),
        OperationalError("select 1", {}, Exception("the server closed the connection unexpectedly")),
        RuntimeError("the client could not be built"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_an_opening_that_fails_fails_no_call(room: Room, fault: Exception) -> None:
    room.fault = fault
    call_id = uuid4()
    room.early.expect(BUSINESS, call_id)
    await until(lambda: room.early.count)
    assert await room.early.take(call_id) is None


async def test_an_opening_that_failed_and_that_nobody_takes_leaves_nothing_behind() -> None:
    room = Room(kept_s=0.05)
    room.fault = OperationalError("select 1", {}, Exception("the server closed the connection unexpectedly"))
    room.early.expect(BUSINESS, uuid4())
    await until(lambda: room.early.count)
    await until(lambda: not room.early.count)
    await room.early.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("early-")]


async def test_who_waits_for_an_opening_and_is_cancelled_leaves_none_open(room: Room) -> None:
    room.gate.clear()
    call_id = uuid4()
    room.early.expect(BUSINESS, call_id)
    await until(lambda: room.early.count)
    taking = asyncio.create_task(room.early.take(call_id))
    await asyncio.sleep(0)
    taking.cancel()
    await asyncio.wait([taking])
    assert taking.cancelled()
    room.gate.set()
    await until(lambda: not [task for task in asyncio.all_tasks() if task.get_name().startswith("early-")])
    assert room.brain.opened == []


async def test_a_call_that_comes_back_gets_a_conversation_of_its_own(room: Room) -> None:
    """Its first socket came to another process: what was begun here knows nothing of what was said there."""
    call_id = uuid4()
    room.early.expect(BUSINESS, call_id)
    await until(lambda: room.brain.opened)
    (begun,) = room.brain.opened
    assert await room.early.take(call_id, leg=2) is None
    await until(lambda: begun.closed)
    assert room.early.count == 0
    assert await room.early.take(call_id) is None
