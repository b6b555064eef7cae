"""People's door to what they write about a call.

Reading calls needs to know more than calls: `web/calls.py`.
"""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.calls import noting
from trunkline.domain.calls.schemas import NotesIn, NotesOut

router = APIRouter(prefix="/api/calls", tags=["calls"])


@router.put("/{call_id}/notes")
def write_notes(call_id: UUID, body: NotesIn, session: SessionDep, who: PrincipalDep) -> NotesOut:
    """Write about a call, in place of the notes that were read; 409 `notes_changed`: others stand there."""
    who.require(Role.AGENT)
    call = noting.write_notes(
        session, who.business, call_id, body.text, version=body.version, actor=who.email
    )
    return NotesOut(text=call.notes, version=call.notes_version, by=call.notes_by)
