"""The verbs of people: making them, signing them in and out, and knowing them again."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from trunkline.core.access import Principal, Role
from trunkline.core.db import SYSTEM, Scope, of_business, unit_of_work
from trunkline.core.errors import Conflict, InvalidInput, NotSignedIn
from trunkline.core.events import announce
from trunkline.core.tenancy import business_of_login, business_of_sign_in
from trunkline.domain.people import tries
from trunkline.domain.people.links import page_link as page_link  # noqa: PLC0414 - others ask here
from trunkline.domain.people.models import Invitation, PasswordReset, SignIn, User
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock, tokens

MOST_PEOPLE = 500
"""Of a business, open invitations included."""
SHORTEST_PASSWORD = 10
IDLE_LIMIT = timedelta(minutes=75)
SESSION_LIFETIME = timedelta(days=30)
_TOUCH_EVERY = timedelta(minutes=1)
_ENTERED = "admin.entered_business"

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\\\[\]\x00-\x20]+@[^\s@<>,;:\"()\\\[\]\x00-\x20]+")
_LONGEST_DEVICE = 200

_hasher = PasswordHasher()
# What an unknown address is checked against, so that its refusal takes as long as a wrong password's. Of no
# password at all, and written down: to hash one would take every process that loads this a tenth of a second.
_NOBODYS_HASH = (
    f"$argon2id$v=19$m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    f"${'A' * 22}${'A' * 43}"
)


@dataclass(frozen=True, slots=True)
class Device:
    """By what somebody signs in, so that they know their sessions apart."""

    name: str = ""
    address: str = ""


def require_room(session: Session, business_id: UUID) -> None:
    """Raise Conflict where a business has as many people and open invitations as it may.

    That is why both are listed whole: there are never more than are read at once.
    """
    people = select(func.count()).where(User.business_id == business_id)
    invited = select(func.count()).where(
        Invitation.business_id == business_id,
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
    )
    if (session.scalar(people) or 0) + (session.scalar(invited) or 0) >= MOST_PEOPLE:
        raise Conflict(
            f"A business has {MOST_PEOPLE} people and open invitations at most.", reason="most_people",
            most=MOST_PEOPLE,
        )  # fmt: skip


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
    password_hash = hash_password(password)
    email = checked_address(email)
    check_language(language)
    if business_of_login(session, email)[0]:
        raise InvalidInput(f"{email} can sign in already.", reason="can_sign_in", email=email)
    user = User(
        business_id=business_id,
        email=email,
        name=name,
        role=role,
        language=language,
        password_hash=password_hash,
    )
    session.add(user)
    session.flush()
    announce("user.created", subject_id=user.id, actor=actor, email=user.email, role=role)
    return user


def checked_address(email: str) -> str:
    """Return an e-mail address as it is kept. Raises InvalidInput."""
    email = email.strip().lower()
    if not _ADDRESS.fullmatch(email):
        raise InvalidInput(f"{email!r} is not an e-mail address.", reason="not_an_address")
    return email


def check_language(language: str) -> None:
    """Raise InvalidInput for a language that our pages do not speak."""
    if language not in tenants.LANGUAGES:
        raise InvalidInput(
            f"{language!r} is not a language we speak; we speak {', '.join(tenants.LANGUAGES)}.",
            reason="no_language",
        )


def hash_password(password: str) -> str:
    """Return what is kept of a password. Raises InvalidInput for one that is too short."""
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput(
            f"A password has at least {SHORTEST_PASSWORD} characters.",
            reason="short_password",
            least=SHORTEST_PASSWORD,
        )
    return _hasher.hash(password)


def replace_password(session: Session, user: User, password: str, *, keep: str = "") -> None:
    """Give a person a new password, close their links and end their sessions, but for this secret's.

    Raises InvalidInput.
    """
    user.password_hash = hash_password(password)
    session.execute(
        delete(SignIn).where(
            SignIn.business_id == user.business_id,
            SignIn.user_id == user.id,
            SignIn.token_hash != tokens.fingerprint(keep),
        )
    )
    session.execute(
        update(PasswordReset)
        .where(
            PasswordReset.business_id == user.business_id,
            PasswordReset.user_id == user.id,
            PasswordReset.used_at.is_(None),
        )
        .values(used_at=clock.now())
    )


def sign_in(email: str, password: str, device: Device = Device()) -> tuple[str, Principal]:
    """Return the new session's secret and who signed in.

    Raises NotSignedIn, never saying what was wrong, and TooManyRequests after five refusals of one
    address within a minute, whether or not anybody has it.
    """
    email = email.strip().lower()
    with unit_of_work(SYSTEM) as session:
        known, business_id = business_of_login(session, email)
        try_id = tries.begin_try(session, email)
    with unit_of_work(scope_of(business_id)) as session:
        user = user_of(session, business_id, email) if known else None
        if not matches(user.password_hash if user else _NOBODYS_HASH, password) or user is None:
            raise NotSignedIn("E-mail address or password is wrong.", reason="wrong_password")
        signed_in = begin_session(session, user, device)
    with unit_of_work(SYSTEM):
        announce(tries.PASSED, subject_id=try_id, actor=email)
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
    with unit_of_work(scope_of(business_id)) as session:
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
        with unit_of_work(scope_of(business_id)) as session:
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


def users_named(session: Session, business_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, User]:
    """Return those of these people who belong to a business, by their ids."""
    rows = session.scalars(select(User).where(User.business_id == business_id, User.id.in_(user_ids)))
    return {row.id: row for row in rows}


def belongs(session: Session, business_id: UUID, user_id: UUID) -> bool:
    """Return whether this is one of the business's people."""
    found = select(User.id).where(User.business_id == business_id, User.id == user_id)
    return session.scalar(found) is not None


def forget(session: Session, user: User) -> None:
    """Take away a person with their sessions and links."""
    for table in (SignIn, PasswordReset):
        session.execute(delete(table).where(table.business_id == user.business_id, table.user_id == user.id))
    session.delete(user)


def user_of(session: Session, business_id: UUID | None, email: str, *, lock: bool = False) -> User | None:
    """Return who signs in by this address; without a business, which system admin."""
    query = select(User).where(
        User.business_id == business_id, func.lower(User.email) == email.strip().lower()
    )
    return session.scalar(query.with_for_update() if lock else query)


def begin_session(session: Session, user: User, device: Device) -> tuple[str, Principal]:
    """Return a new session's secret and who it is for."""
    secret = tokens.new_secret()
    now = clock.now()
    row = SignIn(
        business_id=user.business_id, user_id=user.id, token_hash=tokens.fingerprint(secret),
        last_seen_at=now, expires_at=now + SESSION_LIFETIME, device=device.name[:_LONGEST_DEVICE],
        address=device.address,
    )  # fmt: skip
    session.add(row)
    announce("user.signed_in", subject_id=user.id, actor=user.email)
    return secret, _principal(user, row)


def scope_of(business_id: UUID | None) -> Scope:
    """Return the scope in which a person is kept: their business's, or the system's."""
    return SYSTEM if business_id is None else of_business(business_id)


def matches(password_hash: str, password: str) -> bool:
    """Return whether this is the password; it takes as long either way."""
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
