"""The verbs of people: making them, signing them in and out, and knowing them again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import delete, exists, func, select, text, update
from sqlalchemy.orm import Session, aliased

from trunkline.core.access import Principal, Role
from trunkline.core.db import SYSTEM, Scope, of_business, unit_of_work
from trunkline.core.errors import Forbidden, InvalidInput, NotFound, NotSignedIn, TooManyRequests
from trunkline.core.events import Event, announce
from trunkline.core.tenancy import business_of_login, business_of_sign_in
from trunkline.domain.people.models import SignIn, User
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock, tokens
from trunkline.kit.ids import new_id

SHORTEST_PASSWORD = 10
IDLE_LIMIT = timedelta(minutes=75)
SESSION_LIFETIME = timedelta(days=30)
REFUSALS_A_MINUTE = 5
_TOUCH_EVERY = timedelta(minutes=1)
_TRIED, _PASSED = "sign_in.tried", "sign_in.passed"
_TRIES_LOCK = 7_205_118
"""First key of the advisory locks under which an address's tries are counted; the address is the second."""
_ENTERED = "admin.entered_business"

_hasher = PasswordHasher()
# What an unknown address is checked against, so that its refusal takes as long as a wrong password's. Of no
# password at all, and written down: to hash one would take every process that loads this a tenth of a second.
_NOBODYS_HASH = (
    f"$argon2id$v=19$m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    f"${'A' * 22}${'A' * 43}"
)


def create_user(
    session: Session,
    *,
    business_id: UUID | None,
    email: str,
    name: str,
    password: str,
    role: Role | None,
    language: str = "en",
    actor: str,
) -> User:
    """Make a person who can sign in; without a business, a system admin. Raises InvalidInput."""
    email = email.strip().lower()
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput(f"A password has at least {SHORTEST_PASSWORD} characters.")
    if "@" not in email:
        raise InvalidInput(f"{email!r} is not an e-mail address.")
    if business_of_login(session, email)[0]:
        raise InvalidInput(f"{email} can sign in already.")
    user = User(
        business_id=business_id,
        email=email,
        name=name,
        role=role,
        language=language,
        password_hash=_hasher.hash(password),
    )
    session.add(user)
    session.flush()
    announce("user.created", subject_id=user.id, actor=actor, email=user.email, role=role)
    return user


def sign_in(email: str, password: str) -> tuple[str, Principal]:
    """Return the new session's secret and who signed in.

    Raises NotSignedIn, never saying what was wrong, and TooManyRequests after five refusals of one
    address within a minute, whether or not anybody has it.
    """
    email = email.strip().lower()
    with unit_of_work(SYSTEM) as session:
        known, business_id = business_of_login(session, email)
        try_id = _begin_try(session, email)
    with unit_of_work(_scope(business_id)) as session:
        user = session.scalar(select(User).where(func.lower(User.email) == email)) if known else None
        if not _matches(user.password_hash if user else _NOBODYS_HASH, password) or user is None:
            raise NotSignedIn("E-mail address or password is wrong.")
        signed_in = _new_session(session, user)
    with unit_of_work(SYSTEM):
        announce(_PASSED, subject_id=try_id, actor=email)
    return signed_in


def who_is(secret: str, *, in_use: bool = True) -> Principal:
    """Return the person whose session this is. Raises NotSignedIn when it is unknown, idle or over.

    What a page asks by itself is no use of the session, and does not keep it from ending.
    """
    token_hash = tokens.fingerprint(secret)
    with unit_of_work(SYSTEM) as session:
        known, business_id = business_of_sign_in(session, token_hash)
    if not known:
        raise NotSignedIn("This session has ended; sign in again.")
    with unit_of_work(_scope(business_id)) as session:
        row = session.scalar(select(SignIn).where(SignIn.token_hash == token_hash))
        user = session.get(User, row.user_id) if row is not None else None
        now = clock.now()
        if row is None or user is None or now > row.expires_at or now - row.last_seen_at > IDLE_LIMIT:
            raise NotSignedIn("This session has ended; sign in again.")
        if in_use and now - row.last_seen_at > _TOUCH_EVERY:
            row.last_seen_at = now
        return _principal(user, row)


def sessions_that_hold(session: Session, business_id: UUID, token_hashes: Collection[str]) -> set[str]:
    """Return which of these sessions go on and are in this business. Looking is no use of them.

    A system admin's session is found in the system's scope, everybody else's in their business's.
    """
    now = clock.now()
    return set(
        session.scalars(
            select(SignIn.token_hash).where(
                SignIn.token_hash.in_(token_hashes),
                func.coalesce(SignIn.business_id, SignIn.chosen_business_id) == business_id,
                SignIn.expires_at >= now,
                SignIn.last_seen_at >= now - IDLE_LIMIT,
            )
        )
    )


def sign_out(secret: str) -> None:
    """End a session. One that is over already is no error."""
    token_hash = tokens.fingerprint(secret)
    with unit_of_work(SYSTEM) as session:
        known, business_id = business_of_sign_in(session, token_hash)
    if known:
        with unit_of_work(_scope(business_id)) as session:
            session.execute(delete(SignIn).where(SignIn.token_hash == token_hash))


def choose_business(secret: str, who: Principal, business_id: UUID) -> None:
    """Let a system admin see a business's pages from now on; it is in that business's record.

    Raises NotFound.
    """
    who.require_system_admin()
    with unit_of_work(SYSTEM) as session:
        tenants.get_business(session, business_id)
    # The record comes first, in the business's own scope: nobody looks at its pages unrecorded.
    with unit_of_work(of_business(business_id)):
        announce(_ENTERED, subject_id=business_id, actor=who.email)
    with unit_of_work(SYSTEM) as session:
        session.execute(
            update(SignIn)
            .where(SignIn.token_hash == tokens.fingerprint(secret))
            .values(chosen_business_id=business_id)
        )
        announce(_ENTERED, subject_id=business_id, actor=who.email)


def list_users(session: Session, business_id: UUID) -> list[User]:
    """Return the people of a business, by name."""
    return list(session.scalars(select(User).where(User.business_id == business_id).order_by(User.name)))


def remove_user(session: Session, who: Principal, user_id: UUID) -> None:
    """Take away a person's access and sessions. Raises NotFound, or Forbidden for the only owner.

    Only an owner removes an owner, and of two who remove each other one is left.
    """
    owners = _owners_held(session, who.business)
    user = session.scalar(select(User).where(User.business_id == who.business, User.id == user_id))
    if user is None:
        raise NotFound("There is no such person.")
    if user.role == Role.OWNER:
        who.require(Role.OWNER)
        if owners == [user.id]:
            raise Forbidden("The only owner cannot be removed.", reason="only_owner")
    session.execute(delete(SignIn).where(SignIn.user_id == user.id))
    session.delete(user)
    announce("user.removed", subject_id=user.id, actor=who.email, email=user.email)


def _new_session(session: Session, user: User) -> tuple[str, Principal]:
    secret = tokens.new_secret()
    now = clock.now()
    row = SignIn(
        business_id=user.business_id, user_id=user.id, token_hash=tokens.fingerprint(secret),
        last_seen_at=now, expires_at=now + SESSION_LIFETIME,
    )  # fmt: skip
    session.add(row)
    announce("user.signed_in", subject_id=user.id, actor=user.email)
    return secret, _principal(user, row)


def _begin_try(session: Session, email: str) -> UUID:
    """Put a try on record before its password is looked at, so that none is made beside the count.

    Until it has passed it counts as refused. Raises TooManyRequests.
    """
    session.execute(
        text("select pg_advisory_xact_lock(:key, hashtext(:email))"), {"key": _TRIES_LOCK, "email": email}
    )
    passed = aliased(Event)
    refused = session.scalar(
        select(func.count()).where(
            Event.kind == _TRIED,
            Event.actor == email,
            Event.at > clock.now() - timedelta(minutes=1),
            ~exists().where(
                passed.kind == _PASSED, passed.actor == email, passed.subject_id == Event.subject_id
            ),
        )
    )
    if (refused or 0) >= REFUSALS_A_MINUTE:
        raise TooManyRequests("Too many tries; wait a minute.", retry_after_s=60)
    try_id = new_id()
    announce(_TRIED, subject_id=try_id, actor=email)
    return try_id


def _owners_held(session: Session, business_id: UUID) -> list[UUID]:
    """Return a business's owners, who stay as they are until this transaction ends."""
    return list(
        session.scalars(
            select(User.id)
            .where(User.business_id == business_id, User.role == Role.OWNER)
            .order_by(User.id)
            .with_for_update()
        )
    )


def _scope(business_id: UUID | None) -> Scope:
    return SYSTEM if business_id is None else of_business(business_id)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except VerificationError:
        return False


def _principal(user: User, row: SignIn) -> Principal:
    return Principal(
        user_id=user.id,
        email=user.email,
        name=user.name,
        language=user.language,
        role=Role(user.role) if user.role else None,
        business_id=user.business_id or row.chosen_business_id,
        is_system_admin=user.business_id is None,
    )
