"""The toolbox: what the AI agent may do, one registry over all domains' `tools.py`.

A tool is a verb of a service with a typed argument model. The business comes from the call,
never from the model's words.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.errors import QueryCanceled
from pydantic import BaseModel, ValidationError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import TrunklineError
from trunkline.providers.ports import ToolResult, ToolSpec


@dataclass(frozen=True, slots=True)
class ToolCaller:
    """The call on whose behalf a tool runs."""

    business_id: UUID
    call_id: UUID
    agent_id: UUID
    lead_id: UUID | None
    phone: str | None
    """The other party's number, E.164; None: it is withheld, or they call from the page."""


ToolFunction = Callable[[Session, ToolCaller, Any], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Tool:
    """One thing an agent can do."""

    name: str
    description: str
    arguments: type[BaseModel]
    function: ToolFunction
    built_in: bool
    """Every agent has it, whatever else it was given."""


_tools: dict[str, Tool] = {}


def tool(
    name: str, *, description: str, arguments: type[BaseModel], built_in: bool = False
) -> Callable[[ToolFunction], ToolFunction]:
    """Register a function as a tool. `description` is what a language model reads."""

    def register(function: ToolFunction) -> ToolFunction:
        _tools[name] = Tool(name, description, arguments, function, built_in)
        return function

    return register


def tool_names() -> tuple[str, ...]:
    """Return every tool an agent can be given."""
    return tuple(sorted(_tools))


def built_in_names() -> frozenset[str]:
    """Return the tools that every agent has by itself."""
    return frozenset(tool.name for tool in _tools.values() if tool.built_in)


def specs_of(names: Iterable[str]) -> tuple[ToolSpec, ...]:
    """Return the tools of these names as a language model is told of them; unknown names are left out."""
    chosen = [_tools[name] for name in names if name in _tools]
    return tuple(ToolSpec(tool.name, tool.description, tool.arguments.model_json_schema()) for tool in chosen)


TIMED_OUT = ToolResult(ok=False, data={"error": "timeout"})
"""What is told of a tool that took too long; nothing of it has happened."""


class _TooLate(Exception):
    """The tool's time is over; what it wrote is rolled back."""


def run_tool(
    name: str,
    arguments: Mapping[str, Any],
    *,
    caller: ToolCaller,
    allowed: tuple[str, ...],
    until: float = math.inf,
) -> ToolResult:
    """Run a tool in a transaction of its own, in the caller's business.

    What the law forbids, or the arguments lack, comes back as a result that says so. So does a tool that is
    not done at `until`, a moment of `time.monotonic`: it has then done nothing.
    """
    if name not in allowed or name not in _tools:
        return ToolResult(ok=False, data={"error": "unknown_tool", "message": f"No tool {name!r} here."})
    chosen = _tools[name]
    try:
        parsed = chosen.arguments.model_validate(arguments)
        with unit_of_work(of_business(caller.business_id)) as session:
            _end_statements(session, until)
            data = chosen.function(session, caller, parsed)
            session.flush()
            if time.monotonic() >= until:
                raise _TooLate
        return ToolResult(ok=True, data=data)
    except _TooLate:
        return TIMED_OUT
    except OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        return TIMED_OUT
    except ValidationError as error:
        return ToolResult(ok=False, data={"error": "invalid_arguments", "message": str(error)})
    except TrunklineError as error:
        return ToolResult(ok=False, data={"error": error.code, "message": error.message, **error.data})


def _end_statements(session: Session, until: float) -> None:
    """Have the database end whatever still waits or works then. Raises _TooLate where that is past."""
    if until == math.inf:
        return
    left_ms = int((until - time.monotonic()) * 1_000)
    if left_ms <= 0:
        raise _TooLate
    session.execute(text(f"set local statement_timeout = {left_ms}"))
