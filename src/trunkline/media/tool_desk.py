"""The tool desk: the brain's tools run for it, each with a deadline, and put on record.

Owns the count of those under way, which nobody may cut off. Refuses to know what a tool does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from trunkline.media.agent_turn import elapsed_ms
from trunkline.media.scribe import EventKind, Scribe
from trunkline.providers.ports import ToolResult, ToolRunner


class ToolDesk:
    """One call's use of tools. Calling it never raises but when the call itself is cancelled."""

    def __init__(
        self, tools: ToolRunner, *, scribe: Scribe, timeout_s: float, clock: Callable[[], float]
    ) -> None:
        self._tools = tools
        self._scribe = scribe
        self._timeout_s = timeout_s
        self._clock = clock
        self.running = 0
        """How many tools are under way."""

    async def __call__(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        began_at = self._clock()
        self.running += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                result = await self._tools(name, arguments)
        except TimeoutError:
            result = ToolResult(ok=False, data={"error": "timeout"})
        finally:
            self.running -= 1
        self._scribe.record(
            EventKind.TOOL_USED,
            name=name,
            arguments=dict(arguments),
            ok=result.ok,
            data=dict(result.data),
            ms=elapsed_ms(began_at, self._clock()),
        )
        return result
