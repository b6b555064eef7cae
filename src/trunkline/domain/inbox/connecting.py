"""Connecting numbers: the provider is asked whether the keys fit, and brought to tell its events to us.

In steps, and no transaction is open while the provider is spoken to: it asks at our address for proof before
it answers.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.access import Principal
from trunkline.core.db import unit_of_work
from trunkline.core.errors import Conflict, InvalidInput, NotReady
from trunkline.core.events import announce
from trunkline.domain.agents import service as agents
from trunkline.domain.inbox import accounts, templates
from trunkline.domain.inbox.account_models import AccountState, AiMode, ChatAccount
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.kit.phone import InvalidPhone, to_e164
from trunkline.providers import ports
from trunkline.providers.ports import ChatRefused, ChatUncertain

MOST = 20
_KEY = re.compile(r"[\x21-\x7e]{8,1000}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Wish:
    """A number that somebody wants to write from."""

    provider: str
    address: str
    account: str
    owner: str
    key: str
    secret: str
    name: str


def connect(who: Principal, wish: Wish) -> ChatAccount:
    """Connect a number: its keys are tried, kept, and its events asked for.

    Raises InvalidInput for keys and numbers that do not fit together, Conflict for one that is connected
    already, and NotReady where the provider does not answer.
    """
    with unit_of_work(who.scope) as session:
        address = _address(session, who.business, wish)
    known = _asked(wish.provider, _as_known(wish, address))
    with unit_of_work(who.scope) as session:
        row = ChatAccount(
            id=new_id(), business_id=who.business, provider=wish.provider, name=wish.name or known,
            address=address, account=wish.account, owner=wish.owner, hook_key=secrets.token_urlsafe(24),
            verify_token=secrets.token_urlsafe(24), created_by=who.email,
        )  # fmt: skip
        _require_room(session, row)
        if has_own_keys(wish.provider):
            accounts.seal(row, key=wish.key, secret=wish.secret)
        session.add(row)
        try:
            session.flush()
        except IntegrityError as error:
            raise Conflict("This number is connected already.", reason="connected_already") from error
        session.refresh(row)
        announce("chat_account.connected", subject_id=row.id, actor=who.email, address=address)
        templates.have_listed(row.id)
        session.expunge(row)
    return subscribe(who, row.id)


def change_keys(who: Principal, account_id: UUID, *, key: str, secret: str) -> ChatAccount:
    """Give a number other keys, which are tried before; events are asked for anew. Raises as `connect`."""
    with unit_of_work(who.scope) as session:
        row = accounts.get_account(session, who.business, account_id)
        if not has_own_keys(row.provider):
            raise InvalidInput("This number goes by the installation's own carrier.", reason="no_own_keys")
        wish = Wish(row.provider, row.address, row.account, row.owner, key, secret, row.name)
        address = row.address
    _asked(wish.provider, _as_known(wish, address))
    with unit_of_work(who.scope) as session:
        row = accounts.get_account(session, who.business, account_id, lock=True)
        accounts.seal(row, key=key, secret=secret)
        _reconnected(row, actor=who.email)
    return subscribe(who, account_id)


def reconnect(who: Principal, account_id: UUID) -> ChatAccount:
    """Write from a number again, if its provider lets it. Raises as `connect`."""
    with unit_of_work(who.scope) as session:
        row = accounts.get_account(session, who.business, account_id)
        provider, known = row.provider, accounts.opened(row)
    _asked(provider, known)
    with unit_of_work(who.scope) as session:
        _reconnected(accounts.get_account(session, who.business, account_id, lock=True), actor=who.email)
    return subscribe(who, account_id)


def subscribe(who: Principal, account_id: UUID) -> ChatAccount:
    """Bring the provider to tell a number's events to us; why it would not is noted with the number."""
    with unit_of_work(who.scope) as session:
        row = accounts.get_account(session, who.business, account_id)
        provider, known = row.provider, accounts.opened(row)
        url, verify_token = accounts.events_url(row), row.verify_token
    trouble = None
    try:
        registry.chat(provider).subscribe(known, url=url, verify_token=verify_token)
    except (ChatRefused, ChatUncertain) as error:
        trouble = _said(error, known)
    with unit_of_work(who.scope) as session:
        row = accounts.get_account(session, who.business, account_id, lock=True)
        row.trouble = trouble
        row.subscribed_at = clock.now() if trouble is None else row.subscribed_at
        announce("chat_account.changed", subject_id=row.id, actor=who.email, trouble=trouble)
        session.flush()
        session.expunge(row)
    return row


def change(
    session: Session, business_id: UUID, account_id: UUID, changes: Mapping[str, Any], *, actor: str
) -> ChatAccount:
    """Change what a number is called, who answers there and how long sessions last. Raises NotFound."""
    row = accounts.get_account(session, business_id, account_id, lock=True)
    if changes.get("agent_id") is not None:
        agents.hold_working_agent(session, business_id, changes["agent_id"])
    changed = [name for name, value in changes.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, changes[name])
    if row.agent_id is None and row.ai_mode != AiMode.OFF:
        raise InvalidInput("Choose the agent that answers first.", reason="no_agent")
    if changed:
        session.flush()
        announce("chat_account.changed", subject_id=row.id, actor=actor, fields=changed)
    return row


def has_own_keys(provider: str) -> bool:
    """Return whether a number has keys of its own; else the installation's carrier carries its messages."""
    return provider == registry.WHATSAPP


def _address(session: Session, business_id: UUID, wish: Wish) -> str:
    """Return a number as it is kept. Raises InvalidInput."""
    registry.chat(wish.provider)
    region = tenants.get_business(session, business_id).region
    try:
        address = to_e164(wish.address, region=region)
    except InvalidPhone as error:
        raise InvalidInput(str(error), reason="not_a_number", field="address") from error
    if has_own_keys(wish.provider):
        for field in ("account", "owner"):
            if not _ID.fullmatch(getattr(wish, field)):
                raise InvalidInput(f"This is no id of WhatsApp's: {field}.", reason="no_id", field=field)
    elif address not in {number.e164 for number in tenants.list_numbers(session, business_id)}:
        raise InvalidInput(
            f"{address} is not a number of this business.", reason="number_not_ours", number=address
        )
    return address


def _as_known(wish: Wish, address: str) -> ports.ChatAccount:
    if has_own_keys(wish.provider):
        for field in ("key", "secret"):
            if not _KEY.fullmatch(getattr(wish, field)):
                # What was given is not repeated.
                raise InvalidInput(
                    f"This is no {field}: 8 letters or more, without spaces.", reason="key_shape"
                )
    return ports.ChatAccount(
        address=address, account=wish.account, owner=wish.owner, key=wish.key, secret=wish.secret
    )


def _asked(provider: str, account: ports.ChatAccount) -> str:
    """Return what the provider calls a number. Raises InvalidInput, NotReady."""
    try:
        return registry.chat(provider).check(account)
    except ChatRefused as refused:
        raise InvalidInput(
            f"The provider says: {_said(refused, account)}", reason="provider_refused", code=refused.code
        ) from refused
    except ChatUncertain as error:
        raise NotReady("The provider does not answer; try again shortly.", retry_after_s=10) from error


def _said(error: Exception, account: ports.ChatAccount) -> str:
    """Return a provider's words without the keys, which some of them repeat."""
    words = str(error)
    for secret in (account.key, account.secret):
        words = words.replace(secret, "...") if secret else words
    return words


def _require_room(session: Session, row: ChatAccount) -> None:
    taken = session.scalars(
        select(ChatAccount.id).where(ChatAccount.business_id == row.business_id).limit(MOST)
    ).all()
    if len(taken) >= MOST:
        raise InvalidInput(f"A business has {MOST} such numbers at most.", reason="most_accounts", most=MOST)


def _reconnected(row: ChatAccount, *, actor: str) -> None:
    row.closed_until = None
    if row.state != AccountState.CONNECTED:
        row.state = AccountState.CONNECTED
        announce("chat_account.connected", subject_id=row.id, actor=actor, address=row.address)
