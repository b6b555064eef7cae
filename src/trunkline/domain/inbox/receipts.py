"""Receipts: what became of a message that went out, in whatever order its provider tells.

A receipt may come before the word that its message was sent; one that bears our own reference makes known
what became of a message of which nobody knew.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_unique
from trunkline.domain.inbox import conversations, rules, sending
from trunkline.domain.inbox.account_models import ChatAccount
from trunkline.domain.inbox.models import (
    Message,
    MessageState,
)
from trunkline.providers.ports import Receipt, ReceiptState, Refusal

JOB = "hear_receipt"
_WAITS_S = (2.0, 10.0, 60.0, 600.0)
"""How long a receipt waits, each time that its message is not known yet."""


def hear(session: Session, account: ChatAccount, receipt: Receipt) -> bool:
    """Let a message know what became of it. False: there is no such message, so far."""
    message_id = _message_of(session, account, receipt)
    if message_id is None:
        return False
    if receipt.refusal is Refusal.OPTED_OUT:
        sending.note_opt_out(session, account.business_id, message_id)
    message = _locked(session, account.business_id, message_id)
    before = MessageState(message.state)
    after = rules.after_receipt(before, receipt.state)
    message.provider_id = message.provider_id or rules.cleaned(receipt.id)
    _note_times(message, receipt.state, receipt.at)
    if after is before:
        return True
    message.state = after
    if after is MessageState.FAILED:
        message.reason, message.code = receipt.refusal or "failed", receipt.code
        message.detail = rules.cleaned(receipt.detail) if receipt.detail else None
    else:
        message.reason = message.code = message.detail = None
    announce(
        "message.receipt", subject_id=message.id, actor="inbox", state=after,
        conversation_id=str(message.conversation_id), source=message.source,
        **({} if message.reason is None else {"reason": message.reason}),
    )  # fmt: skip
    sending.tell_source(message)
    return True


def wait_for(account: ChatAccount, receipt: Receipt, *, tries: int = 0) -> None:
    """Hear a receipt again later whose message is not known yet, or give it up."""
    if tries >= len(_WAITS_S):
        announce(
            "message.receipt_dropped", subject_id=None, actor="inbox", provider_id=receipt.id,
            account_id=str(account.id), state=receipt.state,
        )  # fmt: skip
        return
    enqueue_unique(
        "default", JOB, f"receipt:{account.id}:{receipt.state}:{tries}:{receipt.id}", str(account.id),
        as_json(receipt), tries, run_in=_WAITS_S[tries],
    )  # fmt: skip


def as_json(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt as a job is given it."""
    return {**asdict(receipt), "at": receipt.at.isoformat()}


def from_json(said: dict[str, Any]) -> Receipt:
    """Return the receipt that a job was given."""
    return Receipt(
        **{
            **said, "at": datetime.fromisoformat(said["at"]), "state": ReceiptState(said["state"]),
            "refusal": said["refusal"] and Refusal(said["refusal"]),
        }
    )  # fmt: skip


def _message_of(session: Session, account: ChatAccount, receipt: Receipt) -> UUID | None:
    ours = select(Message.id).where(
        Message.business_id == account.business_id, Message.chat_account_id == account.id
    )
    found = session.scalar(ours.where(Message.provider_id == receipt.id))
    if found is not None or receipt.reference is None:
        return found
    try:
        reference = UUID(receipt.reference)
    except ValueError:  # somebody else's who writes from this number too
        return None
    return session.scalar(ours.where(Message.id == reference, Message.provider_id.is_(None)))


def _locked(session: Session, business_id: UUID, message_id: UUID) -> Message:
    row = select(Message).where(Message.business_id == business_id, Message.id == message_id)
    message = session.scalars(row).one()
    conversations.get_conversation(session, business_id, message.conversation_id, lock=True)
    return session.scalars(row.with_for_update().execution_options(populate_existing=True)).one()


def _note_times(message: Message, state: ReceiptState, at: datetime) -> None:
    if state is ReceiptState.FAILED:
        return
    message.sent_at = message.sent_at or at
    if state in {ReceiptState.DELIVERED, ReceiptState.READ}:
        message.delivered_at = min(message.delivered_at or at, at)
    if state is ReceiptState.READ:
        message.read_at = message.read_at or at
