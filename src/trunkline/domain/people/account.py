"""What a person does with their own account: name, language, password, and the sessions that they have.

It speaks in the scope in which the person is kept, which for a system admin is no business's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from trunkline.core.access import Principal
from trunkline.core.db import SYSTEM, Scope, unit_of_work
from trunkline.core.errors import InvalidInput, NotFound, NotSignedIn
from trunkline.core.events import announce
from trunkline.domain.people import service, tries
from trunkline.domain.people.models import SignIn, User
from trunkline.kit import clock, tokens


def home_of(who: Principal) -> Scope:
    """Return the scope in which a person is kept, wherever they are looking."""
    return SYSTEM if who.is_system_admin else who.scope


def change(who: Principal, changes: dict[str, Any]) -> User:
    """Change one's own name or language. Raises InvalidInput."""
    with unit_of_work(home_of(who)) as session:
        user = _self(session, who)
        if "language" in changes:
            service.check_language(changes["language"])
        for field, value in changes.items():
            setattr(user, field, value)
        announce("user.changed", subject_id=user.id, actor=who.email, fields=sorted(changes))
        return user


def change_password(who: Principal, secret: str, *, current: str, new: str) -> None:
    """Give oneself a new password, and end every other session. Wrong guesses count as at signing in.

    Raises InvalidInput and TooManyRequests.
    """
    with unit_of_work(SYSTEM) as session:
        try_id = tries.begin_try(session, who.email)
    with unit_of_work(home_of(who)) as session:
        user = _self(session, who)
        if not service.matches(user.password_hash, current):
            raise InvalidInput("The current password is wrong.", reason="wrong_password")
        service.replace_password(session, user, new, keep=secret)
        announce("password.changed", subject_id=user.id, actor=who.email)
    with unit_of_work(SYSTEM):
        announce(tries.PASSED, subject_id=try_id, actor=who.email)


def sessions(who: Principal) -> Sequence[SignIn]:
    """Return one's own sessions that go on, the last used first."""
    now = clock.now()
    with unit_of_work(home_of(who)) as session:
        return session.scalars(
            select(SignIn)
            .where(
                *_own(who),
                SignIn.expires_at >= now,
                SignIn.last_seen_at >= now - service.IDLE_LIMIT,
            )
            .order_by(SignIn.last_seen_at.desc(), SignIn.id)
        ).all()


def end_session(who: Principal, session_id: UUID) -> None:
    """End one of one's own sessions. Raises NotFound."""
    with unit_of_work(home_of(who)) as session:
        ended = session.scalar(delete(SignIn).where(*_own(who), SignIn.id == session_id).returning(SignIn.id))
        if ended is None:
            raise NotFound("There is no such session.")
        announce("user.sessions_ended", subject_id=who.user_id, actor=who.email)


def end_other_sessions(who: Principal, secret: str) -> None:
    """End all of one's own sessions but the one of this secret."""
    with unit_of_work(home_of(who)) as session:
        session.execute(delete(SignIn).where(*_own(who), SignIn.token_hash != tokens.fingerprint(secret)))
        announce("user.sessions_ended", subject_id=who.user_id, actor=who.email)


def _own(who: Principal) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return SignIn.business_id == home_of(who).business_id, SignIn.user_id == who.user_id


def _self(session: Session, who: Principal) -> User:
    user = session.scalar(
        select(User).where(User.business_id == home_of(who).business_id, User.id == who.user_id)
    )
    if user is None:
        raise NotSignedIn("This session has ended; sign in again.")
    return user
