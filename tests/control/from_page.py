"""Calls from the page over real sockets, as a test takes, holds and reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import select

from control.theatre import Theatre
from simulators.product import until
from support.browser_line import BrowserLine, on_line
from trunkline.core.db import unit_of_work
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call, CallEvent
from trunkline.domain.outbound import service as outbound

LONG = "One two three four five six seven eight nine ten. " * 5
"""Longer than any of these tests."""


async def begun(theatre: Theatre) -> dict[str, Any]:
    """Take a line from the page."""
    async with theatre.person() as person:
        answer = await person.post(f"/api/agents/{theatre.world.agent_id}/browser-calls")
        assert answer.status_code == 201, answer.text
        return answer.json()  # type: ignore[no-any-return]


@asynccontextmanager
async def talking(theatre: Theatre, **how: bool) -> AsyncIterator[tuple[BrowserLine, UUID]]:
    """Hold a call from the page in which the agent is heard."""
    call = await begun(theatre)
    async with on_line(theatre.url, call, **how) as line:
        await until(lambda: line.voiced_ms() > 200)
        yield line, UUID(call["call_id"])


async def over(theatre: Theatre, call_id: UUID | str) -> Call:
    """Wait until the process has let the call go, write it down, and return its row."""
    await until(lambda: theatre.room.is_empty)
    await theatre.written()
    return row(theatre, call_id)


def row(theatre: Theatre, call_id: UUID | str) -> Call:
    with unit_of_work(theatre.world.scope) as session:
        return session.scalars(select(Call).where(Call.id == call_id)).one()


def events(theatre: Theatre, call_id: UUID) -> list[CallEvent]:
    with unit_of_work(theatre.world.scope) as session:
        return list(calls.events_of(session, theatre.world.business_id, call_id))


def lines_in_use(theatre: Theatre) -> int:
    with unit_of_work(theatre.world.scope) as session:
        return outbound.lines_in_use(session, theatre.world.business_id)
