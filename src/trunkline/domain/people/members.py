"""Who belongs to a business: taking access away, changing roles, leaving. A business keeps an owner.

Who may do nothing any more, or less than before, has their sessions ended and their invitations taken back.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trunkline.core.access import Principal, Role
from trunkline.core.errors import Forbidden, NotFound
from trunkline.core.events import announce
from trunkline.domain.people import invitations, leaving, service
from trunkline.domain.people.models import SignIn, User


def check_may_make(who: Principal, role: Role) -> None:
    """Go on if this person may make or invite one of this role: only an owner makes an owner.

    Raises Forbidden.
    """
    if role is Role.OWNER and not who.is_system_admin and who.role is not Role.OWNER:
        raise Forbidden("Only an owner makes another owner.", reason="insufficient_role")


def remove_user(session: Session, who: Principal, user_id: UUID) -> None:
    """Take away a person's access and sessions. Raises NotFound, or Forbidden for the only owner.

    Only an owner removes an owner, and of two who remove each other one is left.
    """
    owners = _owners_held(session, who.business)
    user = _member(session, who.business, user_id)
    if user.role == Role.OWNER:
        who.require(Role.OWNER)
    _let_go(session, user, owners, actor=who.email)
    announce("user.removed", subject_id=user.id, actor=who.email, email=user.email)


def leave(session: Session, who: Principal) -> None:
    """Give up one's own access. Raises Forbidden for the only owner."""
    owners = _owners_held(session, who.business)
    user = _member(session, who.business, who.user_id)
    _let_go(session, user, owners, actor=who.email)
    announce("user.left", subject_id=user.id, actor=who.email, email=user.email)


def change_role(session: Session, who: Principal, user_id: UUID, role: Role) -> User:
    """Let a person do more or less; they sign in again. Raises NotFound, or Forbidden for the only owner."""
    owners = _owners_held(session, who.business)
    user = _member(session, who.business, user_id)
    before = user.role
    if role == before:
        return user
    if owners == [user.id]:
        raise _only_owner("The only owner stays one: make somebody else an owner first.")
    user.role = role
    session.execute(delete(SignIn).where(SignIn.business_id == who.business, SignIn.user_id == user.id))
    invitations.revoke_of(session, who.business, user.email)
    announce("user.role_changed", subject_id=user.id, actor=who.email, before=before, after=role)
    return user


def _let_go(session: Session, user: User, owners: list[UUID], *, actor: str) -> None:
    if owners == [user.id]:
        raise _only_owner("The only owner cannot be removed.")
    assert user.business_id is not None
    invitations.revoke_of(session, user.business_id, user.email)
    leaving.tell(session, user.business_id, user.id, actor)
    service.forget(session, user)


def _member(session: Session, business_id: UUID, user_id: UUID) -> User:
    """Return somebody who invites nobody and is not changed until this transaction ends. Raises NotFound."""
    user = session.scalar(
        select(User).where(User.business_id == business_id, User.id == user_id).with_for_update()
    )
    if user is None:
        raise NotFound("There is no such person.")
    return user


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


def _only_owner(sentence: str) -> Forbidden:
    return Forbidden(sentence, reason="only_owner")
