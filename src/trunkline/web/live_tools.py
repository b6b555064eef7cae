"""An agent's tools on a live call: run off the loop, with a deadline; media does its own part.

Owns what the brain is told of a tool that is slow or breaks. Refuses to know what tools do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from trunkline.core.telemetry import get_logger
from trunkline.core.toolbox import TIMED_OUT, run_tool
from trunkline.domain.control.tools import LEAVES
from trunkline.media import LiveSessions, Session
from trunkline.providers.ports import ToolResult, ToolRunner
from trunkline.web.preparation import Preparation

_DEADLINE_S = 10.0
_GRACE_S = 1.0
"""How long a tool that was done in time may take to say so; behind it, whatever it is at is rolled back."""

OffLoop = Callable[[Callable[[], ToolResult]], Awaitable[ToolResult]]
"""Runs work that blocks on a thread of the room's."""

log = get_logger(__name__)


def tools_of(prepared: Preparation, *, live: LiveSessions, off_loop: OffLoop) -> ToolRunner:
    """Return what runs a call's tools. It never raises but when the call itself is cancelled."""

    async def run(name: str, arguments: Mapping[str, Any]) -> ToolResult:
        work = partial(
            run_tool, name, arguments, caller=prepared.caller, allowed=prepared.allowed,
            until=time.monotonic() + _DEADLINE_S,
        )  # fmt: skip
        try:
            result = await asyncio.wait_for(off_loop(work), _DEADLINE_S + _GRACE_S)
        except TimeoutError:
            return TIMED_OUT
        except Exception as error:
            # A tool's outermost loop: the call goes on without it, as when the database is away.
            log.error("tool_failed", tool=name, exc_info=error)
            return ToolResult(ok=False, data={"error": "unavailable"})
        session = live.of_call(prepared.brief.call_id)
        if result.ok and session is not None:
            await _do_in_media(session, name, result)
        return result

    return run


async def _do_in_media(session: Session, tool: str, result: ToolResult) -> None:
    """Do the part of a tool of call control that is the media session's own."""
    if tool in LEAVES:
        session.leave(LEAVES[tool])
    elif tool == "send_digits":
        await session.press(str(result.data["digits"]))
