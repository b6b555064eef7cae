"""People's door to broadcasts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run, RunState
from trunkline.domain.broadcasts import service, store
from trunkline.domain.broadcasts.models import RecipientState
from trunkline.domain.broadcasts.options import BroadcastOptions
from trunkline.domain.broadcasts.schemas import (
    BroadcastCancelOut,
    BroadcastDetailOut,
    BroadcastIn,
    BroadcastOut,
    BroadcastPreviewIn,
    BroadcastPreviewOut,
    BroadcastProgressOut,
    BroadcastRecipientOut,
    BroadcastRecipientsOut,
    BroadcastSampleOut,
    BroadcastScheduleIn,
)
from trunkline.domain.leads import service as leads

router = APIRouter(prefix="/api/broadcasts", tags=["broadcasts"])


@router.get("")
def read_broadcasts(
    session: SessionDep,
    who: PrincipalDep,
    *,
    state: Annotated[list[RunState] | None, Query()] = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 50,
) -> list[BroadcastOut]:
    """The business's broadcasts, newest first, those behind one; a page shorter than `limit` is the last."""
    rows = runs.newest(session, who.business, kind=service.KIND, limit=limit, states=state or (), after=after)
    return _shown(session, who.business, rows)


@router.post("", status_code=201)
def create_broadcast(body: BroadcastIn, session: SessionDep, who: PrincipalDep) -> BroadcastOut:
    """Make a broadcast; it writes to nobody until it is started."""
    who.require(Role.AGENT)
    run = service.create_broadcast(
        session, who.business, title=body.title, options=body.options, whom=body.whom, actor=who.email
    )
    return _shown(session, who.business, [run])[0]


@router.post("/preview")
def preview_broadcast(
    body: BroadcastPreviewIn, session: SessionDep, who: PrincipalDep
) -> BroadcastPreviewOut:
    """What a broadcast would do, and what some of its people would read; nothing is written."""
    who.require(Role.AGENT)
    found = service.preview(session, who.business, options=body.options, whom=body.whom)
    return BroadcastPreviewOut(
        people=found.people,
        opted_out=found.opted_out,
        samples=[BroadcastSampleOut(name=name, text=text) for name, text in found.samples],
    )


@router.get("/{broadcast_id}")
def read_broadcast(broadcast_id: UUID, session: SessionDep, who: PrincipalDep) -> BroadcastDetailOut:
    """One broadcast, how far it is and what receipts tell."""
    run = service.get_broadcast(session, who.business, broadcast_id)
    told = store.receipts(session, who.business, broadcast_id)
    read = told.get("read", 0)
    return BroadcastDetailOut(
        **_shown(session, who.business, [run])[0].model_dump(),
        delivered=told.get("delivered", 0) + read,
        read=read,
    )


@router.post("/{broadcast_id}/schedule")
def schedule_broadcast(
    broadcast_id: UUID, body: BroadcastScheduleIn, session: SessionDep, who: PrincipalDep
) -> BroadcastOut:
    """Let a broadcast start by itself at a moment to come, or not any more."""
    who.require(Role.AGENT)
    service.schedule_broadcast(session, who.business, broadcast_id, starts_at=body.starts_at, actor=who.email)
    return _shown_fresh(session, who.business, broadcast_id)


@router.post("/{broadcast_id}/start", status_code=202)
def start_broadcast(broadcast_id: UUID, session: SessionDep, who: PrincipalDep) -> BroadcastOut:
    """Begin writing. 409 with the active run's id if this one or its list is being written to."""
    who.require(Role.AGENT)
    service.start_broadcast(session, who.business, broadcast_id, actor=who.email)
    return _shown_fresh(session, who.business, broadcast_id)


@router.post("/{broadcast_id}/pause", status_code=202)
def pause_broadcast(broadcast_id: UUID, session: SessionDep, who: PrincipalDep) -> BroadcastOut:
    """Write to nobody more, until it is resumed."""
    who.require(Role.AGENT)
    service.pause_broadcast(session, who.business, broadcast_id, actor=who.email)
    return _shown_fresh(session, who.business, broadcast_id)


@router.post("/{broadcast_id}/resume", status_code=202)
def resume_broadcast(broadcast_id: UUID, session: SessionDep, who: PrincipalDep) -> BroadcastOut:
    """Go on where it stood."""
    who.require(Role.AGENT)
    service.resume_broadcast(session, who.business, broadcast_id, actor=who.email)
    return _shown_fresh(session, who.business, broadcast_id)


@router.post("/{broadcast_id}/cancel")
def cancel_broadcast(broadcast_id: UUID, session: SessionDep, who: PrincipalDep) -> BroadcastCancelOut:
    """End a broadcast; what is on its way may still arrive, and the answer counts it."""
    who.require(Role.AGENT)
    cancelled, under_way = service.cancel_broadcast(session, who.business, broadcast_id, actor=who.email)
    return BroadcastCancelOut(cancelled=cancelled, under_way=under_way)


@router.post("/{broadcast_id}/retry-failed", status_code=201)
def retry_failed(broadcast_id: UUID, session: SessionDep, who: PrincipalDep) -> BroadcastOut:
    """Make a new broadcast to whom this one certainly did not reach; it is not started."""
    who.require(Role.AGENT)
    again = service.retry_failed(session, who.business, broadcast_id, actor=who.email)
    return _shown_fresh(session, who.business, again.id)


@router.get("/{broadcast_id}/recipients")
def read_recipients(
    broadcast_id: UUID,
    session: SessionDep,
    who: PrincipalDep,
    *,
    state: Annotated[list[RecipientState] | None, Query()] = None,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> BroadcastRecipientsOut:
    """The broadcast's people in their order, with what became of each message."""
    service.get_broadcast(session, who.business, broadcast_id)
    rows = store.recipients(
        session, who.business, broadcast_id, states=state or (), after=after, limit=limit + 1
    )
    page, more = rows[:limit], len(rows) > limit
    names = leads.names_of(session, who.business, {one.lead_id for one, _ in page if one.lead_id is not None})
    return BroadcastRecipientsOut(
        recipients=[
            BroadcastRecipientOut(
                position=one.position,
                lead_id=one.lead_id,
                name=None if one.lead_id is None else names.get(one.lead_id),
                address=one.address,
                state=one.state,
                reason=one.reason,
                message_id=one.message_id,
                conversation_id=message and message.conversation_id,
                message_state=message and message.state,
                code=message and message.code,
                detail=message and message.detail,
                updated_at=one.updated_at,
            )
            for one, message in page
        ],
        next_cursor=page[-1][0].position if more else None,
    )


def _shown_fresh(session: Session, business_id: UUID, run_id: UUID) -> BroadcastOut:
    """Return a broadcast as its change left it."""
    return _shown(session, business_id, [service.get_broadcast(session, business_id, run_id, fresh=True)])[0]


def _shown(session: Session, business_id: UUID, rows: list[Run]) -> list[BroadcastOut]:
    ids = [run.id for run in rows]
    progress, more = (
        service.progress_of(session, business_id, ids),
        store.of_runs(session, business_id, ids),
    )
    return [
        BroadcastOut(
            id=run.id,
            title=run.title,
            state=run.state,
            created_by=run.created_by,
            created_at=run.created_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            starts_at=more[run.id].starts_at,
            held_until=more[run.id].held_until,
            hold_reason=more[run.id].hold_reason,
            options=BroadcastOptions.model_validate(run.options),
            progress=BroadcastProgressOut.model_validate(progress[run.id]),
        )
        for run in rows
    ]
