"""New passwords by a link: asked for by anybody, sent to whoever has the address, used once.

Who asks learns nothing: a known address and an unknown one get the same answer by the same steps, and what
differs a job does later. A link opens for an hour, and the newest one alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.errors import NotFound
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job
from trunkline.core.tenancy import business_of_login, business_of_password_reset
from trunkline.domain.people import links, service, tries
from trunkline.domain.people.models import PasswordReset, User
from trunkline.kit import clock, tokens
from trunkline.kit.ids import new_id

LIFETIME = timedelta(minutes=60)
ASKED_A_MINUTE = 3
FROM_ONE_ADDRESS_A_MINUTE = 20
_ASKED, _ASKED_FROM = "password.link_asked", "password.link_asked_from"


def ask(email: str, *, address: str) -> None:
    """Have a link sent to whoever signs in by this address, if anybody does. Raises TooManyRequests."""
    email = email.strip().lower()
    with unit_of_work(SYSTEM) as session:
        tries.count_one(session, _ASKED_FROM, address, most=FROM_ONE_ADDRESS_A_MINUTE)
        announce(_ASKED_FROM, subject_id=None, actor=address)
        tries.count_one(session, _ASKED, email, most=ASKED_A_MINUTE)
        announce(_ASKED, subject_id=None, actor=email)
        _, business_id = business_of_login(session, email)
    with unit_of_work(service.scope_of(business_id)):
        enqueue_job("default", "send_password_link", email, str(new_id()))


def clear_old(session: Session, business_id: UUID | None, *, over_since: datetime) -> None:
    """Delete the links for new passwords that ended before a moment; without a business, system admins'."""
    session.execute(
        delete(PasswordReset).where(
            PasswordReset.business_id.is_(None)
            if business_id is None
            else PasswordReset.business_id == business_id,
            PasswordReset.expires_at < over_since,
        )
    )


def begin(session: Session, business_id: UUID | None, email: str, reset_id: UUID) -> PasswordReset | None:
    """Make the link of this id for whoever has the address in this scope; None where nobody has.

    Made twice, it is the same one. Links made before it open no more.
    """
    found = session.get(PasswordReset, reset_id)
    if found is not None and found.business_id == business_id:
        return found
    user = service.user_of(session, business_id, email)
    if user is None:
        return None
    _close_links(session, user)
    row = PasswordReset(
        id=reset_id, business_id=business_id, user_id=user.id,
        token_hash=tokens.fingerprint(links.reset_secret(reset_id)), expires_at=clock.now() + LIFETIME,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def link_for(email: str) -> str:
    """Return a link for whoever signs in by this address; for the operator's terminal. Raises NotFound."""
    with unit_of_work(SYSTEM) as session:
        known, business_id = business_of_login(session, email.strip().lower())
    with unit_of_work(service.scope_of(business_id)) as session:
        row = begin(session, business_id, email, new_id()) if known else None
        if row is None:
            raise NotFound(f"Nobody signs in as {email}.")
        announce("password.link_made", subject_id=row.user_id, actor="cli")
        return links.reset_link(row.id)


def set_password(secret: str, password: str) -> None:
    """Give whoever has the link a new password, and end their sessions. Raises NotFound, InvalidInput."""
    token_hash = tokens.fingerprint(secret)
    with unit_of_work(SYSTEM) as session:
        known, business_id = business_of_password_reset(session, token_hash)
    if not known:
        raise _over()
    with unit_of_work(service.scope_of(business_id)) as session:
        row = session.scalar(
            select(PasswordReset).where(PasswordReset.token_hash == token_hash).with_for_update()
        )
        if row is None or row.used_at is not None or row.expires_at < clock.now():
            raise _over()
        user = session.get_one(User, row.user_id)
        service.replace_password(session, user, password)
        _close_links(session, user)
        announce("password.reset", subject_id=user.id, actor=user.email)


def _close_links(session: Session, user: User) -> None:
    session.execute(
        update(PasswordReset)
        .where(PasswordReset.user_id == user.id, PasswordReset.used_at.is_(None))
        .values(used_at=clock.now())
    )


def _over() -> NotFound:
    return NotFound("This link is no longer valid; ask for a new one.", reason="link_over")
