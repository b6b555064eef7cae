"""The files that hang on notes, as rows and as bytes; and that no bytes stay which no row names.

The bytes are in storage and their rows in the database, and no transaction spans the two. So whoever stores
bytes has written a job before that removes what no row names, and whoever removes rows writes it too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, literal, select
from sqlalchemy.orm import Session

from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job, enqueue_many
from trunkline.core.storage import installed_storage
from trunkline.domain.leads.file_models import NoteFile
from trunkline.domain.leads.models import LeadNote

_PIECE = 1024 * 1024
_LATEST_ROW_S = 3_600.0
"""By then the row of stored bytes is there, or never will be."""


def expect(file_id: UUID) -> None:
    """See to it that bytes which are stored next are removed again, if no row names them within the hour."""
    enqueue_job("maintenance", "drop_note_file", str(file_id), run_in=_LATEST_ROW_S)


def store(business_id: UUID, file_id: UUID, file: IO[bytes]) -> None:
    """Keep the bytes of a file that is expected; they are there whole or not at all. Raises OSError."""
    file.seek(0)
    with NamedTemporaryFile(delete=False) as waiting:
        path = Path(waiting.name)
        try:
            while piece := file.read(_PIECE):
                waiting.write(piece)
            waiting.flush()
            installed_storage().take(path, _key(business_id, file_id))
        finally:
            path.unlink(missing_ok=True)


def path_of(business_id: UUID, file_id: UUID) -> Path | None:
    """Return where a file's bytes lie; None: they are gone."""
    return installed_storage().find(_key(business_id, file_id))


def files_of(
    session: Session, business_id: UUID, note_ids: Collection[UUID]
) -> Mapping[UUID, Sequence[NoteFile]]:
    """Return the files of each of these notes, in the order in which they came."""
    rows = session.scalars(
        select(NoteFile)
        .where(NoteFile.business_id == business_id, NoteFile.note_id.in_(note_ids))
        .order_by(NoteFile.created_at, NoteFile.id)
    )
    found: dict[UUID, list[NoteFile]] = {note_id: [] for note_id in note_ids}
    for row in rows:
        found[row.note_id].append(row)
    return found


def let_go_of_note(session: Session, business_id: UUID, note_id: UUID) -> None:
    """Have the bytes removed of what hangs on a note that is deleted next."""
    _drop([row.id for row in files_of(session, business_id, [note_id])[note_id]])


def let_go_of_leads(session: Session, business_id: UUID, lead_ids: Collection[UUID]) -> None:
    """Have the bytes removed of what hangs on notes of leads that are deleted next."""
    wanted = literal(list(lead_ids), ARRAY(Uuid))
    found = session.scalars(
        select(NoteFile.id)
        .join(
            LeadNote, (LeadNote.business_id == NoteFile.business_id) & (LeadNote.id == NoteFile.note_id)
        )
        .where(LeadNote.business_id == business_id, LeadNote.lead_id == any_(wanted))
    )  # fmt: skip
    _drop(found.all())


def drop(session: Session, business_id: UUID, file_id: UUID) -> None:
    """Remove bytes that no row names. Done twice it does no more. Raises OSError."""
    row = select(NoteFile.id).where(NoteFile.business_id == business_id, NoteFile.id == file_id)
    if session.scalar(row) is None and installed_storage().remove(_key(business_id, file_id)):
        announce("note_file.removed", subject_id=file_id, actor="system")


def _drop(file_ids: Sequence[UUID]) -> None:
    if file_ids:
        enqueue_many("maintenance", "drop_note_file", [{"file_id": str(file_id)} for file_id in file_ids])


def _key(business_id: UUID, file_id: UUID) -> str:
    return f"notes/{business_id}/{file_id}"
