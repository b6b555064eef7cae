"""What people do with their own account, and owners with the roles of others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.doorway import TestClient, build_app, open_door, sign_in
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.domain.people import service as people
from trunkline.domain.people.models import User
from trunkline.domain.people.rules import device_name
from trunkline.kit import clock

NEW = "another long passphrase"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


@pytest.fixture
def elsewhere(installation: Installation) -> Iterator[TestClient]:
    """Another browser."""
    with open_door(build_app()) as client:
        client.headers["User-Agent"] = CHROME
        yield client


def make_person(world: World, email: str, role: Role) -> User:
    with unit_of_work(world.scope) as session:
        return people.create_user(
            session, business_id=world.business_id, email=email, name=email, password=PASSWORD, role=role,
            actor="test",
        )  # fmt: skip


def refused(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"]["data"].get("reason")


# --- Oneself -----------------------------------------------------------------------------


def test_one_s_name_and_language_change(owner: TestClient) -> None:
    answer = owner.patch("/api/me", json={"name": " Dana ", "language": "he"})
    assert (answer.json()["name"], answer.json()["language"]) == ("Dana", "he")
    assert owner.get("/api/me").json() == answer.json()
    assert owner.patch("/api/me", json={"language": "tlh"}).status_code == 422
    assert owner.patch("/api/me", json={"name": ""}).status_code == 422
    assert owner.patch("/api/me", json={"role": "owner"}).status_code == 422


def test_a_new_password_ends_every_other_session(
    owner: TestClient, elsewhere: TestClient, acme: World
) -> None:
    sign_in(elsewhere, acme.email)
    answer = owner.post("/api/me/password", json={"current": PASSWORD, "new": NEW})
    assert answer.status_code == 204
    assert owner.get("/api/me").status_code == 200
    assert elsewhere.get("/api/me").status_code == 401
    sign_in(elsewhere, acme.email, NEW)


def test_guesses_at_one_s_own_password_are_limited_with_those_at_the_door(
    owner: TestClient, elsewhere: TestClient, acme: World
) -> None:
    wrong = {"current": "not the password", "new": NEW}
    answers = [refused(owner.post("/api/me/password", json=wrong)) for _ in range(5)]
    assert answers == [(422, "wrong_password")] * 5
    assert owner.post("/api/me/password", json=wrong | {"current": PASSWORD}).status_code == 429
    at_the_door = elsewhere.post("/api/sign-in", json={"email": acme.email, "password": PASSWORD})
    assert at_the_door.status_code == 429


def test_one_s_sessions_are_seen_and_ended(owner: TestClient, elsewhere: TestClient, acme: World) -> None:
    sign_in(elsewhere, acme.email)
    make_person(acme, "other@acme.example", Role.VIEWER)
    here, there = sorted(owner.get("/api/me/sessions").json(), key=lambda row: not row["current"])
    assert (here["current"], there["current"]) == (True, False)
    assert (there["device"], there["address"]) == ("Chrome, Windows", "testclient")
    assert owner.delete(f"/api/me/sessions/{there['id']}").status_code == 204
    assert elsewhere.get("/api/me").status_code == 401
    assert owner.delete(f"/api/me/sessions/{there['id']}").status_code == 404
    sign_in(elsewhere, acme.email)
    assert owner.post("/api/me/sessions/end-others").status_code == 204
    assert elsewhere.get("/api/me").status_code == 401
    assert len(owner.get("/api/me/sessions").json()) == 1


def test_nobody_ends_a_colleague_s_session(owner: TestClient, elsewhere: TestClient, acme: World) -> None:
    make_person(acme, "other@acme.example", Role.VIEWER)
    sign_in(elsewhere, "other@acme.example")
    (theirs,) = elsewhere.get("/api/me/sessions").json()
    assert owner.delete(f"/api/me/sessions/{theirs['id']}").status_code == 404
    assert elsewhere.get("/api/me").status_code == 200


def test_an_idle_session_is_none(owner: TestClient, elsewhere: TestClient, acme: World) -> None:
    with clock.frozen_at(clock.now() + timedelta(minutes=80)):
        sign_in(elsewhere, acme.email)
        assert len(elsewhere.get("/api/me/sessions").json()) == 1


def test_a_system_admin_has_an_account_too(elsewhere: TestClient, acme: World) -> None:
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email="root@agency.example", name="Root", password=PASSWORD,
            role=None, actor="test",
        )  # fmt: skip
    sign_in(elsewhere, "root@agency.example")
    entered = elsewhere.post("/api/admin/enter-business", json={"business_id": str(acme.business_id)})
    assert entered.status_code == 204
    assert elsewhere.patch("/api/me", json={"name": "Dan"}).json()["name"] == "Dan"
    assert elsewhere.post("/api/me/password", json={"current": PASSWORD, "new": NEW}).status_code == 204
    assert len(elsewhere.get("/api/me/sessions").json()) == 1
    assert refused(elsewhere.post("/api/me/leave")) == (403, "no_business")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (CHROME, "Chrome, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14) Version/18.0 Safari/605.1.15", "Safari, Mac"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("curl/8.5.0", "curl"),
        ("", ""),
    ],
)
def test_a_browser_is_called_by_its_name(said: str, name: str) -> None:
    assert device_name(said) == name


# --- Roles -------------------------------------------------------------------------------


def test_an_owner_changes_a_role_and_the_person_signs_in_again(
    owner: TestClient, elsewhere: TestClient, acme: World
) -> None:
    user = make_person(acme, "agent@acme.example", Role.AGENT)
    sign_in(elsewhere, user.email)
    answer = owner.patch(f"/api/users/{user.id}", json={"role": "admin"})
    assert (answer.status_code, answer.json()["role"]) == (200, "admin")
    assert elsewhere.get("/api/me").status_code == 401
    sign_in(elsewhere, user.email)
    assert refused(elsewhere.patch(f"/api/users/{user.id}", json={"role": "owner"})) == (
        403, "insufficient_role",
    )  # fmt: skip


def test_the_only_owner_stays_one(owner: TestClient, acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        first = session.scalars(select(User)).one()
    assert refused(owner.patch(f"/api/users/{first.id}", json={"role": "admin"})) == (403, "only_owner")
    assert refused(owner.post("/api/me/leave")) == (403, "only_owner")
    second = make_person(acme, "second@acme.example", Role.OWNER)
    assert owner.patch(f"/api/users/{second.id}", json={"role": "owner"}).status_code == 200
    assert owner.post("/api/me/leave").status_code == 204
    assert owner.get("/api/me").status_code == 401
    with unit_of_work(acme.scope) as session:
        assert session.scalars(select(User.email)).all() == ["second@acme.example"]
