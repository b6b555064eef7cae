"""People's door to exports of leads."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.leads import exports
from trunkline.domain.leads.export_schemas import ExportIn, ExportOut
from trunkline.kit.csv_text import MEDIA_TYPE, csv_headers

router = APIRouter(prefix="/api/lead-exports", tags=["leads"])

_MEDIA_TYPES = {
    "csv": MEDIA_TYPE,
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@router.post("", status_code=202)
def export_leads(body: ExportIn, session: SessionDep, who: PrincipalDep) -> ExportOut:
    """Have leads written to a file, which is kept for a day."""
    who.require(Role.ADMIN)
    export = exports.begin(
        session, who.business, body.filter, shape=body.format, language=body.language, actor=who.email
    )
    return ExportOut.model_validate(export)


@router.get("")
def read_exports(
    session: SessionDep, who: PrincipalDep, limit: Annotated[int, Query(ge=1, le=50)] = 10
) -> list[ExportOut]:
    """The business's newest exports, the newest first."""
    who.require(Role.ADMIN)
    rows = exports.newest(session, who.business, limit=limit)
    return [ExportOut.model_validate(row) for row in rows]


@router.get("/{export_id}")
def read_export(export_id: UUID, session: SessionDep, who: PrincipalDep) -> ExportOut:
    """One of them and how far it is."""
    who.require(Role.ADMIN)
    return ExportOut.model_validate(exports.get(session, who.business, export_id))


@router.post("/{export_id}/cancel", status_code=202)
def cancel_export(export_id: UUID, session: SessionDep, who: PrincipalDep) -> ExportOut:
    """Write no more of it. 409 for one that is over."""
    who.require(Role.ADMIN)
    export = exports.cancel(session, who.business, export_id, actor=who.email)
    return ExportOut.model_validate(export)


@router.get("/{export_id}/file", response_class=FileResponse)
def download_export(export_id: UUID, session: SessionDep, who: PrincipalDep) -> Response:
    """The file. 409 with its state where it is not written yet, or not there any more."""
    who.require(Role.ADMIN)
    export, path = exports.find(session, who.business, export_id, actor=who.email)
    name = f"leads-{export.created_at:%Y-%m-%d-%H%M}.{export.format}"
    return FileResponse(path, media_type=_MEDIA_TYPES[export.format], headers=csv_headers(name))
