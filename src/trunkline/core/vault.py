"""The vault: keys of a business's own at providers, which people write and nobody reads.

A key is kept sealed by AES-256-GCM, bound to its business and provider: a row copied to another business does
not open. What is shown of one is its last four characters, who set it and when. Keys that the installation
makes for itself are sealed in the same way, each under its name. Owns the tables and the sealing; who may set
keys, and what is done with one, is for others.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from trunkline.core.db import Base, PrimaryId
from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.kit import clock

PROVIDERS = ("openai", "anthropic", "gemini", "deepgram", "elevenlabs")
"""Of which providers a business may have a key of its own."""

_NONCE = 12
_KEY = re.compile(r"[\x21-\x7e]{16,400}")


class VaultClosed(InvalidInput):
    """A key is there and cannot be opened: it was sealed under a VAULT_KEY that is not here any more."""

    code = "vault_closed"


class ProviderKey(Base):
    """A business's key at a provider, sealed."""

    __tablename__ = "provider_keys"
    __table_args__ = (UniqueConstraint("business_id", "provider", name="uq_provider_keys_provider"),)

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    provider: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """The nonce and what AES-GCM made of the key."""
    sealed_under: Mapped[str]
    """The id of the vault's key."""
    last_four: Mapped[str]
    set_by: Mapped[str]
    set_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class InstallationKey(Base):
    """A key that the installation has made for itself, sealed. It is no business's."""

    __tablename__ = "installation_keys"

    name: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_under: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class Seals:
    """The vault's own keys: the first seals, and every one opens what it has sealed."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self.current = key_id(keys[0])

    def seal(self, value: str, *, bound_to: str) -> bytes:
        """Return a value that only these keys open, and only as what it is bound to."""
        nonce = os.urandom(_NONCE)
        return nonce + self._ciphers[self.current].encrypt(nonce, value.encode(), bound_to.encode())

    def unseal(self, sealed: bytes, *, under: str, bound_to: str) -> str:
        """Return what was sealed. Raises VaultClosed."""
        try:
            cipher = self._ciphers[under]
            return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to.encode()).decode()
        except (KeyError, InvalidTag) as error:
            raise VaultClosed("A key of the business cannot be opened: set it again.") from error


_seals: Seals | None = None


def install_vault(seals: Seals) -> None:
    """Make these the process's. Called once at start, and by tests."""
    global _seals  # noqa: PLW0603 - one choice a process
    _seals = seals


def key_id(key: bytes) -> str:
    """Return by what a row says under which key it was sealed."""
    return hashlib.sha256(b"vault\0" + key).hexdigest()[:12]


def read_key(text: str) -> bytes:
    """Return a vault's key, written as 32 bytes in base64. Raises ValueError."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("must be 32 bytes in base64; `trunkline vault new-key` makes one") from error
    if len(key) != 32:
        raise ValueError("must be 32 bytes in base64; `trunkline vault new-key` makes one")
    return key


def new_key() -> str:
    """Return a fresh key for VAULT_KEY."""
    return base64.b64encode(os.urandom(32)).decode()


def put_key(session: Session, business_id: UUID, provider: str, value: str, *, actor: str) -> ProviderKey:
    """Keep a business's key at a provider, in place of the one before. Raises InvalidInput, NotFound."""
    _check_provider(provider)
    if not _KEY.fullmatch(value):
        # What was given is not repeated.
        raise InvalidInput(
            "A key is 16 to 400 letters, digits and signs, without spaces.", reason="key_shape"
        )
    row = _row(session, business_id, provider)
    if row is None:
        row = ProviderKey(business_id=business_id, provider=provider)
        session.add(row)
    row.sealed = installed_seals().seal(value, bound_to=_bound(business_id, provider))
    row.sealed_under = installed_seals().current
    row.last_four = value[-4:]
    row.set_by, row.set_at = actor, clock.now()
    session.flush()
    announce("key.set", subject_id=row.id, actor=actor, provider=provider)
    return row


def remove_key(session: Session, business_id: UUID, provider: str, *, actor: str) -> None:
    """Forget a business's key; the installation's serves again, where there is one. Raises NotFound."""
    _check_provider(provider)
    gone = session.scalar(
        delete(ProviderKey)
        .where(ProviderKey.business_id == business_id, ProviderKey.provider == provider)
        .returning(ProviderKey.id)
    )
    if gone is None:
        raise NotFound("There is no such key.")
    announce("key.removed", subject_id=gone, actor=actor, provider=provider)


def list_keys(session: Session, business_id: UUID) -> Sequence[ProviderKey]:
    """Return what keys a business has, by provider."""
    return session.scalars(
        select(ProviderKey).where(ProviderKey.business_id == business_id).order_by(ProviderKey.provider)
    ).all()


def providers_of(session: Session, business_id: UUID) -> frozenset[str]:
    """Return at which providers a business has a key."""
    return frozenset(row.provider for row in list_keys(session, business_id))


def opens(row: ProviderKey) -> bool:
    """Return whether a key can be used here."""
    try:
        _open(row)
    except VaultClosed:
        return False
    return True


def open_keys(session: Session, business_id: UUID) -> dict[str, str]:
    """Return a business's keys by provider, for whoever is about to use them. Raises VaultClosed."""
    return {row.provider: _open(row) for row in list_keys(session, business_id)}


def reseal(session: Session, business_id: UUID) -> int:
    """Seal a business's keys under the vault's first key. Returns how many were not. Raises VaultClosed."""
    rows = session.scalars(
        select(ProviderKey)
        .where(
            ProviderKey.business_id == business_id, ProviderKey.sealed_under != installed_seals().current
        )
        .with_for_update()
    ).all()  # fmt: skip
    for row in rows:
        value = _open(row)
        row.sealed = installed_seals().seal(value, bound_to=_bound(business_id, row.provider))
        row.sealed_under = installed_seals().current
    return len(rows)


def installation_key(session: Session, name: str, make: Callable[[], str]) -> str:
    """Return a key of the installation's own, made once by whoever asks first. Raises VaultClosed."""
    row = session.get(InstallationKey, name)
    if row is None:
        seals = installed_seals()
        session.execute(
            insert(InstallationKey)
            .values(
                name=name, sealed=seals.seal(make(), bound_to=_bound_to_us(name)), sealed_under=seals.current
            )
            .on_conflict_do_nothing()
        )
        row = session.get_one(InstallationKey, name)
    return installed_seals().unseal(row.sealed, under=row.sealed_under, bound_to=_bound_to_us(name))


def reseal_installation(session: Session) -> int:
    """Seal the installation's own keys under the vault's first key. Returns how many. Raises VaultClosed."""
    seals = installed_seals()
    rows = session.scalars(
        select(InstallationKey).where(InstallationKey.sealed_under != seals.current).with_for_update()
    ).all()
    for row in rows:
        value = seals.unseal(row.sealed, under=row.sealed_under, bound_to=_bound_to_us(row.name))
        row.sealed, row.sealed_under = seals.seal(value, bound_to=_bound_to_us(row.name)), seals.current
    return len(rows)


def _bound_to_us(name: str) -> str:
    return f"installation/{name}"


def _open(row: ProviderKey) -> str:
    return installed_seals().unseal(
        row.sealed, under=row.sealed_under, bound_to=_bound(row.business_id, row.provider)
    )


def _bound(business_id: UUID, provider: str) -> str:
    return f"{business_id}/{provider}"


def _row(session: Session, business_id: UUID, provider: str) -> ProviderKey | None:
    return session.scalar(
        select(ProviderKey)
        .where(ProviderKey.business_id == business_id, ProviderKey.provider == provider)
        .with_for_update()
    )


def _check_provider(provider: str) -> None:
    if provider not in PROVIDERS:
        raise NotFound(f"There is no provider {provider!r}; there is {', '.join(PROVIDERS)}.")


def installed_seals() -> Seals:
    """Return what seals in this process."""
    assert _seals is not None  # every process installs them as it begins
    return _seals
