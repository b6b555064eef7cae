"""New passwords by a link: asked for by anybody, sent to whoever has the address, used once.

Who asks learns nothing: a known address and an unknown one get the same answer by the same steps, and what
differs a job does later. A link opens for an hour, until one of the person's is used or their password is
changed. Another that is asked for closes none: who asks may be anybody, and the person may be at the page.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trunkline.core import limits
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.errors import NotFound
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job
from trunkline.core.tenancy import business_of_login, business_of_password_reset
from trunkline.domain.people import links, service
from trunkline.domain.people.models import PasswordReset, User
from trunkline.kit import clock, tokens
from trunkline.kit.ids import new_id

LIFETIME = timedelta(minutes=60)
QUIET = timedelta(minutes=10)
"""For so long after a link nobody is sent another, unless it was used: it lies on top of their letters."""
MOST_AN_HOUR = 5
ASKED_A_MINUTE = 3
FROM_ONE_ADDRESS_A_MINUTE = 20
_ASKED, _ASKED_FROM = "password.link_asked", "password.link_asked_from"


def ask(email: str, *, address: str) -> None:
    """Have a link sent to whoever signs in by this address, if anybody does. Raises TooManyRequests."""
    email = email.strip().lower()
    with unit_of_work(SYSTEM) as session:
        limits.count_one(session, _ASKED_FROM, address, most=FROM_ONE_ADDRESS_A_MINUTE)
        announce(_ASKED_FROM, subject_id=None, actor=address)
        limits.count_one(session, _ASKED, email, most=ASKED_A_MINUTE)
        announce(_ASKED, subject_id=None, actor=email)
        _, business_id = business_of_login(session, email)
    with unit_of_work(service.scope_of(business_id)):
        enqueue_job("default", "send_password_link", email, str(new_id()))


def clear_old(session: Session, business_id: UUID | None, *, over_since: datetime) -> None:
    """Delete the links for new passwords that ended before a moment; without a business, system admins'."""
    session.execute(
        delete(PasswordReset).where(
            PasswordReset.business_id == business_id, PasswordReset.expires_at < over_since
        )
    )


def begin(session: Session, business_id: UUID | None, email: str, reset_id: UUID) -> PasswordReset | None:
    """Make the link of this id for whoever has the address in this scope; made twice, it is the same one.

    None where nobody has it, or where they were given one a moment ago or many within the hour.
    """
    found = session.scalar(
        select(PasswordReset).where(PasswordReset.business_id == business_id, PasswordReset.id == reset_id)
    )
    if found is not None:
        return found
    user = service.user_of(session, business_id, email, lock=True)
    if user is None or _has_enough(session, user):
        return None
    return _make(session, user, reset_id)


def link_for(email: str) -> str:
    """Return a link for whoever signs in by this address; for the operator's terminal. Raises NotFound."""
    with unit_of_work(SYSTEM) as session:
        known, business_id = business_of_login(session, email.strip().lower())
    with unit_of_work(service.scope_of(business_id)) as session:
        user = service.user_of(session, business_id, email) if known else None
        if user is None:
            raise NotFound(f"Nobody signs in as {email}.")
        announce("password.link_made", subject_id=user.id, actor="cli")
        return links.reset_link(_make(session, user, new_id()).id)


def set_password(secret: str, password: str) -> None:
    """Give whoever has the link a new password, and end their sessions. Raises NotFound, InvalidInput."""
    token_hash = tokens.fingerprint(secret)
    with unit_of_work(SYSTEM) as session:
        known, business_id = business_of_password_reset(session, token_hash)
    if not known:
        raise _over()
    with unit_of_work(service.scope_of(business_id)) as session:
        of_link = (PasswordReset.business_id == business_id, PasswordReset.token_hash == token_hash)
        # The person is held before their links are looked at: of two links at once, one is in time.
        user = session.scalar(
            select(User)
            .join(PasswordReset, PasswordReset.user_id == User.id)
            .where(User.business_id == business_id, *of_link)
            .with_for_update(of=User)
        )
        row = session.scalar(select(PasswordReset).where(*of_link))
        if user is None or row is None or row.used_at is not None or row.expires_at < clock.now():
            raise _over()
        service.replace_password(session, user, password)
        announce("password.reset", subject_id=user.id, actor=user.email)


def _has_enough(session: Session, user: User) -> bool:
    now = clock.now()
    of_the_hour = session.execute(
        select(PasswordReset.expires_at, PasswordReset.used_at).where(
            PasswordReset.business_id == user.business_id,
            PasswordReset.user_id == user.id,
            PasswordReset.expires_at > now + LIFETIME - timedelta(hours=1),
        )
    ).all()
    is_fresh = any(link.used_at is None and link.expires_at > now + LIFETIME - QUIET for link in of_the_hour)
    return is_fresh or len(of_the_hour) >= MOST_AN_HOUR


def _make(session: Session, user: User, reset_id: UUID) -> PasswordReset:
    row = PasswordReset(
        id=reset_id, business_id=user.business_id, user_id=user.id,
        token_hash=tokens.fingerprint(links.reset_secret(reset_id)), expires_at=clock.now() + LIFETIME,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _over() -> NotFound:
    return NotFound("This link is no longer valid; ask for a new one.", reason="link_over")
