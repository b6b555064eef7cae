"""The verbs of recordings: that one is made, keeping it, finding it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.errors import NotFound
from trunkline.core.events import Event, announce
from trunkline.core.jobs import enqueue_unique
from trunkline.core.storage import installed_storage
from trunkline.domain.calls import service as calls
from trunkline.domain.recordings.models import Recording, RecordingState
from trunkline.domain.recordings.rules import peaks_of
from trunkline.kit import clock, wav

INCOMING = "recordings"
"""Where the files of calls that have ended wait."""

_PLAYED = "recording.played"
_ONE_LISTENING = timedelta(minutes=5)
_PATIENCE = timedelta(minutes=20)
"""How long after a call's end its recording may still come; an unfinished one is taken up before that."""


def note_begun(session: Session, business_id: UUID, call_id: UUID, leg: int) -> None:
    """Note that a stretch of a call is being recorded."""
    session.execute(
        insert(Recording).values(business_id=business_id, call_id=call_id, leg=leg).on_conflict_do_nothing()
    )


def file_name(business_id: UUID, call_id: UUID, leg: int) -> str:
    """Return what the file of a stretch is called while it waits to be kept, without its ending."""
    return f"{business_id}_{call_id}_{leg}"


def named(stem: str) -> tuple[UUID, UUID, int]:
    """Return business, call and stretch of such a name. Raises ValueError."""
    business_id, call_id, leg = stem.split("_")
    return UUID(business_id), UUID(call_id), int(leg)


def bring_in(stem: str, call_id: UUID, leg: int) -> None:
    """Have a file that waits kept, by one job at a time."""
    enqueue_unique("recordings", "keep_recording", stem, str(call_id), leg)


def store(business_id: UUID, call_id: UUID, leg: int) -> Path:
    """Move a recording to where it is kept, and return where that is. Raises NotFound, OSError.

    Done before, it stays there: the waiting file is gone then.
    """
    storage, key = installed_storage(), _key(business_id, call_id, leg)
    waiting = _waiting(business_id, call_id, leg)
    kept = storage.take(waiting, key) if waiting.is_file() else storage.find(key)
    if kept is None:
        raise NotFound("The sound of this recording is nowhere.", call_id=str(call_id), leg=leg)
    return kept


def set_aside(business_id: UUID, call_id: UUID, leg: int) -> None:
    """Take the file of a call that there is not out of what waits, for somebody to see. Raises OSError."""
    waiting = _waiting(business_id, call_id, leg)
    aside = waiting.parent / "unknown"
    if waiting.is_file():
        aside.mkdir(exist_ok=True, mode=0o700)
        waiting.replace(aside / waiting.name)


def note_kept(session: Session, business_id: UUID, call_id: UUID, leg: int, path: Path) -> None:
    """Note what is in a recording that is kept. Raises NotFound, NotOurs, OSError."""
    calls.get_call(session, business_id, call_id)
    sound = wav.read(path)
    if not sound.is_whole:
        wav.mend(path, sound)
    note_begun(session, business_id, call_id, leg)
    is_news = session.scalar(
        update(Recording)
        .where(
            Recording.business_id == business_id,
            Recording.call_id == call_id,
            Recording.leg == leg,
            Recording.state == RecordingState.COMING,
        )
        .values(
            state=RecordingState.KEPT, kept_at=clock.now(), began_at=sound.began_at,
            duration_ms=sound.duration_ms, peaks=peaks_of(path, sound),
        )
        .returning(Recording.leg)
    )  # fmt: skip
    if is_news:
        announce("recording.kept", subject_id=call_id, actor="system", leg=leg)


def recordings_of(session: Session, business_id: UUID, call_id: UUID) -> Sequence[Recording]:
    """Return a call's recordings, the first stretch first, without those that will not come any more."""
    call = calls.get_call(session, business_id, call_id)
    rows = session.scalars(
        select(Recording)
        .where(Recording.business_id == business_id, Recording.call_id == call_id)
        .order_by(Recording.leg)
    ).all()
    is_late = call.ended_at is not None and clock.now() - call.ended_at > _PATIENCE
    return [row for row in rows if row.state == RecordingState.KEPT or not is_late]


def recorded(session: Session, business_id: UUID, call_ids: Collection[UUID]) -> set[UUID]:
    """Return those of these calls of which a recording is kept."""
    found = session.scalars(
        select(Recording.call_id).where(
            Recording.business_id == business_id,
            Recording.call_id.in_(call_ids),
            Recording.state == RecordingState.KEPT,
        )
    )
    return set(found)


def find(session: Session, business_id: UUID, call_id: UUID, leg: int) -> Path | None:
    """Return where a recording lies; None while it is on its way. Raises NotFound: there is none."""
    row = next((row for row in recordings_of(session, business_id, call_id) if row.leg == leg), None)
    if row is None:
        raise NotFound("There is no such recording.")
    if row.state != RecordingState.KEPT:
        return None
    path = installed_storage().find(_key(business_id, call_id, leg))
    if path is None:
        raise NotFound("The sound of this recording is gone.")
    return path


def note_played(session: Session, business_id: UUID, call_id: UUID, leg: int, *, actor: str) -> None:
    """Put on record that somebody listens to a recording.

    Players ask for a file in many pieces, from anywhere in it: of those within a few minutes one counts.
    """
    lately = exists().where(
        Event.business_id == business_id,
        Event.kind == _PLAYED,
        Event.actor == actor,
        Event.subject_id == call_id,
        Event.at > clock.now() - _ONE_LISTENING,
        Event.data["leg"].as_integer() == leg,
    )
    if not session.scalar(select(lately)):
        announce(_PLAYED, subject_id=call_id, actor=actor, leg=leg)


def _waiting(business_id: UUID, call_id: UUID, leg: int) -> Path:
    return installed_storage().incoming(INCOMING) / f"{file_name(business_id, call_id, leg)}.wav"


def _key(business_id: UUID, call_id: UUID, leg: int) -> str:
    return f"recordings/{business_id}/{call_id}/{leg}.wav"
