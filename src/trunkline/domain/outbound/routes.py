"""People's door to outbound runs as wholes."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run, RunState
from trunkline.domain.outbound import run_store, service
from trunkline.domain.outbound.options import RunOptions
from trunkline.domain.outbound.retrying import retryable
from trunkline.domain.outbound.schemas import (
    CancelIn,
    CancelOut,
    DialNowIn,
    ProgressOut,
    RunChangeIn,
    RunIn,
    RunOut,
    ScheduleIn,
)

router = APIRouter(prefix="/api/runs", tags=["outbound"])


@router.get("")
def read_runs(
    session: SessionDep,
    who: PrincipalDep,
    *,
    state: Annotated[list[RunState] | None, Query()] = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 50,
) -> list[RunOut]:
    """The business's runs, newest first, those behind one; a page shorter than `limit` is the last."""
    rows = runs.newest(session, who.business, kind=service.KIND, limit=limit, states=state or (), after=after)
    return _shown(session, who.business, rows)


@router.post("", status_code=201)
def create_run(body: RunIn, session: SessionDep, who: PrincipalDep) -> RunOut:
    """Make a run; it calls nobody until it is started."""
    who.require(Role.AGENT)
    run = service.create_run(
        session, who.business, title=body.title, options=body.options,
        whom=body.whom, actor=who.email,
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


def _shown_fresh(session: Session, business_id: UUID, run_id: UUID) -> RunOut:
    """Return a run as its change left it."""
    return _shown(session, business_id, [service.get_run(session, business_id, run_id, fresh=True)])[0]


def _shown(session: Session, business_id: UUID, rows: list[Run]) -> list[RunOut]:
    ids = [run.id for run in rows]
    service.keep_tallies(session, business_id, rows)
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
