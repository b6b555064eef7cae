"""People's door to bulk work on leads. Comes before that of one lead, which would take names for ids."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.runs import service as runs
from trunkline.core.runs import slices
from trunkline.core.runs.models import Run
from trunkline.domain.leads import bulk
from trunkline.domain.leads.schemas import BulkDeleteIn, BulkProgressOut, BulkRunOut, BulkUpdateIn

router = APIRouter(prefix="/api/leads", tags=["leads"])


@router.post("/bulk-update", status_code=202)
def bulk_update(body: BulkUpdateIn, session: SessionDep, who: PrincipalDep) -> BulkRunOut:
    """Change many leads. 409 with the active run's id while these are being changed; 5 in a minute."""
    who.require(Role.ADMIN)
    return _shown(session, bulk.begin_update(session, who.business, body, actor=who.email))


@router.post("/bulk-delete", status_code=202)
def bulk_delete(body: BulkDeleteIn, session: SessionDep, who: PrincipalDep) -> BulkRunOut:
    """Delete many leads. 409 with the active run's id while these are being deleted; 2 in a minute."""
    who.require(Role.ADMIN)
    return _shown(session, bulk.begin_delete(session, who.business, body, actor=who.email))


@router.get("/bulk-runs")
def read_bulk_runs(session: SessionDep, who: PrincipalDep) -> list[BulkRunOut]:
    """The business's bulk updates and deletes, newest first."""
    rows = bulk.newest_runs(session, who.business, limit=50)
    return _all_shown(session, who.business, rows)


@router.get("/bulk-runs/{bulk_run_id}")
def read_bulk_run(bulk_run_id: UUID, session: SessionDep, who: PrincipalDep) -> BulkRunOut:
    """One of them and how far it is."""
    return _shown(session, slices.get(session, who.business, bulk_run_id, kinds=bulk.KINDS))


@router.post("/bulk-runs/{bulk_run_id}/pause", status_code=202)
def pause_bulk_run(bulk_run_id: UUID, session: SessionDep, who: PrincipalDep) -> BulkRunOut:
    """Touch no lead more, until it is resumed."""
    who.require(Role.ADMIN)
    return _shown(session, bulk.pause_run(session, who.business, bulk_run_id, actor=who.email))


@router.post("/bulk-runs/{bulk_run_id}/resume", status_code=202)
def resume_bulk_run(bulk_run_id: UUID, session: SessionDep, who: PrincipalDep) -> BulkRunOut:
    """Go on where it stood: after a pause, a cancel or a failure."""
    who.require(Role.ADMIN)
    return _shown(session, bulk.resume_run(session, who.business, bulk_run_id, actor=who.email))


@router.post("/bulk-runs/{bulk_run_id}/cancel", status_code=202)
def cancel_bulk_run(bulk_run_id: UUID, session: SessionDep, who: PrincipalDep) -> BulkRunOut:
    """Touch no lead more; what is done stays done."""
    who.require(Role.ADMIN)
    return _shown(session, bulk.cancel_run(session, who.business, bulk_run_id, actor=who.email))


def _shown(session: Session, run: Run) -> BulkRunOut:
    """Return a bulk run as it is now."""
    runs.get(session, run.business_id, run.id, fresh=True)
    return _all_shown(session, run.business_id, [run])[0]


def _all_shown(session: Session, business_id: UUID, rows: list[Run]) -> list[BulkRunOut]:
    progress = slices.progress_of(session, business_id, rows)
    return [
        BulkRunOut(
            id=run.id,
            kind=run.kind,
            title=run.title,
            state=run.state,
            error=run.error,
            created_by=run.created_by,
            created_at=run.created_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            progress=BulkProgressOut.model_validate(progress[run.id]),
        )
        for run in rows
    ]
