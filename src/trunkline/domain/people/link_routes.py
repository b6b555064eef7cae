"""People's door to one-time links: inviting, joining, and choosing a new password.

Joining and new passwords need no session: the link is the proof.
"""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from trunkline.core import registry
from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.people import invitations, members, resets
from trunkline.domain.people.models import Invitation
from trunkline.domain.people.routes import address_of, device_of, give_cookie
from trunkline.domain.people.schemas import (
    AddressIn,
    InvitationIn,
    InvitationOut,
    InvitationSent,
    JoinIn,
    LinkAsked,
    LinkIn,
    Me,
    NewPasswordIn,
    OfferOut,
)
from trunkline.domain.tenants import service as tenants

router = APIRouter(prefix="/api", tags=["people"])


@router.get("/invitations")
def read_invitations(session: SessionDep, who: PrincipalDep) -> list[InvitationOut]:
    """The open invitations, the newest first."""
    who.require(Role.ADMIN)
    return [InvitationOut.model_validate(row) for row in invitations.list_open(session, who.business)]


@router.post("/invitations", status_code=201)
def invite(body: InvitationIn, session: SessionDep, who: PrincipalDep) -> InvitationSent:
    """Ask a person to join. Only an owner asks another owner."""
    who.require(Role.ADMIN)
    members.check_may_make(who, body.role)
    language = body.language or tenants.get_business(session, who.business).language
    row, link = invitations.invite(session, who, email=body.email, role=body.role, language=language)
    return _sent(row, link)


@router.post("/invitations/{invitation_id}/send-again")
def send_invitation_again(invitation_id: UUID, session: SessionDep, who: PrincipalDep) -> InvitationSent:
    """Send a new link; the one before opens no more."""
    who.require(Role.ADMIN)
    return _sent(*invitations.send_again(session, who, invitation_id))


@router.delete("/invitations/{invitation_id}", status_code=204)
def revoke_invitation(invitation_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Take an invitation back."""
    who.require(Role.ADMIN)
    invitations.revoke(session, who, invitation_id)


@router.post("/join/offer")
def read_offer(body: LinkIn) -> OfferOut:
    """What an invitation's link offers."""
    return OfferOut.model_validate(invitations.look(body.secret))


@router.post("/join", status_code=201)
def join(body: JoinIn, request: Request, response: Response) -> Me:
    """Join by an invitation's link, and be signed in."""
    secret, who = invitations.accept(
        body.secret, name=body.name, password=body.password, language=body.language,
        device=device_of(request),
    )  # fmt: skip
    give_cookie(request, response, secret)
    return Me.model_validate(who)


@router.post("/password-links", status_code=202)
def ask_for_password_link(body: AddressIn, request: Request) -> LinkAsked:
    """Have a link for a new password sent to an address, if anybody signs in by it."""
    resets.ask(body.email, address=address_of(request))
    return LinkAsked(mail=registry.mailer() is not None)


@router.post("/new-password", status_code=204)
def set_new_password(body: NewPasswordIn) -> None:
    """Choose a new password by a link; every session of the person ends."""
    resets.set_password(body.secret, body.password)


def _sent(row: Invitation, link: str | None) -> InvitationSent:
    return InvitationSent(**InvitationOut.model_validate(row).model_dump(), link=link)
