"""People's door to calls."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.calls import service
from trunkline.domain.calls.schemas import CallDetail, CallEventOut, CallOut

router = APIRouter(prefix="/api/calls", tags=["calls"])


@router.get("")
def read_calls(
    session: SessionDep,
    who: PrincipalDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> list[CallOut]:
    """The call log, newest first."""
    rows = service.list_calls(session, who.business, limit=limit, offset=offset)
    return [CallOut.model_validate(call) for call in rows]


@router.get("/{call_id}")
def read_call(call_id: UUID, session: SessionDep, who: PrincipalDep) -> CallDetail:
    """One call with its transcript and everything else that happened in it."""
    call = service.get_call(session, who.business, call_id)
    events = service.events_of(session, who.business, call_id)
    return CallDetail(
        **CallOut.model_validate(call).model_dump(),
        events=[CallEventOut.model_validate(event) for event in events],
    )
