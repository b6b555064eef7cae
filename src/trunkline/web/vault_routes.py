"""People's door to the vault: keys go in, and what comes out says that they are there."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, SecretStr

from trunkline.core import vault
from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.vault import ProviderKey

router = APIRouter(prefix="/api/business/keys", tags=["businesses"])


class KeyIn(BaseModel):
    """A key at a provider."""

    model_config = ConfigDict(extra="forbid")

    key: SecretStr


class KeyOut(BaseModel):
    """That there is a key. The key itself is told to nobody."""

    provider: str
    last_four: str
    set_by: str
    set_at: datetime
    opens: bool
    """False where it was sealed under a key that this installation has lost: it must be set again."""


@router.get("")
def read_keys(session: SessionDep, who: PrincipalDep) -> list[KeyOut]:
    """Which keys of its own the business has."""
    who.require(Role.ADMIN)
    return [_shown(row) for row in vault.list_keys(session, who.business)]


@router.put("/{provider}")
def put_key(provider: str, body: KeyIn, session: SessionDep, who: PrincipalDep) -> KeyOut:
    """Give the business a key of its own at a provider; it is used from the next call on."""
    who.require(Role.ADMIN)
    key = body.key.get_secret_value().strip()
    return _shown(vault.put_key(session, who.business, provider, key, actor=who.email))


@router.delete("/{provider}", status_code=204)
def remove_key(provider: str, session: SessionDep, who: PrincipalDep) -> None:
    """Take the business's key away; the installation's serves again, where there is one."""
    who.require(Role.ADMIN)
    vault.remove_key(session, who.business, provider, actor=who.email)


def _shown(row: ProviderKey) -> KeyOut:
    return KeyOut(
        provider=row.provider, last_four=row.last_four, set_by=row.set_by, set_at=row.set_at,
        opens=vault.opens(row),
    )  # fmt: skip
