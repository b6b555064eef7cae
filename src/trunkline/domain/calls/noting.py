"""What is noted on a call beside how it went: that an appointment was made in it, and what people write."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trunkline.core.errors import Conflict, NotFound
from trunkline.core.events import announce
from trunkline.domain.calls.models import Call
from trunkline.kit import clock


class NotesChanged(Conflict):
    """Somebody else has changed the notes since; `notes`, `version` and `by` say to what, and who."""

    code = "notes_changed"


def note_booked(session: Session, business_id: UUID, call_id: UUID) -> None:
    """Note that an appointment was made in a call; the first one's moment stays."""
    session.execute(
        update(Call)
        .where(Call.business_id == business_id, Call.id == call_id, Call.booked_at.is_(None))
        .values(booked_at=clock.now()),
        execution_options={"synchronize_session": False},
    )


def write_notes(
    session: Session, business_id: UUID, call_id: UUID, text: str, *, version: int, actor: str
) -> Call:
    """Replace the notes that were read as this version. Raises NotFound, NotesChanged."""
    call = session.scalar(
        select(Call).where(Call.business_id == business_id, Call.id == call_id).with_for_update()
    )
    if call is None:
        raise NotFound("There is no such call.")
    if call.notes_version != version:
        raise NotesChanged(
            "Somebody else has changed these notes since you read them.",
            notes=call.notes, version=call.notes_version, by=call.notes_by,
        )  # fmt: skip
    if call.notes != text:
        call.notes, call.notes_by, call.notes_version = text, actor, version + 1
        announce("call.noted", subject_id=call.id, actor=actor)
    return call
