"""Conversations with brains of their own voice over real sockets, and whole sessions held by them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from media_stubs import Call, brief, voice

from trunkline.providers.own_voice import VoiceOptions
from trunkline.providers.ports import (
    Act,
    Brain,
    CallBrief,
    Conversation,
    Heard,
    InputKind,
    Line,
    Listen,
    Sound,
    ToolResult,
    ToolSpec,
)

QUICK = VoiceOptions(first_sound_s=3.0, stall_s=2.0, connect_s=3.0, pauses_s=(0.01, 0.02, 0.05))
SPEECH = Heard(InputKind.SPEECH, "")
BOOK = ToolSpec(
    "book",
    "Book a time.",
    {"type": "object", "properties": {"time": {"type": "string"}}, "required": ["time"]},
)


@dataclass
class Turn:
    """A turn of the agent as it was performed to its end."""

    acts: list[Act] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    pcm: bytes = b""

    @property
    def others(self) -> list[Act]:
        return [act for act in self.acts if not isinstance(act, Sound | Listen)]


class Tools:
    """Runs tools at once and keeps what was asked."""

    def __init__(self) -> None:
        self.used: list[tuple[str, Mapping[str, Any]]] = []
        self.wait: asyncio.Event | None = None

    async def __call__(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        self.used.append((name, arguments))
        if self.wait is not None:
            await self.wait.wait()
        return ToolResult(ok=True, data={"booked": arguments.get("time")})


def a_brief(
    *, greeting: str = "Hello, this is {business_name}.", disclosure: str = "", past: Sequence[Line] = ()
) -> CallBrief:
    return replace(
        brief(), greeting=greeting, instructions="Book visits.", disclosure=disclosure, tools=(BOOK,),
        past=tuple(past),
    )  # fmt: skip


async def performed(acts: AsyncIterator[Act]) -> Turn:
    """Perform a turn: every sound is taken as it comes."""
    turn = Turn()
    sounds: list[asyncio.Task[bytes]] = []
    try:
        async for act in acts:
            turn.acts.append(act)
            if isinstance(act, Sound):
                sounds.append(asyncio.create_task(_taken(act)))
        turn.pcm = b"".join(await asyncio.gather(*sounds))
    finally:
        for sound in sounds:
            sound.cancel()
    turn.said = [act.speaking.text for act in turn.acts if isinstance(act, Sound)]
    return turn


async def _taken(act: Sound) -> bytes:
    return b"".join([pcm async for pcm in act.speaking])


async def caller_speaks(conversation: Conversation, ms: int = 600) -> Any:
    """Let the caller have a turn; return what `finish` gave."""
    utterance = conversation.listen()
    assert utterance is not None
    sound = voice(ms)
    for at in range(0, len(sound), 320):
        utterance.feed(sound[at : at + 320])
    return await utterance.finish()


async def until(what: Callable[[], object], within_s: float = 60) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(within_s):
        while not what():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """After the block no task is there that was not there before, and no task complained."""
    loop = asyncio.get_running_loop()
    complaints: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    before = asyncio.all_tasks()
    yield

    def left() -> list[str]:
        # A fixture ends in another task than it began in.
        ours = asyncio.all_tasks() - before - {asyncio.current_task()}
        return [task.get_name() for task in ours]

    try:
        await until(lambda: not left())
    except TimeoutError:
        pytest.fail(f"left running: {left()}")
    assert complaints == []


async def hold(
    brain: Brain, *script: tuple[Callable[[Call], object], Callable[[Call], object]], tool: Any = None,
    within_s: float = 60, **of_brief: Any,
) -> Call:  # fmt: skip
    """Hold a whole session in real time: each step waits until the first is so, and does the second."""
    call = Call(brain, tool=tool or Tools())
    call.brief = replace(a_brief(), **of_brief)
    await call._open()
    running = asyncio.create_task(call.session.run())
    try:
        async with asyncio.timeout(within_s):
            for condition, step in script:
                await until(lambda condition=condition: running.done() or condition(call), within_s)
                outcome = step(call)
                if isinstance(outcome, Awaitable):
                    await outcome
            await running
    finally:
        running.cancel()
        await asyncio.wait([running])
    call.check_nothing_left()
    return call
