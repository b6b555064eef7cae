"""Invitations: a person is asked to join a business by a link, and joins by it, once.

Only the last link that was sent opens, for seven days, until it is taken back. Who may invite whom the routes
say. What the letter says is in `letters`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trunkline.core import limits, registry
from trunkline.core.access import Principal, Role
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.errors import Conflict, InvalidInput, NotFound, NotSignedIn
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job
from trunkline.core.tenancy import business_of_invitation, business_of_login
from trunkline.domain.people import links, service
from trunkline.domain.people.models import Invitation, Posted, User
from trunkline.domain.people.service import Device
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock, tokens
from trunkline.kit.ids import new_id

LIFETIME = timedelta(days=7)
SENT_A_MINUTE = 20
_SENT = "invitation.sent"
_UNSENT = (Posted.WAITING, Posted.REFUSED)
"""Whose letter may still go: also one that was given up, when its job is tried again."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What an invited person is told before they join."""

    business: str
    email: str
    role: Role
    language: str
    invited_by: str


def list_open(session: Session, business_id: UUID) -> Sequence[Invitation]:
    """Return the invitations that were neither taken up nor taken back, the newest first."""
    return session.scalars(
        select(Invitation)
        .where(
            Invitation.business_id == business_id,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
        .order_by(Invitation.created_at.desc(), Invitation.id.desc())
    ).all()


def invite(
    session: Session, who: Principal, *, email: str, role: Role, language: str
) -> tuple[Invitation, str | None]:
    """Ask a person to join. Returns the invitation, and its link where there is no mail to send it by.

    Raises InvalidInput for who can sign in already, Conflict for who is invited already, TooManyRequests.
    """
    service.require_room(session, who.business)
    email = service.checked_address(email)
    service.check_language(language)
    if business_of_login(session, email)[0]:
        raise InvalidInput(f"{email} can sign in already.", reason="can_sign_in", email=email)
    _hold_inviter(session, who)
    row = Invitation(
        id=new_id(), business_id=who.business, email=email, role=role, language=language,
        invited_by=who.email, sending=0,
    )  # fmt: skip
    try:
        with session.begin_nested():
            # Its hash is made before it is kept: hashes are unique over all businesses.
            link = _send(session, who, row)
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise Conflict(
            f"{email} is invited already; send that invitation again.", reason="invited_already", email=email
        ) from error
    announce("invitation.created", subject_id=row.id, actor=who.email, email=email, role=role)
    return row, link


def send_again(session: Session, who: Principal, invitation_id: UUID) -> tuple[Invitation, str | None]:
    """Send a new link, for another seven days; the one before opens no more. Raises NotFound."""
    _hold_inviter(session, who)
    row = _open_one(session, who.business, invitation_id)
    if row.role == Role.OWNER:
        who.require(Role.OWNER)
    link = _send(session, who, row)
    return row, link


def revoke(session: Session, who: Principal, invitation_id: UUID) -> None:
    """Take an invitation back. Raises NotFound for one that is not open."""
    row = _open_one(session, who.business, invitation_id)
    row.revoked_at = clock.now()
    announce("invitation.revoked", subject_id=row.id, actor=who.email, email=row.email)


def revoke_of(session: Session, business_id: UUID, email: str) -> None:
    """Take back what somebody has offered who may offer nothing any more."""
    session.execute(
        update(Invitation)
        .where(
            Invitation.business_id == business_id,
            Invitation.invited_by == email,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
        .values(revoked_at=clock.now())
    )


def look(secret: str) -> Offer:
    """Return what a link offers. Raises NotFound where it opens nothing any more."""
    business_id = _business_of(secret)
    with unit_of_work(of_business(business_id)) as session:
        row = _by_secret(session, business_id, secret)
        name = tenants.get_business(session, business_id).name
        return Offer(name, row.email, Role(row.role), row.language, row.invited_by)


def accept(secret: str, *, name: str, password: str, language: str, device: Device) -> tuple[str, Principal]:
    """Let the invited person in under a name and password of theirs, and sign them in.

    Raises NotFound, and InvalidInput for a password that is too short.
    """
    business_id = _business_of(secret)
    with unit_of_work(of_business(business_id)) as session:
        row = _by_secret(session, business_id, secret, lock=True)
        user = service.create_user(
            session, business_id=business_id, email=row.email, name=name, password=password,
            role=Role(row.role), language=language, actor=row.email,
        )  # fmt: skip
        row.accepted_at = clock.now()
        announce("invitation.accepted", subject_id=row.id, actor=row.email, invited_by=row.invited_by)
        return service.begin_session(session, user, device)


def clear_old(session: Session, business_id: UUID, *, over_since: datetime) -> None:
    """Delete the invitations that were over before a moment; what became of them is in the feed."""
    ended = func.coalesce(Invitation.accepted_at, Invitation.revoked_at, Invitation.expires_at)
    session.execute(delete(Invitation).where(Invitation.business_id == business_id, ended < over_since))


def note_posted(
    session: Session, business_id: UUID, invitation_id: UUID, sending: int, *, refusal: str | None
) -> None:
    """Write what became of a sending's letter, unless it was sent anew since; `refusal` is why it was not."""
    row = session.scalar(
        select(Invitation).where(
            Invitation.business_id == business_id, Invitation.id == invitation_id,
            Invitation.sending == sending,
        )
    )  # fmt: skip
    if row is not None and row.posted in _UNSENT:
        row.posted, row.refusal = Posted.SENT if refusal is None else Posted.REFUSED, refusal
        announce("invitation.posted", subject_id=row.id, actor="system", posted=row.posted)


def unsent(session: Session, business_id: UUID, invitation_id: UUID, sending: int) -> Invitation | None:
    """Return an invitation whose letter of this sending is still to go."""
    return session.scalar(
        select(Invitation).where(
            Invitation.business_id == business_id,
            Invitation.id == invitation_id,
            Invitation.sending == sending,
            Invitation.posted.in_(_UNSENT),
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
    )


def _hold_inviter(session: Session, who: Principal) -> None:
    """Keep who invites as they are until this transaction ends, so that what goes with them finds it.

    Raises NotSignedIn for who was removed or given another role meanwhile.
    """
    if who.is_system_admin:
        return
    role = session.scalar(
        select(User.role)
        .where(User.business_id == who.business, User.id == who.user_id)
        .with_for_update(read=True)
    )
    if role != who.role:
        raise NotSignedIn("This session has ended; sign in again.")


def _send(session: Session, who: Principal, row: Invitation) -> str | None:
    limits.count_one(session, _SENT, who.email, most=SENT_A_MINUTE)
    announce(_SENT, subject_id=row.id, actor=who.email)
    row.sending += 1
    row.token_hash = tokens.fingerprint(links.invitation_secret(row.id, row.sending))
    row.expires_at = clock.now() + LIFETIME
    row.refusal = None
    if registry.mailer() is None:
        row.posted = Posted.BY_HAND
        return links.invitation_link(row.id, row.sending)
    row.posted = Posted.WAITING
    enqueue_job("default", "send_invitation", str(row.id), row.sending)
    return None


def _open_one(session: Session, business_id: UUID, invitation_id: UUID) -> Invitation:
    row = session.scalar(
        select(Invitation)
        .where(
            Invitation.business_id == business_id,
            Invitation.id == invitation_id,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
        .with_for_update()
    )
    if row is None:
        raise NotFound("There is no such open invitation.")
    return row


def _business_of(secret: str) -> UUID:
    with unit_of_work(SYSTEM) as session:
        business_id = business_of_invitation(session, tokens.fingerprint(secret))
    if business_id is None:
        raise _over()
    return business_id


def _by_secret(session: Session, business_id: UUID, secret: str, *, lock: bool = False) -> Invitation:
    query = select(Invitation).where(
        Invitation.business_id == business_id, Invitation.token_hash == tokens.fingerprint(secret)
    )
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None or row.accepted_at or row.revoked_at or row.expires_at < clock.now():
        raise _over()
    return row


def _over() -> NotFound:
    return NotFound("This invitation is no longer valid; ask for a new one.", reason="link_over")
