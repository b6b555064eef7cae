"""People's door to outbound runs."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run
from trunkline.domain.outbound import service, store
from trunkline.domain.outbound.schemas import (
    AttemptOut,
    CancelIn,
    CancelOut,
    ItemOut,
    ProgressOut,
    RunIn,
    RunOut,
)

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
        session, who.business, title=body.title, options=body.options, list_id=body.list_id,
        lead_ids=body.lead_ids, actor=who.email,
    )  # fmt: skip
    return _shown(session, who.business, [run])[0]


@router.get("/{run_id}")
def read_run(run_id: UUID, session: SessionDep, who: PrincipalDep) -> RunOut:
    """One run and how far it is."""
    return _shown(session, who.business, [service.get_run(session, who.business, run_id)])[0]


@router.get("/{run_id}/items")
def read_items(run_id: UUID, session: SessionDep, who: PrincipalDep) -> list[ItemOut]:
    """The run's leads in their order."""
    service.get_run(session, who.business, run_id)
    return [ItemOut.model_validate(item) for item in store.items_of_run(session, who.business, run_id)]


@router.get("/{run_id}/attempts")
def read_attempts(run_id: UUID, session: SessionDep, who: PrincipalDep) -> list[AttemptOut]:
    """The run's dials in order of time."""
    service.get_run(session, who.business, run_id)
    return [AttemptOut.model_validate(row) for row in store.attempts_of_run(session, who.business, run_id)]


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
    progress = service.progress_of(session, business_id, [run.id for run in rows])
    return [
        RunOut(
            id=run.id,
            title=run.title,
            state=run.state,
            created_at=run.created_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            progress=ProgressOut.model_validate(progress[run.id]),
        )
        for run in rows
    ]
