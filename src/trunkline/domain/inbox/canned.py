"""Canned replies: words that people of the business send often, by a shortcut."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.domain.inbox.account_models import CannedReply

MOST = 500


def list_replies(session: Session, business_id: UUID) -> Sequence[CannedReply]:
    """Return the business's canned replies by shortcut."""
    rows = select(CannedReply).where(CannedReply.business_id == business_id)
    return session.scalars(rows.order_by(CannedReply.shortcut)).all()


def make(session: Session, business_id: UUID, *, shortcut: str, text: str, actor: str) -> CannedReply:
    """Keep some words. Raises InvalidInput for a shortcut that is taken, or one too many."""
    many = session.scalar(select(func.count()).where(CannedReply.business_id == business_id)) or 0
    if many >= MOST:
        raise InvalidInput(f"A business has {MOST} canned replies at most.", reason="most_replies", most=MOST)
    _require_free(session, business_id, shortcut, but=None)
    row = CannedReply(business_id=business_id, shortcut=shortcut, text=_words(text), created_by=actor)
    session.add(row)
    session.flush()
    session.refresh(row)
    announce("canned_reply.created", subject_id=row.id, actor=actor)
    return row


def change(
    session: Session, business_id: UUID, reply_id: UUID, *, shortcut: str, text: str, actor: str
) -> CannedReply:
    """Put other words in place of some. Raises NotFound, InvalidInput."""
    row = session.scalar(
        select(CannedReply)
        .where(CannedReply.business_id == business_id, CannedReply.id == reply_id)
        .with_for_update()
    )
    if row is None:
        raise NotFound("There is no such reply.")
    _require_free(session, business_id, shortcut, but=reply_id)
    row.shortcut, row.text = shortcut, _words(text)
    session.flush()
    announce("canned_reply.changed", subject_id=row.id, actor=actor)
    return row


def remove(session: Session, business_id: UUID, reply_id: UUID, *, actor: str) -> None:
    """Forget some words. Raises NotFound."""
    gone = session.scalar(
        delete(CannedReply)
        .where(CannedReply.business_id == business_id, CannedReply.id == reply_id)
        .returning(CannedReply.id)
    )
    if gone is None:
        raise NotFound("There is no such reply.")
    announce("canned_reply.removed", subject_id=gone, actor=actor)


def _require_free(session: Session, business_id: UUID, shortcut: str, *, but: UUID | None) -> None:
    holder = session.scalar(
        select(CannedReply.id).where(CannedReply.business_id == business_id, CannedReply.shortcut == shortcut)
    )
    if holder is not None and holder != but:
        raise InvalidInput(f"There is a reply called {shortcut!r} already.", reason="shortcut_taken")


def _words(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise InvalidInput("A reply says something.", reason="empty", field="text")
    return text
