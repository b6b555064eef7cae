"""People's door to leads."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.runs import service as runs
from trunkline.core.runs import slices
from trunkline.core.runs.models import Run
from trunkline.domain.leads import bulk, consent, service
from trunkline.domain.leads.schemas import (
    BulkDeleteIn,
    BulkProgressOut,
    BulkRunOut,
    BulkUpdateIn,
    ConsentChange,
    LeadListOut,
    LeadOut,
)

router = APIRouter(prefix="/api", tags=["leads"])


@router.get("/leads")
def read_leads(
    session: SessionDep,
    who: PrincipalDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> list[LeadOut]:
    """Leads, newest first."""
    rows = service.list_leads(session, who.business, limit=limit, offset=offset)
    return [LeadOut.model_validate(lead) for lead in rows]


@router.post("/leads/bulk-update", status_code=202)
def bulk_update(body: BulkUpdateIn, session: SessionDep, who: PrincipalDep) -> BulkRunOut:
    """Change many leads. 409 with the active run's id while these are being changed; 5 in a minute."""
    who.require(Role.ADMIN)
    return _shown(session, bulk.begin_update(session, who.business, body, actor=who.email))


@router.post("/leads/bulk-delete", status_code=202)
def bulk_delete(body: BulkDeleteIn, session: SessionDep, who: PrincipalDep) -> BulkRunOut:
    """Delete many leads. 409 with the active run's id while these are being deleted; 2 in a minute."""
    who.require(Role.ADMIN)
    return _shown(session, bulk.begin_delete(session, who.business, body, actor=who.email))


# Before the route of one lead, which would take the name for an id.
@router.get("/leads/bulk-runs")
def read_bulk_runs(session: SessionDep, who: PrincipalDep) -> list[BulkRunOut]:
    """The business's bulk updates and deletes, newest first."""
    rows = bulk.newest_runs(session, who.business, limit=50)
    return _all_shown(session, who.business, rows)


@router.get("/leads/bulk-runs/{bulk_run_id}")
def read_bulk_run(bulk_run_id: UUID, session: SessionDep, who: PrincipalDep) -> BulkRunOut:
    """One of them and how far it is."""
    return _shown(session, slices.get(session, who.business, bulk_run_id, kinds=bulk.KINDS))


@router.post("/leads/bulk-runs/{bulk_run_id}/pause", status_code=202)
def pause_bulk_run(bulk_run_id: UUID, session: SessionDep, who: PrincipalDep) -> BulkRunOut:
    """Touch no lead more, until it is resumed."""
    who.require(Role.ADMIN)
    return _shown(session, bulk.pause_run(session, who.business, bulk_run_id, actor=who.email))


@router.post("/leads/bulk-runs/{bulk_run_id}/resume", status_code=202)
def resume_bulk_run(bulk_run_id: UUID, session: SessionDep, who: PrincipalDep) -> BulkRunOut:
    """Go on where it stood: after a pause, a cancel or a failure."""
    who.require(Role.ADMIN)
    return _shown(session, bulk.resume_run(session, who.business, bulk_run_id, actor=who.email))


@router.post("/leads/bulk-runs/{bulk_run_id}/cancel", status_code=202)
def cancel_bulk_run(bulk_run_id: UUID, session: SessionDep, who: PrincipalDep) -> BulkRunOut:
    """Touch no lead more; what is done stays done."""
    who.require(Role.ADMIN)
    return _shown(session, bulk.cancel_run(session, who.business, bulk_run_id, actor=who.email))


@router.get("/leads/{lead_id}")
def read_lead(lead_id: UUID, session: SessionDep, who: PrincipalDep) -> LeadOut:
    """One lead."""
    return LeadOut.model_validate(service.get_lead(session, who.business, lead_id))


@router.patch("/leads/{lead_id}/consent")
def change_consent(lead_id: UUID, body: ConsentChange, session: SessionDep, who: PrincipalDep) -> LeadOut:
    """Note what a person has said to being called by an AI."""
    who.require(Role.AGENT)
    lead = service.get_lead(session, who.business, lead_id)
    consent.change(session, who.business, [lead.id], body, actor=who.email)
    session.refresh(lead)
    return LeadOut.model_validate(lead)


@router.get("/lead-lists")
def read_lists(
    session: SessionDep,
    who: PrincipalDep,
    *,
    search: Annotated[str | None, Query(max_length=200)] = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
) -> list[LeadListOut]:
    """The business's lists, newest first, those behind one; a page shorter than `limit` is the last."""
    return [
        LeadListOut(id=row.id, name=row.name, leads=count, created_at=row.created_at)
        for row, count in service.list_lists(session, who.business, search=search, after=after, limit=limit)
    ]


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
