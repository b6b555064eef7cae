"""Calls of the past, written down as they would have been left; and figures counted without any roll-up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.calls.models import Call, CallState
from trunkline.domain.reports.store import COUNTED
from trunkline.kit.ids import new_id

_BUSINESS = text(
    "select starts_at, inbound, inbound_answered, inbound_seconds, outbound, outbound_answered,"
    " outbound_seconds, appointments, outcomes from ("
    + COUNTED.format(since="cast('-infinity' as timestamptz)", until="cast(:until as timestamptz)")
    + ") counted order by starts_at, agent_id, run_id, source"
)
_KEPT = text(
    "select starts_at, inbound, inbound_answered, inbound_seconds, outbound, outbound_answered,"
    " outbound_seconds, appointments, outcomes from call_quarters where business_id = :business"
    " order by starts_at, agent_id, run_id, source"
)


def had_call(
    world: World, at: datetime, *, talked_s: float | None = None, direction: str = "outbound",
    disposition: str | None = "no_answer", state: CallState = CallState.ENDED,
    **more: Any,
) -> UUID:  # fmt: skip
    """Write a call that began then; `talked_s` None: nobody answered."""
    call_id = new_id()
    answered = None if talked_s is None else at + timedelta(seconds=5)
    ended = (answered or at) + timedelta(seconds=talked_s or 20)
    with unit_of_work(world.scope) as session:
        session.add(
            Call(
                id=call_id,
                business_id=world.business_id,
                carrier_sid=f"CA{call_id.hex}",
                direction=direction,
                ours=world.number,
                theirs=world.phones[0],
                state=state,
                disposition=disposition,
                created_at=at,
                answered_at=answered,
                ended_at=ended if state is CallState.ENDED else None,
                finalized_at=ended if state is CallState.ENDED else None,
                **{"agent_id": world.agent_id, **more},
            )
        )
    return call_id


def counted_anew(world: World, *, until: datetime) -> list[Any]:
    """Return the quarters before an instant as the calls themselves tell them."""
    with unit_of_work(world.scope) as session:
        rows = session.execute(_BUSINESS, {"business": world.business_id, "until": until})
        return [tuple(row) for row in rows]


def kept(world: World) -> list[Any]:
    """Return the quarters as the roll-up has them."""
    with unit_of_work(world.scope) as session:
        return [tuple(row) for row in session.execute(_KEPT, {"business": world.business_id})]
