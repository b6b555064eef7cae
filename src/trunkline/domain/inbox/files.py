"""Files of messages, as rows and as bytes: they lie in the storage, and none stays that no row names.

The bytes are in the storage and their rows in the database, and no transaction spans the two. So whoever
stores bytes has written a job before that removes what no row names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from trunkline.core.errors import NotFound
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job
from trunkline.core.storage import installed_storage
from trunkline.domain.inbox.models import FileState, Message, MessageFile
from trunkline.kit.content_types import IMAGES
from trunkline.kit.ids import new_id
from trunkline.providers.ports import OutFile

_PIECE = 1024 * 1024
_LATEST_ROW_S = 3_600.0
"""By then the row of stored bytes is there, or never will be."""
_SHOWN = IMAGES | {
    "audio/ogg",
    "audio/mpeg",
    "audio/mp4",
    "audio/amr",
    "audio/aac",
    "video/mp4",
    "video/3gpp",
}
"""What a page plays or shows by itself; everything else is saved."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that is stored and goes with a message that has no row yet."""

    storage_key: str
    content_type: str
    name: str
    size: int
    sha256: str


def new_key(business_id: UUID) -> str:
    """Return where bytes that come next may be stored; unless a row names them within the hour, they go."""
    key = f"messages/{business_id}/{new_id()}"
    enqueue_job("maintenance", "drop_message_file", key, run_in=_LATEST_ROW_S)
    return key


def store(key: str, file: IO[bytes], *, content_type: str, name: str) -> Prepared:
    """Keep the bytes of a file; they are there whole or not at all. Raises OSError."""
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    with NamedTemporaryFile(delete=False) as waiting:
        path = Path(waiting.name)
        try:
            while piece := file.read(_PIECE):
                waiting.write(piece)
                digest.update(piece)
                size += len(piece)
            waiting.flush()
            installed_storage().take(path, key)
        finally:
            path.unlink(missing_ok=True)
    return Prepared(key, content_type, name, size, digest.hexdigest())


def attach(session: Session, message: Message, file: Prepared) -> None:
    """Let a message that goes out have this file."""
    session.add(
        MessageFile(
            business_id=message.business_id, message_id=message.id, content_type=file.content_type,
            name=file.name, size=file.size, sha256=file.sha256, state=FileState.KEPT,
            storage_key=file.storage_key,
        )
    )  # fmt: skip
    session.flush()


def outgoing(session: Session, message: Message) -> OutFile | None:
    """Return what goes with a message; None: nothing does. Raises NotFound where its bytes are gone."""
    row = session.get(MessageFile, (message.business_id, message.id))
    return None if row is None else OutFile(_path(row), row.content_type, row.name)


def find(session: Session, business_id: UUID, message_id: UUID) -> tuple[MessageFile, Path]:
    """Return a message's file and where its bytes lie. Raises NotFound."""
    row = session.get(MessageFile, (business_id, message_id))
    if row is None:
        raise NotFound("This message has no file.")
    return row, _path(row)


def of_messages(
    session: Session, business_id: UUID, message_ids: Collection[UUID]
) -> dict[UUID, MessageFile]:
    """Return the files of those of these messages that have one."""
    rows = session.scalars(
        select(MessageFile).where(
            MessageFile.business_id == business_id, MessageFile.message_id.in_(message_ids)
        )
    )
    return {row.message_id: row for row in rows}


def is_shown(content_type: str) -> bool:
    """Return whether a page may show such a file itself."""
    return content_type.partition(";")[0] in _SHOWN


def drop(session: Session, business_id: UUID, key: str) -> None:
    """Remove bytes that no row names. Done twice it does no more. Raises OSError."""
    named = exists().where(MessageFile.business_id == business_id, MessageFile.storage_key == key)
    ours = key.startswith(f"messages/{business_id}/")
    if ours and not session.scalar(select(named)) and installed_storage().remove(key):
        announce("message_file.removed", subject_id=None, actor="system")


def _path(row: MessageFile) -> Path:
    path = None if row.storage_key is None else installed_storage().find(row.storage_key)
    if path is None:
        raise NotFound("The bytes of this file are not here.", reason="file_gone")
    return path
