"""People's door to themselves: signing in and out, and who may work in the business."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.errors import Forbidden, NotSignedIn
from trunkline.domain.people import service
from trunkline.domain.people.schemas import BusinessChoice, Me, SignInIn, UserIn, UserOut

router = APIRouter(prefix="/api", tags=["people"])


def cookie_name(request: Request) -> str:
    """Return the session cookie's name; over https it takes the prefix that browsers guard."""
    return "__Host-trunkline" if is_https(request) else "trunkline"


def is_https(request: Request) -> bool:
    """Return whether people reach us over https. PUBLIC_URL knows: behind a proxy the request does not."""
    public_url: str = request.app.state.parts.public_url
    return public_url.startswith("https://")


@router.post("/sign-in")
def sign_in(body: SignInIn, request: Request, response: Response) -> Me:
    """Begin a session; its cookie is the only proof of it."""
    secret, who = service.sign_in(body.email, body.password)
    response.set_cookie(
        cookie_name(request),
        secret,
        max_age=int(service.SESSION_LIFETIME.total_seconds()),
        secure=is_https(request),
        httponly=True,
        samesite="lax",
        path="/",
    )
    return Me.model_validate(who)


@router.post("/sign-out", status_code=204)
def sign_out(request: Request, response: Response) -> None:
    """End the session."""
    service.sign_out(request.cookies.get(cookie_name(request), ""))
    # A browser minds a deletion only if it has the marks of the cookie that it was given.
    response.delete_cookie(
        cookie_name(request), path="/", secure=is_https(request), httponly=True, samesite="lax"
    )


@router.get("/me")
def read_me(who: PrincipalDep) -> Me:
    """Who you are."""
    return Me.model_validate(who)


@router.post("/admin/enter-business", status_code=204)
def enter_business(body: BusinessChoice, request: Request, who: PrincipalDep) -> None:
    """See a business's pages from now on; for system admins."""
    secret = request.cookies.get(cookie_name(request))
    if secret is None:
        raise NotSignedIn("Sign in first.")
    service.choose_business(secret, who, body.business_id)


@router.get("/users")
def read_users(session: SessionDep, who: PrincipalDep) -> list[UserOut]:
    """The people of the business."""
    who.require(Role.ADMIN)
    return [UserOut.model_validate(user) for user in service.list_users(session, who.business)]


@router.post("/users", status_code=201)
def create_user(body: UserIn, session: SessionDep, who: PrincipalDep) -> UserOut:
    """Let a person in. Only an owner makes another owner."""
    who.require(Role.ADMIN)
    if body.role is Role.OWNER and not who.is_system_admin and who.role is not Role.OWNER:
        raise Forbidden("Only an owner makes another owner.", reason="insufficient_role")
    return UserOut.model_validate(
        service.create_user(session, business_id=who.business, actor=who.email, **body.model_dump())
    )


@router.delete("/users/{user_id}", status_code=204)
def remove_user(user_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Take away a person's access."""
    who.require(Role.ADMIN)
    service.remove_user(session, who, user_id)
