"""People's door to the call log: calls with the names of whom they were with, which other domains know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.calls.schemas import (
    CallDetail,
    CallEventOut,
    CallOut,
    CallRow,
    CallsOut,
    CallsQuery,
    NotesOut,
)
from trunkline.domain.leads import service as leads
from trunkline.domain.outbound import service as outbound
from trunkline.domain.recordings import service as recordings
from trunkline.domain.tenants import service as tenants

router = APIRouter(prefix="/api/calls", tags=["calls"])


@router.get("")
def read_calls(session: SessionDep, who: PrincipalDep, query: Annotated[CallsQuery, Query()]) -> CallsOut:
    """A page of the call log, newest first, of the calls that meet every condition given."""
    region = tenants.get_business(session, who.business).region
    rows, next_cursor = calls.list_calls(
        session, who.business, query, limit=query.limit, after=query.cursor, region=region
    )
    return CallsOut(calls=_shown(session, who.business, rows), next_cursor=next_cursor)


@router.get("/{call_id}")
def read_call(call_id: UUID, session: SessionDep, who: PrincipalDep) -> CallDetail:
    """One call with its transcript and everything else that happened in it."""
    call = calls.get_call(session, who.business, call_id)
    events = calls.events_of(session, who.business, call_id)
    (row,) = _shown(session, who.business, [call])
    run = outbound.get_run(session, who.business, call.run_id) if call.run_id else None
    return CallDetail(
        **row.model_dump(),
        run_title=run and run.title,
        notes=NotesOut(text=call.notes, version=call.notes_version, by=call.notes_by),
        events=[CallEventOut.model_validate(event) for event in events],
    )


def _shown(session: Session, business_id: UUID, rows: Sequence[Call]) -> list[CallRow]:
    names = leads.names_of(session, business_id, {row.lead_id for row in rows if row.lead_id})
    of_agents = agents.names_of(session, business_id, {row.agent_id for row in rows if row.agent_id})
    recorded = recordings.recorded(session, business_id, [row.id for row in rows])
    return [
        CallRow(
            **CallOut.model_validate(row).model_dump(),
            lead_name=names.get(row.lead_id) if row.lead_id else None,
            agent_name=of_agents.get(row.agent_id) if row.agent_id else None,
            recorded=row.id in recorded,
        )
        for row in rows
    ]
