"""Files on notes: who attaches, has and removes them, and what may be attached."""

from __future__ import annotations

from pathlib import Path
from typing import IO
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trunkline.core.access import Principal
from trunkline.core.db import unit_of_work
from trunkline.core.errors import InvalidInput, NotFound, TooLarge
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job
from trunkline.domain.leads import editing, note_files
from trunkline.domain.leads.file_models import NoteFile
from trunkline.domain.leads.models import Lead, LeadNote
from trunkline.kit import barriers, content_types
from trunkline.kit.ids import new_id

_MB = 1024 * 1024
LARGEST = 20 * _MB
MOST_A_NOTE = 10


def attach(who: Principal, lead_id: UUID, note_id: UUID, file: IO[bytes], *, name: str) -> NoteFile:
    """Hang a file on a note of one's own, or, for an admin, of anybody's.

    In two transactions, and none is open while the bytes are stored. Raises NotFound, Forbidden, TooLarge,
    InvalidInput for an empty file or one too many, and OSError.
    """
    size = file.seek(0, 2)
    if size == 0:
        raise InvalidInput("The file is empty.", reason="file_empty")
    if size > LARGEST:
        raise TooLarge(f"A file on a note may have {LARGEST // _MB} MB.", most_bytes=LARGEST)
    row = NoteFile(
        id=new_id(), business_id=who.business, note_id=note_id, name=content_types.safe_name(name),
        media_type=content_types.content_type_of(file), size=size, author=who.email,
    )  # fmt: skip
    with unit_of_work(who.scope) as session:
        _require_room(session, who, lead_id, note_id)
        note_files.expect(row.id)
    note_files.store(who.business, row.id, file)
    barriers.reached("note_file.stored")
    with unit_of_work(who.scope) as session:
        _require_room(session, who, lead_id, note_id)
        session.add(row)
        session.flush()
        session.refresh(row)
        session.expunge(row)
        announce("lead.noted", subject_id=lead_id, actor=who.email)
    return row


def _require_room(session: Session, who: Principal, lead_id: UUID, note_id: UUID) -> None:
    """Lock a note that this person may hang one more file on."""
    # Kept from being deleted meanwhile: what hangs on a lead's notes is looked up as it goes.
    session.execute(
        select(Lead.id)
        .where(Lead.business_id == who.business, Lead.id == lead_id)
        .with_for_update(read=True, key_share=True)
    )
    note = editing.own_note(session, who.business, lead_id, note_id, who)
    if len(note_files.files_of(session, who.business, [note.id])[note.id]) >= MOST_A_NOTE:
        raise InvalidInput(
            f"A note has {MOST_A_NOTE} files at most.", reason="most_note_files", most=MOST_A_NOTE
        )


def find(
    session: Session, business_id: UUID, lead_id: UUID, note_id: UUID, file_id: UUID
) -> tuple[NoteFile, Path]:
    """Return a file of a note and where its bytes lie. Raises NotFound."""
    row = _get(session, business_id, lead_id, note_id, file_id)
    path = note_files.path_of(business_id, row.id)
    if path is None:
        raise NotFound("The bytes of this file are gone.")
    return row, path


def remove(
    session: Session, business_id: UUID, lead_id: UUID, note_id: UUID, file_id: UUID, *, who: Principal
) -> None:
    """Take a file off a note of one's own, or, for an admin, of anybody's. Raises NotFound, Forbidden."""
    note = editing.own_note(session, business_id, lead_id, note_id, who)
    row = _get(session, business_id, lead_id, note.id, file_id)
    session.execute(delete(NoteFile).where(NoteFile.business_id == business_id, NoteFile.id == row.id))
    enqueue_job("maintenance", "drop_note_file", str(file_id))
    announce("lead.noted", subject_id=lead_id, actor=who.email)


def _get(session: Session, business_id: UUID, lead_id: UUID, note_id: UUID, file_id: UUID) -> NoteFile:
    row = session.scalar(
        select(NoteFile)
        .join(
            LeadNote, (LeadNote.business_id == NoteFile.business_id) & (LeadNote.id == NoteFile.note_id)
        )
        .where(
            NoteFile.business_id == business_id, NoteFile.id == file_id, LeadNote.id == note_id,
            LeadNote.lead_id == lead_id,
        )
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such file.")
    return row
