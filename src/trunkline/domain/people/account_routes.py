"""People's door to their own account, in whatever business they are looking."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request

from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.errors import Forbidden
from trunkline.domain.people import account, members
from trunkline.domain.people.routes import cookie_name
from trunkline.domain.people.schemas import Me, MeIn, PasswordIn, SessionOut
from trunkline.kit import tokens

router = APIRouter(prefix="/api/me", tags=["people"])


@router.get("")
def read_me(who: PrincipalDep) -> Me:
    """Who you are."""
    return Me.model_validate(who)


@router.patch("")
def change_me(body: MeIn, who: PrincipalDep) -> Me:
    """Change your name or language."""
    changes = body.model_dump(exclude_none=True)
    user = account.change(who, changes)
    now = Me.model_validate(who)
    return now.model_copy(update={"name": user.name, "language": user.language})


@router.post("/password", status_code=204)
def change_password(body: PasswordIn, request: Request, who: PrincipalDep) -> None:
    """Give yourself a new password; your other sessions end."""
    account.change_password(who, _secret(request), current=body.current, new=body.new)


@router.get("/sessions")
def read_sessions(request: Request, who: PrincipalDep) -> list[SessionOut]:
    """Where you are signed in, the last used first."""
    here = tokens.fingerprint(_secret(request))
    return [
        SessionOut(
            id=row.id, device=row.device, address=row.address, created_at=row.created_at,
            last_seen_at=row.last_seen_at, current=row.token_hash == here,
        )
        for row in account.sessions(who)
    ]  # fmt: skip


@router.post("/sessions/end-others", status_code=204)
def end_other_sessions(request: Request, who: PrincipalDep) -> None:
    """Sign out everywhere else."""
    account.end_other_sessions(who, _secret(request))


@router.delete("/sessions/{session_id}", status_code=204)
def end_session(session_id: UUID, who: PrincipalDep) -> None:
    """Sign out there."""
    account.end_session(who, session_id)


@router.post("/leave", status_code=204)
def leave(session: SessionDep, who: PrincipalDep) -> None:
    """Leave the business, and give up your account with it."""
    if who.is_system_admin:
        raise Forbidden("A system admin belongs to no business.", reason="no_business")
    members.leave(session, who)


def _secret(request: Request) -> str:
    return request.cookies.get(cookie_name(request), "")
