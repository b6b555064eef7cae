"""People's door to files on notes about leads.

A file is never shown as a page of ours, whatever is in it: it comes as an attachment, under the type that its
content has, and no browser is to guess another.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, File, Response, UploadFile
from fastapi.responses import FileResponse

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.leads import attachments
from trunkline.domain.leads.file_schemas import NoteFileOut

router = APIRouter(prefix="/api/leads/{lead_id}/notes/{note_id}/files", tags=["leads"])

_POLICY = "default-src 'none'; sandbox"


@router.post("", status_code=201)
def attach_file(
    lead_id: UUID, note_id: UUID, who: PrincipalDep, file: Annotated[UploadFile, File()]
) -> NoteFileOut:
    """Hang a file of up to 20 MB on a note of one's own, or, for an admin, of anybody's."""
    who.require(Role.AGENT)
    row = attachments.attach(who, lead_id, note_id, file.file, name=file.filename or "")
    return NoteFileOut.of(row)


@router.get(
    "/{file_id}",
    response_class=FileResponse,
    responses={206: {"description": "The bytes that `Range` asked for."}},
)
def read_file(
    lead_id: UUID, note_id: UUID, file_id: UUID, session: SessionDep, who: PrincipalDep
) -> Response:
    """A file's bytes, to be saved; byte ranges are served."""
    row, path = attachments.find(session, who.business, lead_id, note_id, file_id)
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(row.name, safe='')}",
        "content-security-policy": _POLICY,
        "cache-control": "private, no-cache",
    }
    return FileResponse(path, media_type=row.media_type, headers=headers)


@router.delete("/{file_id}", status_code=204)
def remove_file(lead_id: UUID, note_id: UUID, file_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Take a file off a note of one's own, or, for an admin, of anybody's."""
    who.require(Role.AGENT)
    attachments.remove(session, who.business, lead_id, note_id, file_id, who=who)
