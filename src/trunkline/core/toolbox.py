"""The toolbox: what the AI agent may do, one registry over all domains' `tools.py`.

A tool is a verb of a service with a typed argument model. The business comes from the call or the written
conversation, never from the model's words. Every use is told as `tool.used`: in the tool's own transaction
where it did something, in one beside it where it did nothing. Asked for twice with the same words, a tool
does once what it does: each verb sees to that, since a model whose answer got lost asks again.
"""

from __future__ import annotations

import enum
import json
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from psycopg.errors import QueryCanceled
from pydantic import BaseModel, ValidationError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import TrunklineError
from trunkline.core.events import announce
from trunkline.providers.ports import ToolResult, ToolSpec

DEADLINE_S = 10.0
"""How long a tool may take that says nothing else; whoever is on the line waits for it."""
_SHOWN = 500
"""Characters of a text argument that are kept in the record of a use."""
_HIDDEN = "[hidden]"


class Kind(enum.StrEnum):
    """What sort of act a tool is: how the form groups them, and what people weigh when they give one."""

    READS = "reads"
    """Looks something up; changes nothing."""
    RECORDS = "records"
    """Writes into what the business keeps: a lead, an appointment."""
    CONTACTS = "contacts"
    """Decides whether and when somebody hears from the business outside this call or conversation."""
    CONTROLS = "controls"
    """Does something with the call or conversation itself."""


class Place(enum.StrEnum):
    """Where an agent is when it uses a tool."""

    CALL = "call"
    CONVERSATION = "conversation"
    """It writes: by WhatsApp or SMS."""


EVERYWHERE = frozenset(Place)
IN_CALLS = frozenset({Place.CALL})
"""Of no use where nobody is on the line."""
IN_WRITING = frozenset({Place.CONVERSATION})


@dataclass(frozen=True, slots=True)
class ToolCaller:
    """The call, or the written conversation, on whose behalf a tool runs: exactly one of them is there."""

    business_id: UUID
    call_id: UUID | None
    agent_id: UUID
    lead_id: UUID | None
    phone: str | None
    """The other party's number, E.164; None: it is withheld, or they call from the page."""
    conversation_id: UUID | None = None

    def __post_init__(self) -> None:
        if (self.call_id is None) == (self.conversation_id is None):
            raise ValueError("a tool is used in a call or in a conversation")

    @property
    def place(self) -> Place:
        return Place.CALL if self.call_id is not None else Place.CONVERSATION

    @property
    def source_id(self) -> UUID:
        """What its uses are on record under: the call's id, or the conversation's."""
        source_id = self.call_id or self.conversation_id
        assert source_id is not None  # one of them is there
        return source_id

    @property
    def call(self) -> UUID:
        """The call, for tools that are offered in calls alone."""
        assert self.call_id is not None
        return self.call_id

    @property
    def actor(self) -> str:
        """Who is on record for what it does."""
        return f"agent:{self.agent_id}"


ToolFunction = Callable[[Session, ToolCaller, Any], Mapping[str, Any]]

Before = Callable[[Any], Any]
"""What a tool does ahead of its transaction with its arguments; the function is given what it returns."""

Need = Callable[[Session, UUID, UUID | None], bool]
"""Tells whether a business has what a tool needs, for one of its agents or, without one, for any."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One thing an agent can do."""

    name: str
    description: str
    arguments: type[BaseModel]
    function: ToolFunction
    built_in: bool
    """Every agent has it, whatever else it was given."""
    kind: Kind
    seconds: float
    """How long it may take; what is not done by then is undone."""
    needs: str | None
    """What a business must have for it to be of use, by the name of a `register_need`."""
    secret: frozenset[str]
    """Arguments that are kept out of the record."""
    places: frozenset[Place]
    """Where it is of use; elsewhere it is not offered and does not run."""
    before: Before | None
    """Where it asks somebody else: no transaction is open meanwhile, nor a connection taken."""


_tools: dict[str, Tool] = {}
_needs: dict[str, Need] = {}


def tool(
    name: str,
    *,
    description: str,
    arguments: type[BaseModel],
    built_in: bool = False,
    kind: Kind = Kind.RECORDS,
    seconds: float = DEADLINE_S,
    needs: str | None = None,
    secret: Collection[str] = (),
    places: frozenset[Place] = EVERYWHERE,
    before: Before | None = None,
) -> Callable[[ToolFunction], ToolFunction]:
    """Register a function as a tool. `description` is what a language model reads."""

    def register(function: ToolFunction) -> ToolFunction:
        _tools[name] = Tool(
            name, description, arguments, function, built_in, kind, min(seconds, DEADLINE_S), needs,
            frozenset(secret), places, before,
        )  # fmt: skip
        return function

    return register


def register_need(name: str, is_met: Need) -> None:
    """Say how one finds out whether a business has what tools need under this name."""
    _needs[name] = is_met


def all_tools() -> tuple[Tool, ...]:
    """Return every tool, by name."""
    return tuple(_tools[name] for name in tool_names())


def tool_names() -> tuple[str, ...]:
    """Return every tool an agent can be given."""
    return tuple(sorted(_tools))


def built_in_names() -> frozenset[str]:
    """Return the tools that every agent has by itself."""
    return frozenset(tool.name for tool in _tools.values() if tool.built_in)


def specs_of(names: Iterable[str]) -> tuple[ToolSpec, ...]:
    """Return the tools of these names as a language model is told of them; unknown names are left out."""
    return tuple(
        ToolSpec(name, _tools[name].description, schema_of(_tools[name].arguments))
        for name in names
        if name in _tools
    )


@cache
def schema_of(arguments: type[BaseModel]) -> Mapping[str, Any]:
    """Return the JSON schema of a tool's arguments, made once: it takes longer than the tool's own query."""
    return arguments.model_json_schema()


def unmet(
    session: Session, business_id: UUID, names: Iterable[str], *, agent_id: UUID | None = None
) -> frozenset[str]:
    """Return what those of these tools need that the business does not have, by the needs' names."""
    wanted = {_tools[name].needs for name in names if name in _tools}
    return frozenset(
        need for need in wanted if need in _needs and not _needs[need](session, business_id, agent_id)
    )


def of_use(names: Iterable[str], lacking: Collection[str], place: Place = Place.CALL) -> tuple[str, ...]:
    """Return those of these tools that are for this place and need nothing of what is lacking.

    In their order, none twice.
    """
    return tuple(
        name
        for name in dict.fromkeys(names)
        if name in _tools and place in _tools[name].places and _tools[name].needs not in lacking
    )


def of_kind(names: Iterable[str], kind: Kind) -> tuple[str, ...]:
    """Return those of these tools that are of this sort, in their order."""
    return tuple(name for name in names if name in _tools and _tools[name].kind is kind)


def seconds_of(name: str) -> float:
    """Return how long the tool of this name may take."""
    return _tools[name].seconds if name in _tools else DEADLINE_S


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
    """Run a tool in a transaction of its own, in the caller's business, and put its use on record.

    What the law forbids, or the arguments lack, comes back as a result that says so. So does a tool that is
    not done at `until`, a moment of `time.monotonic`: it has then done nothing.
    """
    began_at = time.monotonic()
    result = _outcome(name, arguments, caller=caller, allowed=allowed, until=until, began_at=began_at)
    if not result.ok:
        note_failure(name, arguments, result, caller=caller, began_at=began_at)
    return result


def note_failure(
    name: str, arguments: Mapping[str, Any], result: ToolResult, *, caller: ToolCaller, began_at: float
) -> None:
    """Put a use on record of which nothing has come, in a transaction of its own."""
    with unit_of_work(of_business(caller.business_id)):
        _tell(name, arguments, result, caller=caller, began_at=began_at)


def _outcome(
    name: str,
    arguments: Mapping[str, Any],
    *,
    caller: ToolCaller,
    allowed: tuple[str, ...],
    until: float,
    began_at: float,
) -> ToolResult:
    if name not in allowed or name not in _tools or caller.place not in _tools[name].places:
        return ToolResult(ok=False, data={"error": "unknown_tool", "message": f"No tool {name!r} here."})
    chosen = _tools[name]
    try:
        wish: Any = chosen.arguments.model_validate(arguments)
        if chosen.before is not None:
            wish = chosen.before(wish)
        with unit_of_work(of_business(caller.business_id)) as session:
            _end_statements(session, until)
            result = ToolResult(ok=True, data=chosen.function(session, caller, wish))
            _tell(name, arguments, result, caller=caller, began_at=began_at)
            session.flush()
            if time.monotonic() >= until:
                raise _TooLate
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
    return result


def _tell(
    name: str, arguments: Mapping[str, Any], result: ToolResult, *, caller: ToolCaller, began_at: float
) -> None:
    secret = _tools[name].secret if name in _tools else frozenset(arguments)
    announce(
        "tool.used",
        subject_id=caller.source_id,
        actor=caller.actor,
        name=name[:_SHOWN],
        arguments={
            key[:_SHOWN]: _HIDDEN if key in secret else _shown(value) for key, value in arguments.items()
        },
        ok=result.ok,
        error=None if result.ok else str(result.data.get("error", "")),
        ms=round((time.monotonic() - began_at) * 1_000),
    )


def _shown(value: Any) -> Any:
    """Return an argument as the record holds it: a model may write any amount of anything."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text.replace("\x00", "")[:_SHOWN]


def _end_statements(session: Session, until: float) -> None:
    """Have the database end whatever still waits or works then. Raises _TooLate where that is past."""
    if until == math.inf:
        return
    left_ms = int((until - time.monotonic()) * 1_000)
    if left_ms <= 0:
        raise _TooLate
    session.execute(text(f"set local statement_timeout = {left_ms}"))
