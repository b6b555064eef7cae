"""People's door to the numbers that a business writes from, their templates, and canned replies."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from trunkline.core import registry
from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.inbox import accounts, canned, connecting, templates
from trunkline.domain.inbox.connecting import Wish
from trunkline.domain.inbox.schemas import (
    AccountEdit,
    AccountIn,
    AccountOut,
    CannedReplyIn,
    CannedReplyOut,
    HookOut,
    KeysIn,
    TemplateOut,
)

router = APIRouter(prefix="/api", tags=["inbox"])


@router.get("/chat-providers")
def read_providers(who: PrincipalDep) -> list[str]:
    """By whom messages go here."""
    who.require(Role.VIEWER)
    return list(registry.chat_names())


@router.get("/chat-accounts")
def read_accounts(session: SessionDep, who: PrincipalDep) -> list[AccountOut]:
    """The numbers that the business writes from."""
    return [AccountOut.model_validate(row) for row in accounts.list_accounts(session, who.business)]


@router.post("/chat-accounts", status_code=201)
def connect_account(body: AccountIn, who: PrincipalDep) -> AccountOut:
    """Connect a number: its keys are tried and its events asked for. They are told to nobody again."""
    who.require(Role.ADMIN)
    wish = Wish(
        provider=body.provider, address=body.address, account=body.account.strip(), owner=body.owner.strip(),
        key=body.key.get_secret_value().strip(), secret=body.secret.get_secret_value().strip(),
        name=" ".join(body.name.split()),
    )  # fmt: skip
    return AccountOut.model_validate(connecting.connect(who, wish))


@router.get("/chat-accounts/{account_id}")
def read_account(account_id: UUID, session: SessionDep, who: PrincipalDep) -> AccountOut:
    """One number."""
    return AccountOut.model_validate(accounts.get_account(session, who.business, account_id))


@router.patch("/chat-accounts/{account_id}")
def change_account(account_id: UUID, body: AccountEdit, session: SessionDep, who: PrincipalDep) -> AccountOut:
    """Change what a number is called, who answers there and how long sessions last."""
    who.require(Role.ADMIN)
    changes = body.model_dump(exclude_unset=True)
    row = connecting.change(session, who.business, account_id, changes, actor=who.email)
    return AccountOut.model_validate(row)


@router.put("/chat-accounts/{account_id}/keys")
def change_keys(account_id: UUID, body: KeysIn, who: PrincipalDep) -> AccountOut:
    """Give a number other keys, which are tried before."""
    who.require(Role.ADMIN)
    row = connecting.change_keys(
        who,
        account_id,
        key=body.key.get_secret_value().strip(),
        secret=body.secret.get_secret_value().strip(),
    )
    return AccountOut.model_validate(row)


@router.post("/chat-accounts/{account_id}/disconnect")
def disconnect_account(account_id: UUID, session: SessionDep, who: PrincipalDep) -> AccountOut:
    """Send nothing more from a number. What comes in is still taken."""
    who.require(Role.ADMIN)
    row = accounts.get_account(session, who.business, account_id, lock=True)
    accounts.disconnect(row, trouble=None, actor=who.email)
    return AccountOut.model_validate(row)


@router.post("/chat-accounts/{account_id}/reconnect")
def reconnect_account(account_id: UUID, who: PrincipalDep) -> AccountOut:
    """Write from a number again, if its provider lets it, and ask for its events anew."""
    who.require(Role.ADMIN)
    return AccountOut.model_validate(connecting.reconnect(who, account_id))


@router.get("/chat-accounts/{account_id}/hook")
def read_hook(account_id: UUID, session: SessionDep, who: PrincipalDep) -> HookOut:
    """Where the provider is to tell a number's events, for who enters it there by hand."""
    who.require(Role.ADMIN)
    row = accounts.get_account(session, who.business, account_id)
    return HookOut(url=accounts.events_url(row), verify_token=row.verify_token)


@router.get("/chat-accounts/{account_id}/templates")
def read_templates(account_id: UUID, session: SessionDep, who: PrincipalDep) -> list[TemplateOut]:
    """A number's templates as its provider last listed them."""
    rows = templates.of_account(session, who.business, account_id)
    return [TemplateOut.model_validate(row) for row in rows]


@router.post("/chat-accounts/{account_id}/templates/refresh", status_code=202)
def refresh_templates(account_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Have the provider asked for a number's templates again."""
    who.require(Role.AGENT)
    accounts.get_account(session, who.business, account_id)
    templates.have_listed(account_id)


@router.get("/canned-replies")
def read_replies(session: SessionDep, who: PrincipalDep) -> list[CannedReplyOut]:
    """Words that people of the business send often."""
    return [CannedReplyOut.model_validate(row) for row in canned.list_replies(session, who.business)]


@router.post("/canned-replies", status_code=201)
def make_reply(body: CannedReplyIn, session: SessionDep, who: PrincipalDep) -> CannedReplyOut:
    """Keep some."""
    who.require(Role.AGENT)
    row = canned.make(session, who.business, shortcut=body.shortcut, text=body.text, actor=who.email)
    return CannedReplyOut.model_validate(row)


@router.put("/canned-replies/{reply_id}")
def change_reply(
    reply_id: UUID, body: CannedReplyIn, session: SessionDep, who: PrincipalDep
) -> CannedReplyOut:
    """Put other words in place of some."""
    who.require(Role.AGENT)
    row = canned.change(
        session, who.business, reply_id, shortcut=body.shortcut, text=body.text, actor=who.email
    )
    return CannedReplyOut.model_validate(row)


@router.delete("/canned-replies/{reply_id}", status_code=204)
def remove_reply(reply_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Forget some."""
    who.require(Role.AGENT)
    canned.remove(session, who.business, reply_id, actor=who.email)
