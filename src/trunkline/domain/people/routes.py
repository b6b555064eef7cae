"""People's door to the business: signing in and out, and who may work in it."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.errors import NotSignedIn
from trunkline.domain.people import members, service
from trunkline.domain.people.rules import device_name
from trunkline.domain.people.schemas import (
    BusinessChoice,
    ColleagueOut,
    Me,
    RoleIn,
    SignInIn,
    UserIn,
    UserOut,
)
from trunkline.domain.people.service import Device

router = APIRouter(prefix="/api", tags=["people"])


def cookie_name(request: Request) -> str:
    """Return the session cookie's name; over https it takes the prefix that browsers guard."""
    return "__Host-trunkline" if is_https(request) else "trunkline"


def is_https(request: Request) -> bool:
    """Return whether people reach us over https. PUBLIC_URL knows: behind a proxy the request does not."""
    public_url: str = request.app.state.parts.public_url
    return public_url.startswith("https://")


def give_cookie(request: Request, response: Response, secret: str) -> None:
    """Let a browser keep a session's secret; no page can read it."""
    response.set_cookie(
        cookie_name(request),
        secret,
        max_age=int(service.SESSION_LIFETIME.total_seconds()),
        secure=is_https(request),
        httponly=True,
        samesite="lax",
        path="/",
    )


def address_of(request: Request) -> str:
    """Return where a request came from, as far as the server knows; behind a proxy, what that one says."""
    return request.client.host if request.client is not None else ""


def device_of(request: Request) -> Device:
    """Return by what somebody signs in."""
    return Device(device_name(request.headers.get("user-agent", "")), address_of(request))


@router.post("/sign-in")
def sign_in(body: SignInIn, request: Request, response: Response) -> Me:
    """Begin a session; its cookie is the only proof of it."""
    secret, who = service.sign_in(body.email, body.password, device_of(request))
    give_cookie(request, response, secret)
    return Me.model_validate(who)


@router.post("/sign-out", status_code=204)
def sign_out(request: Request, response: Response) -> None:
    """End the session."""
    service.sign_out(request.cookies.get(cookie_name(request), ""))
    # A browser minds a deletion only if it has the marks of the cookie that it was given.
    response.delete_cookie(
        cookie_name(request), path="/", secure=is_https(request), httponly=True, samesite="lax"
    )


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


@router.get("/colleagues")
def read_colleagues(session: SessionDep, who: PrincipalDep) -> list[ColleagueOut]:
    """The people of the business by name, for whoever gives one of them something to do."""
    return [ColleagueOut.model_validate(user) for user in service.list_users(session, who.business)]


@router.post("/users", status_code=201)
def create_user(body: UserIn, session: SessionDep, who: PrincipalDep) -> UserOut:
    """Let a person in. Only an owner makes another owner."""
    who.require(Role.ADMIN)
    members.check_may_make(who, body.role)
    service.require_room(session, who.business)
    return UserOut.model_validate(
        service.create_user(session, business_id=who.business, actor=who.email, **body.model_dump())
    )


@router.delete("/users/{user_id}", status_code=204)
def remove_user(user_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Take away a person's access."""
    who.require(Role.ADMIN)
    members.remove_user(session, who, user_id)


@router.patch("/users/{user_id}")
def change_role(user_id: UUID, body: RoleIn, session: SessionDep, who: PrincipalDep) -> UserOut:
    """Let a person do more or less; they sign in again. For owners."""
    who.require(Role.OWNER)
    return UserOut.model_validate(members.change_role(session, who, user_id, body.role))
