"""Secrets that a business shares with others: sealed by the vault, opened to check what comes with them.

Owns the table and the sealing. Whose secret it is, when it is made anew and to whom it is shown, is for the
domains that keep its id.
"""

from __future__ import annotations

import secrets
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from trunkline.core import vault
from trunkline.core.db import Base, PrimaryId
from trunkline.kit.ids import new_id

_BYTES = 32


class SharedSecret(Base):
    """A secret, sealed."""

    __tablename__ = "shared_secrets"
    __table_args__ = (UniqueConstraint("business_id", "id", name="uq_shared_secrets_business_id"),)

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """The nonce and what AES-GCM made of the secret."""
    sealed_under: Mapped[str]
    """The id of the vault's key."""


def make(session: Session, business_id: UUID, *, prefix: str) -> tuple[UUID, str]:
    """Make a secret of 256 random bits; return its id, and itself to be shown once."""
    secret_id, secret = new_id(), prefix + secrets.token_urlsafe(_BYTES)
    seals = vault.installed_seals()
    sealed = seals.seal(secret, bound_to=_bound(business_id, secret_id))
    session.add(
        SharedSecret(id=secret_id, business_id=business_id, sealed=sealed, sealed_under=seals.current)
    )
    session.flush()
    return secret_id, secret


def reveal(session: Session, business_id: UUID, secret_id: UUID) -> str:
    """Return a secret, for whoever is about to check something by it. Raises VaultClosed, LookupError."""
    row = session.scalar(
        select(SharedSecret).where(SharedSecret.business_id == business_id, SharedSecret.id == secret_id)
    )
    if row is None:
        raise LookupError(f"there is no secret {secret_id}")
    return _open(row)


def forget(session: Session, business_id: UUID, secret_id: UUID) -> None:
    """Forget a secret to which nothing refers any more."""
    session.execute(
        delete(SharedSecret).where(SharedSecret.business_id == business_id, SharedSecret.id == secret_id)
    )


def reseal(session: Session, business_id: UUID) -> int:
    """Seal a business's secrets under the vault's first key; return how many were not. Raises VaultClosed."""
    seals = vault.installed_seals()
    rows = session.scalars(
        select(SharedSecret)
        .where(SharedSecret.business_id == business_id, SharedSecret.sealed_under != seals.current)
        .with_for_update()
    ).all()
    for row in rows:
        row.sealed = seals.seal(_open(row), bound_to=_bound(business_id, row.id))
        row.sealed_under = seals.current
    return len(rows)


def _open(row: SharedSecret) -> str:
    return vault.installed_seals().unseal(
        row.sealed, under=row.sealed_under, bound_to=_bound(row.business_id, row.id)
    )


def _bound(business_id: UUID, secret_id: UUID) -> str:
    return f"{business_id}/shared/{secret_id}"
