"""What leads themselves tell in their timelines: how they came to be, what was noted, and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from trunkline.core.timeline import Entry, Wanted, numbered, register_source
from trunkline.domain.leads import note_files
from trunkline.domain.leads.file_schemas import NoteFileOut
from trunkline.domain.leads.flow_models import LeadStatusChange
from trunkline.domain.leads.models import Lead, LeadNote
from trunkline.domain.leads.record_models import MergedLead

_CREATED, _HISTORY, _MOVES, _NOTE, _MERGED = "created", "history", "moves", "note", "merged"

_KINDS = {"lead.changed": "edited", "consent.changed": "consent"}

# The kinds are written out, for the partial index over them is found by them.
_EVENTS = text(
    """
    select id, at, kind, actor, data from events
    where business_id = :business_id and subject_id = any(cast(:lead_ids as uuid[]))
      and kind in ('lead.changed', 'consent.changed')
      and (at, id) < (cast(:at as timestamptz), cast(:before as bigint))
    order by at desc, id desc limit :limit
    """
)
_FIRST_ID, _LAST_ID = 0, 2**63 - 1


def register() -> None:
    """Let leads tell of themselves."""
    register_source(_CREATED, _created)
    register_source(_HISTORY, _history)
    register_source(_MOVES, _moves)
    register_source(_NOTE, _notes)
    register_source(_MERGED, _merged)


def _created(session: Session, wanted: Wanted) -> Sequence[Entry]:
    lead = session.scalar(
        select(Lead).where(Lead.business_id == wanted.business_id, Lead.id == wanted.lead_id)
    )
    if lead is None or not wanted.has_yet(_CREATED, lead.created_at):
        return ()
    return (Entry(lead.created_at, str(lead.id), "created", None, {"source": lead.source}),)


def _history(session: Session, wanted: Wanted) -> Sequence[Entry]:
    at: object = "infinity"
    before = _FIRST_ID
    if wanted.behind is not None:
        at = wanted.behind.at
        if wanted.behind.source == _HISTORY:
            before = wanted.behind.number()
        elif wanted.behind.source > _HISTORY:
            before = _LAST_ID
    rows = session.execute(
        _EVENTS,
        {
            "business_id": wanted.business_id, "lead_ids": _all_ids(session, wanted), "at": at,
            "before": before, "limit": wanted.limit,
        },
    )  # fmt: skip
    return [Entry(row.at, numbered(row.id), _KINDS[row.kind], row.actor, row.data) for row in rows]


def _moves(session: Session, wanted: Wanted) -> Sequence[Entry]:
    rows = session.scalars(wanted.rows_of(_MOVES, LeadStatusChange, LeadStatusChange.at))
    return [
        Entry(
            row.at, str(row.id), "status", row.actor,
            {
                "before": str(row.before_id), "before_name": row.before_name,
                "status_id": str(row.status_id), "status_name": row.status_name, "cause": row.cause,
                "source_id": row.source_id and str(row.source_id),
            },
        )
        for row in rows
    ]  # fmt: skip


def _notes(session: Session, wanted: Wanted) -> Sequence[Entry]:
    rows = session.scalars(wanted.rows_of(_NOTE, LeadNote, LeadNote.created_at))
    notes = rows.all()
    files = note_files.files_of(session, wanted.business_id, [note.id for note in notes])
    return [
        Entry(
            note.created_at, str(note.id), "note", note.author,
            {
                "id": str(note.id), "text": note.text, "edited_at": _iso(note.edited_at),
                "files": [NoteFileOut.of(row).model_dump(mode="json") for row in files[note.id]],
            },
        )
        for note in notes
    ]  # fmt: skip


def _merged(session: Session, wanted: Wanted) -> Sequence[Entry]:
    rows = session.scalars(wanted.rows_of(_MERGED, MergedLead, MergedLead.merged_at))
    return [
        Entry(row.merged_at, str(row.id), "merged", row.actor, {"id": str(row.id), **row.facts})
        for row in rows
    ]


def _all_ids(session: Session, wanted: Wanted) -> list[UUID]:
    """Return the lead's id and those of whom it was merged with: events are not written anew."""
    merged = select(MergedLead.id).where(
        MergedLead.business_id == wanted.business_id, MergedLead.lead_id == wanted.lead_id
    )
    return [wanted.lead_id, *session.scalars(merged)]


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
