"""An agent's tools on a live call: run off the loop, with a deadline; media does its own part.

Owns what the brain is told of a tool that is slow or breaks. Refuses to know what tools do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from trunkline.core.telemetry import get_logger
from trunkline.core.toolbox import TIMED_OUT, note_failure, run_tool, seconds_of
from trunkline.domain.control.tools import LEAVES
from trunkline.media import LiveSessions, Session
from trunkline.providers.ports import ToolResult, ToolRunner
from trunkline.web.preparation import Preparation
from trunkline.web.sentences import NOT_DONE

_GRACE_S = 1.0
"""How long a tool that was done in time may take to say so; behind it, whatever it is at is rolled back."""

UNAVAILABLE = ToolResult(ok=False, data={"error": "unavailable"})
"""What is told of a tool that broke: as when the database is away."""
_NOT_THE_CALLERS_DOING = frozenset({"timeout", "unavailable"})
"""Failures of which the agent knows nothing to say: we give it the words."""

OffLoop = Callable[[Callable[[], ToolResult]], Awaitable[ToolResult]]
"""Runs work that blocks on a thread of the room's."""

log = get_logger(__name__)


def tools_of(prepared: Preparation, *, live: LiveSessions, off_loop: OffLoop) -> ToolRunner:
    """Return what runs a call's tools. It never raises but when the call itself is cancelled."""

    async def run(name: str, arguments: Mapping[str, Any]) -> ToolResult:
        seconds = seconds_of(name)
        work = partial(_use, name, arguments, prepared, until=time.monotonic() + seconds)
        try:
            result = await asyncio.wait_for(off_loop(work), seconds + _GRACE_S)
        except TimeoutError:
            result = TIMED_OUT
        session = live.of_call(prepared.brief.call_id)
        if result.ok and session is not None:
            await _do_in_media(session, name, result)
        return _with_words(result, prepared.brief.language)

    return run


def _use(name: str, arguments: Mapping[str, Any], prepared: Preparation, *, until: float) -> ToolResult:
    began_at = time.monotonic()
    try:
        return run_tool(name, arguments, caller=prepared.caller, allowed=prepared.allowed, until=until)
    except Exception as error:
        # A tool's outermost loop: the call goes on without it.
        log.error("tool_failed", tool=name, exc_info=error)
    try:
        note_failure(name, arguments, UNAVAILABLE, caller=prepared.caller, began_at=began_at)
    except SQLAlchemyError as error:
        # The call's own record tells of it all the same: that is kept on disk while the database is away.
        log.error("tool_use_not_noted", tool=name, error=type(error).__name__)
    return UNAVAILABLE


def _with_words(result: ToolResult, language: str) -> ToolResult:
    """Give a failure that nobody could foresee the sentence by which the agent is honest about it."""
    if result.ok or result.data.get("error") not in _NOT_THE_CALLERS_DOING:
        return result
    said = NOT_DONE.get(language, NOT_DONE["en"])
    return ToolResult(ok=False, data={**result.data, "message": said})


async def _do_in_media(session: Session, tool: str, result: ToolResult) -> None:
    """Do the part of a tool of call control that is the media session's own."""
    if tool in LEAVES:
        session.leave(LEAVES[tool])
    elif tool == "send_digits":
        await session.press(str(result.data["digits"]))
