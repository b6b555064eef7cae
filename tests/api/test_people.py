"""People against each other: tries to sign in side by side, and owners who remove owners."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import select

from api.doorway import TestClient, build_app, open_door, sign_in
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.access import Principal, Role
from trunkline.core.db import unit_of_work
from trunkline.core.errors import Forbidden, NotSignedIn, TooManyRequests
from trunkline.domain.people import members
from trunkline.domain.people import service as people
from trunkline.domain.people.models import User


def make_person(world: World, email: str, role: Role) -> User:
    with unit_of_work(world.scope) as session:
        return people.create_user(
            session, business_id=world.business_id, email=email, name=email, password=PASSWORD, role=role,
            actor="test",
        )  # fmt: skip


def principal(user: User) -> Principal:
    return Principal(user.id, user.email, user.name, "en", Role(user.role or ""), user.business_id, False)


# --- Tries -------------------------------------------------------------------------------


def test_tries_made_side_by_side_are_counted(acme: World, monkeypatch: pytest.MonkeyPatch) -> None:
    together = 12
    start = Barrier(together)

    def guess(_: int) -> str:
        start.wait()
        try:
            people.sign_in(acme.email, "not the password at all")
        except (NotSignedIn, TooManyRequests) as refusal:
            return refusal.code
        raise AssertionError("that was not the password")

    with ThreadPoolExecutor(together) as pool:
        outcomes = Counter(pool.map(guess, range(together)))
    assert outcomes == {"not_signed_in": 5, "too_many_requests": 7}


def test_somebody_who_knows_their_password_is_never_kept_out_by_coming_often(acme: World) -> None:
    for _ in range(8):
        people.sign_in(acme.email, PASSWORD)


# --- Owners ------------------------------------------------------------------------------


def test_an_admin_cannot_remove_an_owner(acme: World, visitor: TestClient) -> None:
    second = make_person(acme, "second@acme.example", Role.OWNER)
    make_person(acme, "admin@acme.example", Role.ADMIN)
    sign_in(visitor, "admin@acme.example")
    answer = visitor.delete(f"/api/users/{second.id}")
    assert (answer.status_code, answer.json()["error"]["data"]["reason"]) == (403, "insufficient_role")
    sign_in(visitor, acme.email)
    assert visitor.delete(f"/api/users/{second.id}").status_code == 204


def test_two_owners_who_remove_each_other_leave_one(acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        first = session.scalars(select(User)).one()
    second = make_person(acme, "second@acme.example", Role.OWNER)
    start = Barrier(2)

    def remove(who: User, whom: UUID) -> str:
        start.wait()
        try:
            with unit_of_work(acme.scope) as session:
                members.remove_user(session, principal(who), whom)
        except Forbidden as refusal:
            return str(refusal.data["reason"])
        return "removed"

    with ThreadPoolExecutor(2) as pool:
        removals = [pool.submit(remove, first, second.id), pool.submit(remove, second, first.id)]
        assert sorted(removal.result() for removal in removals) == ["only_owner", "removed"]
    with unit_of_work(acme.scope) as session:
        assert len(session.scalars(select(User)).all()) == 1


# --- The cookie --------------------------------------------------------------------------


def flags(header: str) -> tuple[str, set[str]]:
    name, *rest = [part.strip().lower() for part in header.split(";")]
    return name.split("=")[0], {flag for flag in rest if not flag.startswith(("max-age", "expires"))}


def test_behind_a_proxy_that_ends_tls_the_cookie_is_guarded_all_the_same(
    acme: World, installation: Installation
) -> None:
    guarded = ("__host-trunkline", {"secure", "httponly", "samesite=lax", "path=/"})
    # The proxy speaks plain http to us; that people come over https is in PUBLIC_URL.
    with open_door(build_app(public_url="https://calls.example")) as visitor:
        given = visitor.post("/api/sign-in", json={"email": acme.email, "password": PASSWORD})
        assert flags(given.headers["set-cookie"]) == guarded
        secret = given.headers["set-cookie"].split("=", 1)[1].split(";")[0]
        cookie = {"Cookie": f"__Host-trunkline={secret}"}
        assert visitor.get("/api/me", headers=cookie).status_code == 200
        ended = visitor.post("/api/sign-out", headers=cookie)
        assert flags(ended.headers["set-cookie"]) == guarded
        assert visitor.get("/api/me", headers=cookie).status_code == 401
