"""People's door to imports of leads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from fastapi.responses import StreamingResponse

from trunkline.core.access import Role
from trunkline.core.db import Scope, unit_of_work
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.runs.models import Run
from trunkline.domain.leads import import_limits, import_preview, imports, statements
from trunkline.domain.leads.import_models import LeadImport
from trunkline.domain.leads.row_faults import RowFault
from trunkline.domain.leads.rules import LeadRow
from trunkline.domain.leads.schemas import (
    ColumnOut,
    ImportFaultOut,
    ImportFaultsOut,
    LeadImportOut,
    PreviewOut,
    PreviewRowOut,
    SaidOfAll,
)
from trunkline.domain.tenants import service as tenants
from trunkline.kit import cursors
from trunkline.kit.csv_text import MEDIA_TYPE, csv_file, csv_headers

router = APIRouter(prefix="/api/lead-imports", tags=["leads"])

_FAULTS_A_PAGE = 1_000

Upload = Annotated[UploadFile, File()]
Mapping = Annotated[str | None, Form(max_length=2_000)]


@router.post("", status_code=202)
def import_leads(
    session: SessionDep,
    who: PrincipalDep,
    *,
    name: Annotated[str, Form(min_length=1, max_length=200)],
    file: Upload,
    mapping: Mapping = None,
    consent: Annotated[Literal["express", "written"] | None, Form()] = None,
    consent_on: Annotated[date | None, Form()] = None,
    consent_source: Annotated[str | None, Form(max_length=300)] = None,
) -> LeadImportOut:
    """Begin to import a CSV or Excel file as a list; `mapping` names fields with their columns.

    `consent`, with its day and source, is that of everybody in the file whose row says nothing of it.
    """
    who.require(Role.AGENT)
    import_limits.require_room(session, who.business)
    zone = tenants.get_business(session, who.business).time_zone
    said = statements.of_all(consent, consent_on, consent_source, zone=zone)
    run = imports.begin(
        session, who.business, file.file, name=name, filename=file.filename or "", size=file.size or 0,
        mapping=imports.parse_mapping(mapping), said=said, actor=who.email,
    )  # fmt: skip
    return _shown(*imports.get(session, who.business, run.id))


@router.post("/preview")
def preview_import(
    session: SessionDep, who: PrincipalDep, file: Upload, mapping: Mapping = None
) -> PreviewOut:
    """What an import of this file would begin with: the columns found, and its first 20 rows."""
    who.require(Role.AGENT)
    found = import_preview.preview(
        session, who.business, file.file, size=file.size or 0, mapping=imports.parse_mapping(mapping)
    )
    field_of = {column: field for field, column in found.mapping.items()}
    columns = [
        ColumnOut(column=number, header=header, field=field_of.get(number))
        for number, header in enumerate(found.headers, 1)
    ]
    return PreviewOut(
        encoding=found.encoding,
        fields=list(found.fields),
        columns=columns,
        rows=[_row(row) for row in found.rows],
    )


@router.get("")
def read_imports(
    session: SessionDep,
    who: PrincipalDep,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 50,
) -> list[LeadImportOut]:
    """The business's imports, newest first, those behind one; a page shorter than `limit` is the last."""
    return [_shown(*pair) for pair in imports.newest(session, who.business, limit=limit, after=after)]


@router.get("/{import_id}")
def read_import(import_id: UUID, session: SessionDep, who: PrincipalDep) -> LeadImportOut:
    """One of them and how far it is."""
    return _shown(*imports.get(session, who.business, import_id))


@router.get("/{import_id}/faults")
def read_faults(
    import_id: UUID,
    session: SessionDep,
    who: PrincipalDep,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=_FAULTS_A_PAGE)] = 50,
) -> ImportFaultsOut:
    """The rows that could not be used, in the file's order, a page at a time."""
    found, _ = imports.get(session, who.business, import_id)
    line = 0 if cursor is None else cursors.read(cursor, int)[0]
    # One more than is shown tells whether there are more.
    rows = imports.faults_behind(session, who.business, found.run_id, line, limit=limit + 1)
    shown = rows[:limit]
    return ImportFaultsOut(
        faults=[ImportFaultOut.of(row) for row in shown],
        next_cursor=cursors.write(shown[-1].line) if len(rows) > limit else None,
    )


@router.get("/{import_id}/faults.csv")
def download_faults(import_id: UUID, session: SessionDep, who: PrincipalDep) -> Response:
    """The rows that could not be used: line, reason and what stands there."""
    found, _ = imports.get(session, who.business, import_id)
    return StreamingResponse(
        csv_file(_faults(who.scope, who.business, found.run_id)),
        media_type=MEDIA_TYPE,
        headers=csv_headers(f"faults-{found.run_id}.csv"),
    )


@router.post("/{import_id}/pause", status_code=202)
def pause_import(import_id: UUID, session: SessionDep, who: PrincipalDep) -> LeadImportOut:
    """Read no row more, until it is resumed."""
    who.require(Role.AGENT)
    imports.pause(session, who.business, import_id, actor=who.email)
    return _shown(*imports.get(session, who.business, import_id))


@router.post("/{import_id}/resume", status_code=202)
def resume_import(import_id: UUID, session: SessionDep, who: PrincipalDep) -> LeadImportOut:
    """Go on where it was paused."""
    who.require(Role.AGENT)
    imports.resume(session, who.business, import_id, actor=who.email)
    return _shown(*imports.get(session, who.business, import_id))


@router.post("/{import_id}/cancel", status_code=202)
def cancel_import(import_id: UUID, session: SessionDep, who: PrincipalDep) -> LeadImportOut:
    """Read no row more; the people who are in stay."""
    who.require(Role.AGENT)
    imports.cancel(session, who.business, import_id, actor=who.email)
    return _shown(*imports.get(session, who.business, import_id))


def _shown(found: LeadImport, run: Run) -> LeadImportOut:
    said = statements.said_in(run.options)
    return LeadImportOut(
        id=run.id,
        list_id=found.list_id,
        name=run.title,
        filename=found.filename,
        encoding=found.encoding,
        mapping=found.mapping,
        state=run.state,
        error=run.error,
        rows=run.cursor,
        expected=found.expected,
        imported=found.imported,
        created=found.created,
        updated=found.updated,
        faults=found.faults,
        said_of_all=None
        if said is None
        else SaidOfAll(consent=said.consent, consent_at=said.at, consent_source=said.source),
        created_by=run.created_by,
        created_at=run.created_at,
        finished_at=run.finished_at,
    )


def _row(row: LeadRow | RowFault) -> PreviewRowOut:
    return PreviewRowOut.model_validate(row, from_attributes=True)


def _faults(scope: Scope, business_id: UUID, run_id: UUID) -> Iterator[Sequence[object]]:
    """Yield the faults' header and rows, a page of them in memory."""
    yield ("line", "reason", "row")
    line = 0
    while True:
        with unit_of_work(scope) as session:
            page = imports.faults_behind(session, business_id, run_id, line, limit=_FAULTS_A_PAGE)
        if not page:
            return
        yield from ((row.line, row.reason, row.content) for row in page)
        line = page[-1].line
