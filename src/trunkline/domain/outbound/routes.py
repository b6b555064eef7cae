"""People's door to outbound runs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.selection import Whom
from trunkline.domain.outbound import run_store, service
from trunkline.domain.outbound.export import last_dials
from trunkline.domain.outbound.models import AttemptState, ItemState, OutboundAttempt, OutboundItem
from trunkline.domain.outbound.options import RunOptions
from trunkline.domain.outbound.retrying import retryable
from trunkline.domain.outbound.schemas import (
    AttemptOut,
    CancelIn,
    CancelOut,
    DialNowIn,
    ItemOut,
    ProgressOut,
    RunChangeIn,
    RunIn,
    RunOut,
    ScheduleIn,
)

MOST_A_PAGE = 1_000

router = APIRouter(prefix="/api/runs", tags=["outbound"])


@router.get("")
def read_runs(session: SessionDep, who: PrincipalDep) -> list[RunOut]:
    """The business's runs, newest first."""
    rows = runs.newest(session, who.business, kind=service.KIND, limit=50)
    return _shown(session, who.business, rows)


@router.post("", status_code=201)
def create_run(body: RunIn, session: SessionDep, who: PrincipalDep) -> RunOut:
    """Make a run; it calls nobody until it is started."""
    who.require(Role.AGENT)
    run = service.create_run(
        session, who.business, title=body.title, options=body.options,
        whom=Whom(body.list_id, body.lead_ids, body.filter), actor=who.email,
    )  # fmt: skip
    return _shown(session, who.business, [run])[0]


@router.post("/dial-now", status_code=202)
def dial_now(body: DialNowIn, session: SessionDep, who: PrincipalDep) -> RunOut:
    """Call one to three people at once, without more ceremony."""
    who.require(Role.AGENT)
    run = service.dial_now(
        session, who.business, lead_ids=body.lead_ids, options=body.options, actor=who.email
    )
    return _shown_fresh(session, who.business, run.id)


@router.get("/{run_id}")
def read_run(run_id: UUID, session: SessionDep, who: PrincipalDep) -> RunOut:
    """One run and how far it is."""
    return _shown(session, who.business, [service.get_run(session, who.business, run_id)])[0]


@router.get("/{run_id}/items")
def read_items(
    run_id: UUID,
    session: SessionDep,
    who: PrincipalDep,
    *,
    state: Annotated[list[ItemState] | None, Query()] = None,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_A_PAGE)] = 200,
) -> list[ItemOut]:
    """The run's leads in their order, those behind a position; a page shorter than `limit` is the last."""
    service.get_run(session, who.business, run_id)
    rows = run_store.items_of_run(session, who.business, run_id, after=after, states=state or (), limit=limit)
    dials = last_dials(session, who.business, rows)
    names = leads.names_of(session, who.business, {item.lead_id for item in rows if item.lead_id is not None})
    return [_item(item, None if item.lead_id is None else names.get(item.lead_id), dials) for item in rows]


@router.get("/{run_id}/attempts")
def read_attempts(
    run_id: UUID,
    session: SessionDep,
    who: PrincipalDep,
    *,
    state: Annotated[list[AttemptState] | None, Query()] = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST_A_PAGE)] = 200,
) -> list[AttemptOut]:
    """The run's dials in order of time, those behind one; a page shorter than `limit` is the last."""
    service.get_run(session, who.business, run_id)
    rows = run_store.attempts_of_run(
        session, who.business, run_id, after=after, states=state or (), limit=limit
    )
    return [AttemptOut.model_validate(row) for row in rows]


@router.patch("/{run_id}")
def change_run(run_id: UUID, body: RunChangeIn, session: SessionDep, who: PrincipalDep) -> RunOut:
    """Change a run's priority or its number of lines; it holds from the next dial on."""
    who.require(Role.AGENT)
    service.change_run(
        session, who.business, run_id, priority=body.priority, concurrency=body.concurrency, actor=who.email
    )
    return _shown_fresh(session, who.business, run_id)


@router.post("/{run_id}/schedule")
def schedule_run(run_id: UUID, body: ScheduleIn, session: SessionDep, who: PrincipalDep) -> RunOut:
    """Let a run start by itself at a moment to come, or not any more."""
    who.require(Role.AGENT)
    service.schedule_run(session, who.business, run_id, starts_at=body.starts_at, actor=who.email)
    return _shown_fresh(session, who.business, run_id)


@router.post("/{run_id}/retry-failed", status_code=202)
def retry_failed(run_id: UUID, session: SessionDep, who: PrincipalDep) -> RunOut:
    """Call again whom a run did not reach: a new run, which is started at once."""
    who.require(Role.AGENT)
    again = service.retry_failed(session, who.business, run_id, actor=who.email)
    return _shown_fresh(session, who.business, again.id)


@router.post("/{run_id}/start", status_code=202)
def start_run(run_id: UUID, session: SessionDep, who: PrincipalDep) -> RunOut:
    """Begin calling. 409 with the active run's id if this run or its list is being worked on."""
    who.require(Role.AGENT)
    service.start_run(session, who.business, run_id, actor=who.email)
    return _shown_fresh(session, who.business, run_id)


@router.post("/{run_id}/pause", status_code=202)
def pause_run(run_id: UUID, session: SessionDep, who: PrincipalDep) -> RunOut:
    """Begin no more calls."""
    who.require(Role.AGENT)
    service.pause_run(session, who.business, run_id, actor=who.email)
    return _shown_fresh(session, who.business, run_id)


@router.post("/{run_id}/resume", status_code=202)
def resume_run(run_id: UUID, session: SessionDep, who: PrincipalDep) -> RunOut:
    """Go on where the run stood."""
    who.require(Role.AGENT)
    service.resume_run(session, who.business, run_id, actor=who.email)
    return _shown_fresh(session, who.business, run_id)


@router.post("/{run_id}/cancel")
def cancel_run(run_id: UUID, body: CancelIn, session: SessionDep, who: PrincipalDep) -> CancelOut:
    """End a run. Live calls finish unless `force`; the answer says how many there are."""
    who.require(Role.AGENT)
    return CancelOut.model_validate(
        service.cancel_run(session, who.business, run_id, force=body.force, actor=who.email)
    )


@router.post("/{run_id}/attempts/{attempt_id}/release")
def release_attempt(run_id: UUID, attempt_id: UUID, session: SessionDep, who: PrincipalDep) -> AttemptOut:
    """Let a number be dialled again of whose last dial nobody knows what became."""
    who.require(Role.ADMIN)
    return AttemptOut.model_validate(
        service.release_attempt(session, who.business, run_id, attempt_id, actor=who.email)
    )


def _item(item: OutboundItem, name: str | None, dials: dict[UUID, OutboundAttempt]) -> ItemOut:
    last = dials.get(item.id)
    shown: dict[str, Any] = {"name": name}
    if last is not None:
        shown |= {
            "attempt_id": last.id,
            "call_id": last.call_id,
            "in_doubt": last.state == AttemptState.UNKNOWN and not last.released,
        }
    return ItemOut.model_validate(item).model_copy(update=shown)


def _shown_fresh(session: Session, business_id: UUID, run_id: UUID) -> RunOut:
    """Return a run as its change left it."""
    return _shown(session, business_id, [service.get_run(session, business_id, run_id, fresh=True)])[0]


def _shown(session: Session, business_id: UUID, rows: list[Run]) -> list[RunOut]:
    ids = [run.id for run in rows]
    progress, again = service.progress_of(session, business_id, ids), retryable(session, business_id, rows)
    more, due = (
        run_store.outbound_runs(session, business_id, ids),
        run_store.next_due(session, business_id, ids),
    )
    return [
        RunOut(
            id=run.id,
            title=run.title,
            state=run.state,
            created_at=run.created_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            starts_at=more[run.id].starts_at,
            held_until=more[run.id].held_until,
            held_reason=more[run.id].held_reason,
            next_at=due.get(run.id),
            retry_of=more[run.id].retry_of,
            retryable=again[run.id],
            options=RunOptions.model_validate(run.options),
            progress=ProgressOut.model_validate(progress[run.id]),
        )
        for run in rows
    ]
