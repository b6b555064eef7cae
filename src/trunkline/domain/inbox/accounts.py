"""The numbers that a business writes from: what opens one for its provider, and what closes it.

Keys are sealed by the vault, bound to the account, and opened for the moment of use. How one is connected is
`connecting`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from trunkline.core import vault
from trunkline.core.errors import NotFound
from trunkline.core.events import announce
from trunkline.domain.inbox.account_models import AccountState, ChatAccount
from trunkline.providers import ports

HOOKS = "/hooks/chat"
MESSAGE = "message"
"""What names a message in the address to which its receipts come."""

_address = ""


def install_address(public_url: str) -> None:
    """Say where providers find us. Called once at start, and by tests."""
    global _address  # noqa: PLW0603 - one choice a process
    _address = public_url


def events_url(row: ChatAccount) -> str:
    """Return where a number's provider is to tell its events."""
    return f"{_address}{HOOKS}/{row.hook_key}"


def status_url(row: ChatAccount, message_id: UUID) -> str:
    """Return where a carrier is to tell what became of a message, which names it: the carrier does not."""
    return f"{events_url(row)}?{MESSAGE}={message_id}"


def get_account(session: Session, business_id: UUID, account_id: UUID, *, lock: bool = False) -> ChatAccount:
    """Return a number of this business, held until the transaction ends with `lock`. Raises NotFound."""
    query = select(ChatAccount).where(ChatAccount.business_id == business_id, ChatAccount.id == account_id)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise NotFound("There is no such number to write from.")
    return row


def list_accounts(session: Session, business_id: UUID) -> Sequence[ChatAccount]:
    """Return the numbers that a business writes from, in the order in which they came."""
    rows = select(ChatAccount).where(ChatAccount.business_id == business_id)
    return session.scalars(rows.order_by(ChatAccount.created_at, ChatAccount.id)).all()


def account_of_hook(session: Session, business_id: UUID, hook_key: str) -> ChatAccount:
    """Return the number whose events come to this address. Raises NotFound."""
    row = session.scalar(
        select(ChatAccount).where(ChatAccount.business_id == business_id, ChatAccount.hook_key == hook_key)
    )
    if row is None:
        raise NotFound("Nobody's events come to this address.")
    return row


def told_at(session: Session, row: ChatAccount) -> dict[str, ChatAccount]:
    """Return the business's numbers of which events may come to a number's address, by how events name them.

    One account at WhatsApp has several numbers, and tells of all of them to the address it was given last.
    """
    return {
        name: other
        for other in list_accounts(session, row.business_id)
        if other.provider == row.provider and (other.id == row.id or (row.owner and other.owner == row.owner))
        for name in {other.account, other.address}
        if name
    }


def opened(row: ChatAccount) -> ports.ChatAccount:
    """Return a number as its provider is to know it. Raises VaultClosed."""
    return ports.ChatAccount(
        address=row.address,
        account=row.account,
        owner=row.owner,
        key=_open(row, row.sealed_key, "key"),
        secret=_open(row, row.sealed_secret, "secret"),
    )


def seal(row: ChatAccount, *, key: str, secret: str) -> None:
    """Keep what proves that the business may write from this number."""
    seals = vault.installed_seals()
    row.sealed_key = seals.seal(key, bound_to=_bound(row, "key"))
    row.sealed_secret = seals.seal(secret, bound_to=_bound(row, "secret"))
    row.sealed_under, row.key_last_four = seals.current, key[-4:]


def reseal(session: Session, business_id: UUID) -> int:
    """Seal a business's keys under the vault's first key; return how many were not. Raises VaultClosed."""
    rows = session.scalars(
        select(ChatAccount)
        .where(
            ChatAccount.business_id == business_id, ChatAccount.sealed_under.is_not(None),
            ChatAccount.sealed_under != vault.installed_seals().current,
        )
        .with_for_update()
    ).all()  # fmt: skip
    for row in rows:
        seal(row, key=_open(row, row.sealed_key, "key"), secret=_open(row, row.sealed_secret, "secret"))
    return len(rows)


def disconnect(row: ChatAccount, *, trouble: str | None, actor: str) -> None:
    """Send nothing more from a number until somebody connects it again."""
    if row.state == AccountState.CONNECTED:
        row.state, row.trouble = AccountState.DISCONNECTED, trouble
        announce("chat_account.disconnected", subject_id=row.id, actor=actor, trouble=trouble)


def close_until(session: Session, business_id: UUID, account_id: UUID, until: datetime) -> None:
    """Send nothing from a number before then: its provider asks to be left alone."""
    session.execute(
        update(ChatAccount)
        .where(ChatAccount.business_id == business_id, ChatAccount.id == account_id)
        .values(closed_until=func.greatest(ChatAccount.closed_until, until)),
        execution_options={"synchronize_session": False},
    )


def _open(row: ChatAccount, sealed: bytes | None, what: str) -> str:
    if sealed is None:
        return ""
    assert row.sealed_under is not None
    return vault.installed_seals().unseal(sealed, under=row.sealed_under, bound_to=_bound(row, what))


def _bound(row: ChatAccount, what: str) -> str:
    return f"{row.business_id}/chat/{row.id}/{what}"
