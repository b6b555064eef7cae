"""The agent's tools as one call uses them: each with a deadline, each on record.

Owns the count of tools under way, and how a turn that uses one is broken off. Refuses to know what tools do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from trunkline.media.agent_turn import elapsed_ms
from trunkline.media.scribe import EventKind, Scribe
from trunkline.providers.ports import ToolResult, ToolRunner


class ToolUse:
    """One call's use of its tools."""

    def __init__(
        self, run: ToolRunner, *, timeout_s: float, scribe: Scribe, clock: Callable[[], float]
    ) -> None:
        self._run = run
        self._timeout_s = timeout_s
        self._scribe = scribe
        self._clock = clock
        self._ended = asyncio.Event()
        self._may_begin = asyncio.Event()
        self._may_begin.set()
        self._over = False
        self.running = 0
        """Tools under way."""
        self.ended_at = clock()
        """When the last one came to its end; at first, when the call began."""

    async def use(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Run a tool and put its outcome on record; one that takes too long has failed."""
        await self._may_begin.wait()
        began_at = self._clock()
        self.running += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                result = await self._run(name, arguments)
        except TimeoutError:
            result = ToolResult(ok=False, data={"error": "timeout"})
        except asyncio.CancelledError:
            # What it does off the loop it may do all the same.
            self._note(name, arguments, ToolResult(ok=False, data={"error": "unknown"}), began_at)
            raise
        finally:
            self.running -= 1
            self.ended_at = self._clock()
            self._ended.set()
        self._note(name, arguments, result, began_at)
        return result

    def _note(self, name: str, arguments: Mapping[str, Any], result: ToolResult, began_at: float) -> None:
        self._scribe.record(
            EventKind.TOOL_USED,
            name=name,
            arguments=dict(arguments),
            ok=result.ok,
            data=dict(result.data),
            ms=elapsed_ms(began_at, self._clock()),
        )

    def hold(self) -> None:
        """Begin no tool until `release`: whoever asks may be broken off. Those under way go on."""
        self._may_begin.clear()

    def release(self) -> None:
        """Let tools begin again, unless the call is over."""
        if not self._over:
            self._may_begin.set()

    async def end(self, *, within_s: float) -> bool:
        """The call is over: no tool begins any more; wait for those under way. True if there were any."""
        self._over = True
        self.hold()
        if not self.running:
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._all_ended()
        return True

    async def then_stop(self, task: asyncio.Task[None], *, unless: Callable[[], bool]) -> None:
        """Stop a turn of the agent and wait for its end. A tool under way comes to its own first, and its
        outcome to the brain; none begins after it. Nothing is stopped where `unless` then says so."""
        self.hold()
        try:
            await self._all_ended()
            # The brain has the outcome in the step that ended the tool, and has not gone on from it.
            if not unless():
                task.cancel()
        finally:
            self.release()
        await asyncio.wait([task])

    async def _all_ended(self) -> None:
        while self.running:
            self._ended.clear()
            await self._ended.wait()
