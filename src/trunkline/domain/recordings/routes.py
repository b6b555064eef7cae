"""People's door to recordings: which there are of a call, and their sound, from any moment of it on."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse

from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.recordings import service
from trunkline.domain.recordings.schemas import RecordingOut

router = APIRouter(prefix="/api/calls/{call_id}", tags=["calls"])

_ASK_AGAIN_S = "2"


@router.get("/recordings")
def read_recordings(call_id: UUID, session: SessionDep, who: PrincipalDep) -> list[RecordingOut]:
    """A call's recordings, one for each stretch with its agent; also those on their way."""
    rows = service.recordings_of(session, who.business, call_id)
    return [RecordingOut.model_validate(row) for row in rows]


@router.get(
    "/recording",
    response_class=FileResponse,
    responses={
        200: {"content": {"audio/wav": {}}},
        202: {"description": "On its way; `Retry-After`."},
        206: {"description": "The bytes that `Range` asked for.", "content": {"audio/wav": {}}},
    },
)
def read_recording(
    call_id: UUID,
    session: SessionDep,
    who: PrincipalDep,
    leg: Annotated[int, Query(ge=1, le=1_000)] = 1,
) -> Response:
    """The sound of a stretch as stereo WAV, the caller left and the agent right; byte ranges are served."""
    path = service.find(session, who.business, call_id, leg)
    if path is None:
        return Response(status_code=202, headers={"Retry-After": _ASK_AGAIN_S})
    service.note_played(session, who.business, call_id, leg, actor=who.email)
    # What a browser keeps it asks about each time: who has signed out hears it no more.
    return FileResponse(path, media_type="audio/wav", headers={"Cache-Control": "private, no-cache"})
