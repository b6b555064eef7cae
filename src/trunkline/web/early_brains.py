"""Conversations begun before their call's socket has come, so that the greeting starts at once.

A brain that holds a connection of its own takes a while to open it. It is opened as soon as the carrier
has been told to connect the call, kept under the call's id for a short while, and closed if no socket comes.
Another process may get the socket; then what was begun here is closed, and nothing else is lost. It is a
call's first stretch with its agent that is begun so, and one that cannot be begun fails no call: the call
opens its brain itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from trunkline.core.telemetry import get_logger
from trunkline.providers.ports import (
    Brain,
    CallBrief,
    Conversation,
    ToolResult,
    ToolRunner,
)

KEPT_S = 45.0
"""How long a conversation waits for its socket; the token that lets the socket in lives a little longer."""

log = get_logger(__name__)


@dataclass(slots=True)
class Opened:
    """A brain that has opened its one conversation already."""

    conversation: Conversation
    relay: Relay

    def open(self, brief: CallBrief, tools: ToolRunner) -> Conversation:
        """Hand the conversation over; from now on its tools are the call's."""
        self.relay.tools = tools
        return self.conversation


@dataclass(slots=True)
class Relay:
    """Runs tools once it is known by whom."""

    tools: ToolRunner | None = None

    async def __call__(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        if self.tools is None:
            return ToolResult(ok=False, data={"error": "not_connected"})
        return await self.tools(name, arguments)


@dataclass(slots=True)
class _Waiting:
    task: asyncio.Task[Opened | None]
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class EarlyBrains:
    """One process's conversations that wait for their socket."""

    prepare: Callable[[UUID, UUID], Awaitable[tuple[Brain, CallBrief] | None]]
    """Reads what a call's brain is told; None where it needs no early opening."""
    most: int
    """So many wait at a time."""
    kept_s: float = KEPT_S
    _waiting: dict[UUID, _Waiting] = field(default_factory=dict)
    _closing: set[asyncio.Task[None]] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """From now on calls may be expected; on the loop that will hold them."""
        self._loop = asyncio.get_running_loop()

    @property
    def count(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def expect(self, business_id: UUID, call_id: UUID) -> None:
        """A socket of this call is on its way; from any thread. Never blocks."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begin, business_id, call_id)

    async def take(self, call_id: UUID, *, leg: int = 1) -> Opened | None:
        """Return what was begun for this call, if anything was; it is the caller's to close.

        None for a later stretch of the call, and what waits is closed: it knows nothing of the first, which
        another process held.
        """
        if leg > 1:
            if call_id in self._waiting:
                self._expire(call_id)
            return None
        waiting = self._waiting.pop(call_id, None)
        if waiting is None:
            return None
        if waiting.timer is not None:
            waiting.timer.cancel()
        return await _what_came_of(waiting.task)

    async def close(self) -> None:
        """Close everything that waits."""
        self._loop = None
        for call_id in list(self._waiting):
            self._expire(call_id)
        while self._closing:
            await asyncio.wait(self._closing)

    def _begin(self, business_id: UUID, call_id: UUID) -> None:
        loop = self._loop
        if loop is None or call_id in self._waiting or len(self._waiting) >= self.most:
            return
        task = loop.create_task(self._opened(business_id, call_id), name=f"early-{call_id}")
        self._waiting[call_id] = waiting = _Waiting(task)
        waiting.timer = loop.call_later(self.kept_s, self._expire, call_id)

    async def _opened(self, business_id: UUID, call_id: UUID) -> Opened | None:
        found = await self.prepare(business_id, call_id)
        if found is None:
            return None
        brain, brief = found
        relay = Relay()
        return Opened(brain.open(brief, relay), relay)

    def _expire(self, call_id: UUID) -> None:
        waiting = self._waiting.pop(call_id)
        if waiting.timer is not None:
            waiting.timer.cancel()
        task = asyncio.get_running_loop().create_task(_close(waiting.task), name=f"early-{call_id}-closing")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _what_came_of(opening: asyncio.Task[Opened | None]) -> Opened | None:
    """Wait for an opening, and return what it opened: nothing, where it failed of whatever."""
    try:
        await asyncio.wait([opening])
    finally:
        opening.cancel()  # whoever waited may have been cancelled; one that is over stays as it is
    failure = opening.exception()
    if failure is not None:
        # What does not pass meets the call as well, which puts it on record.
        log.warning("early_opening_failed", opening=opening.get_name(), exc_info=failure)
        return None
    return opening.result()


async def _close(opening: asyncio.Task[Opened | None]) -> None:
    opened = await _what_came_of(opening)
    if opened is not None:
        await opened.conversation.close()
