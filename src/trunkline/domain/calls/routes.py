"""People's door to calls."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.calls import service
from trunkline.domain.calls.schemas import CallDetail, CallEventOut, CallOut, CallsOut

router = APIRouter(prefix="/api/calls", tags=["calls"])


@router.get("")
def read_calls(
    session: SessionDep,
    who: PrincipalDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query()] = None,
) -> CallsOut:
    """The call log, newest first, a page at a time; `cursor` is the last answer's `next_cursor`."""
    rows, next_cursor = service.list_calls(session, who.business, limit=limit, after=cursor)
    return CallsOut(calls=[CallOut.model_validate(call) for call in rows], next_cursor=next_cursor)


@router.get("/{call_id}")
def read_call(call_id: UUID, session: SessionDep, who: PrincipalDep) -> CallDetail:
    """One call with its transcript and everything else that happened in it."""
    call = service.get_call(session, who.business, call_id)
    events = service.events_of(session, who.business, call_id)
    return CallDetail(
        **CallOut.model_validate(call).model_dump(),
        events=[CallEventOut.model_validate(event) for event in events],
    )
