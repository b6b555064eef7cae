"""People's door to leads."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Query, UploadFile

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.errors import InvalidInput
from trunkline.domain.leads import service
from trunkline.domain.leads.schemas import ImportOut, LeadListOut, LeadOut, RowFaultOut
from trunkline.domain.tenants import service as tenants

router = APIRouter(prefix="/api", tags=["leads"])

LARGEST_FILE = 20 * 1024 * 1024


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


@router.get("/leads/{lead_id}")
def read_lead(lead_id: UUID, session: SessionDep, who: PrincipalDep) -> LeadOut:
    """One lead."""
    return LeadOut.model_validate(service.get_lead(session, who.business, lead_id))


@router.get("/lead-lists")
def read_lists(session: SessionDep, who: PrincipalDep) -> list[LeadListOut]:
    """The business's lists, newest first."""
    return [
        LeadListOut(id=row.id, name=row.name, leads=count, created_at=row.created_at)
        for row, count in service.list_lists(session, who.business)
    ]


@router.post("/lead-lists", status_code=201)
def import_list(
    session: SessionDep,
    who: PrincipalDep,
    name: Annotated[str, Form(min_length=1, max_length=200)],
    file: Annotated[UploadFile, File()],
) -> ImportOut:
    """Import a CSV file as a list; rows that cannot be used come back with their line and reason."""
    who.require(Role.AGENT)
    content = file.file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise InvalidInput(f"The file is larger than {LARGEST_FILE // 2**20} MB.")
    business = tenants.get_business(session, who.business)
    result = service.import_csv(session, business, name=name, content=content, actor=who.email)
    return ImportOut(
        list_id=result.lead_list.id,
        imported=result.imported,
        created=result.created,
        faults=[RowFaultOut.model_validate(fault) for fault in result.faults],
    )
