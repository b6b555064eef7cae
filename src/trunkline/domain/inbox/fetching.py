"""Fetching files that came in: from the provider into the storage, within limits, or visibly failed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.events import announce
from trunkline.domain.inbox import accounts, files
from trunkline.domain.inbox.files import Prepared
from trunkline.domain.inbox.models import FileState, Message, MessageFile
from trunkline.kit import content_types
from trunkline.providers import ports
from trunkline.providers.ports import InFile, MessageKind

JOB = "fetch_message_file"
MOST_BYTES = 100 * 1024 * 1024
"""Of a file of whose kind the provider says no limit."""


class WrongFile(Exception):
    """What was given out is not what it was said to be."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that waits at the provider, and what it takes to fetch it."""

    provider: str
    account: ports.ChatAccount
    kind: MessageKind
    file: InFile
    storage_key: str


def begin(session: Session, business_id: UUID, message_id: UUID) -> Wanted | None:
    """Return what is to be fetched for a message; None: nothing, any more. Raises VaultClosed."""
    found = session.execute(
        select(Message, MessageFile)
        .join(
            MessageFile,
            (MessageFile.business_id == Message.business_id) & (MessageFile.message_id == Message.id),
        )
        .where(Message.business_id == business_id, Message.id == message_id)
    ).one_or_none()
    if found is None:
        return None
    message, file = found
    if file.state != FileState.WAITING or file.handle is None:
        return None
    account = accounts.get_account(session, business_id, message.chat_account_id)
    return Wanted(
        account.provider, accounts.opened(account), MessageKind(message.kind),
        InFile(file.handle, file.content_type, file.name, file.sha256), files.new_key(business_id),
    )  # fmt: skip


def fetch(wanted: Wanted) -> Prepared:
    """Fetch a file and keep it, with no transaction open.

    Raises WrongFile, ChatRefused, ChatUncertain, OSError.
    """
    chat = registry.chat(wanted.provider)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        claimed = chat.download(
            wanted.account, wanted.file, path,
            most_bytes=max(chat.traits.files.get(wanted.kind, MOST_BYTES), 1),
        )  # fmt: skip
        with path.open("rb") as file:
            kind = _checked(content_types.content_type_of(file), claimed, wanted.kind)
            return files.store(wanted.storage_key, file, content_type=kind, name=wanted.file.name)


def note_kept(session: Session, business_id: UUID, message_id: UUID, kept: Prepared) -> None:
    """Let people have a file that was fetched. One that another worker fetched first stays."""
    row = _waiting(session, business_id, message_id)
    if row is not None:
        row.state, row.storage_key = FileState.KEPT, kept.storage_key
        row.content_type, row.size, row.sha256 = kept.content_type, kept.size, kept.sha256
        row.name = row.name or kept.name
        announce("message.file_kept", subject_id=message_id, actor="inbox")


def note_failed(session: Session, business_id: UUID, message_id: UUID, *, reason: str) -> None:
    """Let people see that a file cannot be had, and why."""
    row = _waiting(session, business_id, message_id)
    if row is not None:
        row.state, row.reason = FileState.FAILED, reason
        announce("message.file_failed", subject_id=message_id, actor="inbox", reason=reason)


def _waiting(session: Session, business_id: UUID, message_id: UUID) -> MessageFile | None:
    return session.scalar(
        select(MessageFile)
        .where(
            MessageFile.business_id == business_id, MessageFile.message_id == message_id,
            MessageFile.state == FileState.WAITING,
        )
        .with_for_update()
    )  # fmt: skip


def _checked(found: str, claimed: str, kind: MessageKind) -> str:
    """Return a file's type by what is in it. What has no mark of its own is what it is said to be, if that
    is harmless. Raises WrongFile for a picture, a film or a voice that is none."""
    said = claimed.partition(";")[0].strip().lower()
    family = {
        MessageKind.IMAGE: ("image/",), MessageKind.STICKER: ("image/",),
        MessageKind.VIDEO: ("video/",), MessageKind.AUDIO: ("audio/", "video/mp4", "video/webm"),
    }.get(kind)  # fmt: skip
    if family is None:
        return found
    if found == content_types.OCTETS and said.startswith(("audio/", "video/")):
        found = said
    if not found.startswith(family):
        raise WrongFile(found)
    return found
