"""Sessions: how one begins, what keeps it, and how it ends."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlalchemy import select, text

from api.doorway import HEADERS, TestClient, build_app, open_door, sign_in
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.events import Event
from trunkline.domain.people import service as people
from trunkline.kit import clock

WRONG = "not the password at all"


def make_person(world: World, email: str, role: Role) -> None:
    with unit_of_work(world.scope) as session:
        people.create_user(
            session, business_id=world.business_id, email=email, name=email, password=PASSWORD, role=role,
            actor="test",
        )  # fmt: skip


def make_admin(email: str = "admin@trunkline.example") -> str:
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email=email, name="Admin", password=PASSWORD, role=None, actor="test"
        )
    return email


def try_to_sign_in(visitor: TestClient, email: str, password: str = WRONG) -> tuple[int, dict[str, object]]:
    answer = visitor.post("/api/sign-in", json={"email": email, "password": password})
    body = answer.json()
    if "error" in body:
        body["error"].pop("trace_id")
    return answer.status_code, body


def code_of(answer: object) -> tuple[int, str, str | None]:
    error = answer.json()["error"]  # type: ignore[attr-defined]
    return answer.status_code, error["code"], error["data"].get("reason")  # type: ignore[attr-defined]


# --- Beginning ---------------------------------------------------------------------------


def test_signing_in_says_who_you_are_and_where(acme: World, visitor: TestClient) -> None:
    answer = visitor.post("/api/sign-in", json={"email": acme.email.upper(), "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json()["business_id"] == str(acme.business_id)
    assert answer.json()["role"] == "owner"
    assert visitor.get("/api/me").json() == answer.json()


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(acme: World, visitor: TestClient) -> None:
    answer = visitor.post("/api/sign-in", json={"email": acme.email, "password": PASSWORD})
    name, *flags = [part.strip() for part in answer.headers["set-cookie"].split(";")]
    assert name.startswith("trunkline=")
    assert {flag.lower() for flag in flags} == {"httponly", "samesite=lax", "path=/", "max-age=2592000"}


def test_over_https_the_cookie_bears_the_guarded_prefix(acme: World, installation: Installation) -> None:
    with open_door(build_app(public_url="https://testserver"), base_url="https://testserver") as visitor:
        answer = visitor.post("/api/sign-in", json={"email": acme.email, "password": PASSWORD})
        name, *flags = [part.strip() for part in answer.headers["set-cookie"].split(";")]
        assert name.startswith("__Host-trunkline=")
        assert {flag.lower() for flag in flags} == {
            "httponly", "secure", "samesite=lax", "path=/", "max-age=2592000",
        }  # fmt: skip
        assert visitor.get("/api/me").status_code == 200


def test_the_session_s_secret_is_stored_nowhere(
    acme: World, installation: Installation, visitor: TestClient
) -> None:
    sign_in(visitor, acme.email)
    secret = visitor.cookies["trunkline"]
    with unit_of_work(acme.scope) as session:
        rows = session.execute(text("select to_jsonb(s)::text from sign_ins s")).scalars().all()
        events = session.execute(text("select to_jsonb(e)::text from events e")).scalars().all()
    assert len(rows) == 1
    assert not any(secret in row for row in [*rows, *events])


def test_each_sign_in_is_a_session_of_its_own(acme: World, visitor: TestClient) -> None:
    sign_in(visitor, acme.email)
    first = visitor.cookies["trunkline"]
    sign_in(visitor, acme.email)
    assert visitor.cookies["trunkline"] != first
    visitor.post("/api/sign-out")
    visitor.cookies.set("trunkline", first)
    assert visitor.get("/api/me").status_code == 200


# --- Being refused -----------------------------------------------------------------------


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(
    acme: World, visitor: TestClient
) -> None:
    wrong = try_to_sign_in(visitor, acme.email)
    unknown = try_to_sign_in(visitor, "nobody@nowhere.example")
    assert wrong == unknown
    assert wrong[0] == 401
    assert "set-cookie" not in visitor.post(
        "/api/sign-in", json={"email": acme.email, "password": WRONG}
    ).headers  # fmt: skip


@pytest.fixture
def costly_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords hashed as outside of tests."""
    monkeypatch.setattr(people, "_hasher", PasswordHasher())
    monkeypatch.setattr(people, "_NOBODYS_HASH", PasswordHasher().hash("nobody signs in with this"))


def test_passwords_are_hashed_at_the_cost_that_the_library_advises() -> None:
    # In a process of its own: the tests' own hash cheaply.
    show = "from trunkline.domain.people import service; print(service._hasher.hash('a password'))"
    process = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    assert extract_parameters(process.stdout.strip()) == RFC_9106_LOW_MEMORY


def test_a_wrong_password_and_an_unknown_address_take_as_long(
    costly_passwords: None, acme: World, visitor: TestClient
) -> None:
    def seconds(email: str) -> float:
        # Of this process's own work, hashing on threads of its own included: others' is not measured.
        began = time.process_time()
        assert try_to_sign_in(visitor, email)[0] == 401
        return time.process_time() - began

    known, unknown = [], []
    for number in range(4):
        known.append(seconds(acme.email))
        unknown.append(seconds(f"nobody{number}@nowhere.example"))
    # A refusal without hashing a password would take a tenth of one with.
    assert 0.4 < min(unknown) / min(known) < 2.5


@pytest.mark.parametrize("known", [True, False])
def test_after_five_refusals_a_minute_the_address_must_wait(
    known: bool, acme: World, umbrella: World, visitor: TestClient
) -> None:
    email = acme.email if known else "nobody@nowhere.example"
    for _ in range(5):
        assert try_to_sign_in(visitor, email)[0] == 401
    answer = visitor.post("/api/sign-in", json={"email": email.upper(), "password": PASSWORD})
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "too_many_requests"
    assert int(answer.headers["retry-after"]) == 60
    sign_in(visitor, umbrella.email)
    with clock.frozen_at(clock.now() + timedelta(seconds=61)):
        assert try_to_sign_in(visitor, email, PASSWORD)[0] == (200 if known else 401)


# --- Lasting and ending ------------------------------------------------------------------


def test_a_session_that_is_used_lasts(acme: World, visitor: TestClient) -> None:
    begun = clock.now()
    sign_in(visitor, acme.email)
    for minutes in (70, 140, 210):
        with clock.frozen_at(begun + timedelta(minutes=minutes)):
            assert visitor.get("/api/me").status_code == 200


def test_a_session_left_idle_ends(acme: World, visitor: TestClient) -> None:
    begun = clock.now()
    sign_in(visitor, acme.email)
    with clock.frozen_at(begun + people.IDLE_LIMIT - timedelta(minutes=1)):
        visitor.get("/api/me")
    with clock.frozen_at(begun + 2 * people.IDLE_LIMIT):
        assert code_of(visitor.get("/api/me"))[:2] == (401, "not_signed_in")


def test_a_session_ends_with_its_lifetime_however_busy(acme: World, visitor: TestClient) -> None:
    begun = clock.now()
    sign_in(visitor, acme.email)
    with unit_of_work(acme.scope) as session:
        last_seen = begun + people.SESSION_LIFETIME
        session.execute(text("update sign_ins set last_seen_at = :at"), {"at": last_seen})
    with clock.frozen_at(begun + people.SESSION_LIFETIME - timedelta(minutes=1)):
        assert visitor.get("/api/me").status_code == 200
    with clock.frozen_at(begun + people.SESSION_LIFETIME + timedelta(minutes=1)):
        assert visitor.get("/api/me").status_code == 401


def test_signing_out_ends_the_session_for_whoever_holds_its_cookie(acme: World, visitor: TestClient) -> None:
    sign_in(visitor, acme.email)
    secret = visitor.cookies["trunkline"]
    answer = visitor.post("/api/sign-out")
    assert answer.status_code == 204
    assert 'trunkline=""' in answer.headers["set-cookie"]
    visitor.cookies.set("trunkline", secret)
    assert visitor.get("/api/me").status_code == 401


def test_somebody_whose_session_has_ended_can_sign_in_again_and_out(acme: World, visitor: TestClient) -> None:
    begun = clock.now()
    sign_in(visitor, acme.email)
    stale = visitor.cookies["trunkline"]
    with clock.frozen_at(begun + 2 * people.IDLE_LIMIT):
        sign_in(visitor, acme.email)
        assert visitor.get("/api/me").status_code == 200
        visitor.cookies.clear()
        visitor.cookies.set("trunkline", stale)
        assert visitor.post("/api/sign-out").status_code == 204


@pytest.mark.parametrize("cookie", ["", "nonsense", "x" * 4000])
def test_a_cookie_that_is_no_session_is_nobody(cookie: str, acme: World, visitor: TestClient) -> None:
    visitor.cookies.set("trunkline", cookie)
    assert code_of(visitor.get("/api/me"))[:2] == (401, "not_signed_in")


def test_removing_a_person_ends_their_sessions(acme: World, visitor: TestClient) -> None:
    make_person(acme, "agent@acme.example", Role.AGENT)
    with open_door(build_app()) as other:
        sign_in(other, "agent@acme.example")
        user_id = other.get("/api/me").json()["user_id"]
        sign_in(visitor, acme.email)
        assert visitor.delete(f"/api/users/{user_id}").status_code == 204
        assert other.get("/api/me").status_code == 401


# --- Roles -------------------------------------------------------------------------------


def test_a_viewer_reads_and_cannot_start_a_run(acme: World, visitor: TestClient) -> None:
    run = acme.make_run()
    make_person(acme, "viewer@acme.example", Role.VIEWER)
    sign_in(visitor, "viewer@acme.example")
    assert visitor.get(f"/api/runs/{run.id}").status_code == 200
    for verb in ("start", "pause", "resume", "cancel"):
        refused = visitor.post(f"/api/runs/{run.id}/{verb}", json={})
        assert code_of(refused) == (403, "forbidden", "insufficient_role"), verb
    assert visitor.get(f"/api/runs/{run.id}").json()["state"] == "pending"


def test_an_agent_starts_a_run_and_lets_nobody_in(acme: World, visitor: TestClient) -> None:
    run = acme.make_run()
    make_person(acme, "agent@acme.example", Role.AGENT)
    sign_in(visitor, "agent@acme.example")
    assert visitor.post(f"/api/runs/{run.id}/start").status_code == 202
    person = {"email": "x@acme.example", "name": "X", "password": PASSWORD, "role": "viewer"}
    assert code_of(visitor.post("/api/users", json=person))[2] == "insufficient_role"


def test_only_an_owner_makes_another_owner(acme: World, visitor: TestClient) -> None:
    make_person(acme, "second@acme.example", Role.ADMIN)
    sign_in(visitor, "second@acme.example")
    person = {"email": "x@acme.example", "name": "X", "password": PASSWORD, "role": "owner"}
    assert code_of(visitor.post("/api/users", json=person)) == (403, "forbidden", "insufficient_role")
    assert visitor.post("/api/users", json=person | {"role": "admin"}).status_code == 201


def test_the_only_owner_cannot_be_removed(acme: World, visitor: TestClient) -> None:
    sign_in(visitor, acme.email)
    me = visitor.get("/api/me").json()["user_id"]
    assert code_of(visitor.delete(f"/api/users/{me}")) == (403, "forbidden", "only_owner")


# --- System admins -----------------------------------------------------------------------


def test_a_system_admin_chooses_a_business_first(acme: World, umbrella: World, visitor: TestClient) -> None:
    sign_in(visitor, make_admin())
    assert code_of(visitor.get("/api/leads")) == (403, "forbidden", "no_business")
    names = {row["name"] for row in visitor.get("/api/admin/businesses").json()}
    assert names == {"Acme", "Umbrella"}
    choice = {"business_id": str(umbrella.business_id)}
    assert visitor.post("/api/admin/enter-business", json=choice).status_code == 204
    assert visitor.get("/api/business").json()["name"] == "Umbrella"
    assert visitor.post("/api/admin/enter-business", json={"business_id": str(acme.business_id)}).is_success
    assert visitor.get("/api/business").json()["name"] == "Acme"


def test_a_page_of_another_business_or_person_is_refused(
    acme: World, umbrella: World, visitor: TestClient
) -> None:
    sign_in(visitor, make_admin())
    me = visitor.get("/api/me").json()["user_id"]
    visitor.post("/api/admin/enter-business", json={"business_id": str(acme.business_id)})
    page = {"X-Trunkline-Acting": f"{me}:{acme.business_id}"}
    assert visitor.get("/api/business", headers=page).json()["name"] == "Acme"
    visitor.post("/api/admin/enter-business", json={"business_id": str(umbrella.business_id)}, headers=page)
    other = (409, "other_business")
    assert code_of(visitor.get("/api/business", headers=page))[:2] == other
    assert code_of(visitor.patch("/api/business", json={"name": "X"}, headers=page))[:2] == other
    believed = {"acting": page["X-Trunkline-Acting"]}
    assert code_of(visitor.get("/api/events/stream", params=believed))[:2] == other
    assert visitor.get("/api/business").json()["name"] == "Umbrella"
    sign_in(visitor, acme.email)
    assert code_of(visitor.get("/api/business", headers=page))[:2] == other


def test_entering_a_business_is_in_the_events(acme: World, visitor: TestClient) -> None:
    email = make_admin()
    sign_in(visitor, email)
    visitor.post("/api/admin/enter-business", json={"business_id": str(acme.business_id)})
    with unit_of_work(SYSTEM) as session:
        entered = session.scalars(select(Event).where(Event.kind == "admin.entered_business")).all()
        assert [(event.actor, event.subject_id) for event in entered] == [(email, acme.business_id)]


def test_a_business_s_people_can_see_that_an_admin_entered(
    acme: World, umbrella: World, visitor: TestClient
) -> None:
    email = make_admin()
    sign_in(visitor, email)
    visitor.post("/api/admin/enter-business", json={"business_id": str(acme.business_id)})
    for world, times in ((acme, 1), (umbrella, 0)):
        visitor.cookies.clear()
        sign_in(visitor, world.email)
        feed = visitor.get("/api/events", params={"limit": 500}).json()["events"]
        entered = [event["actor"] for event in feed if event["kind"] == "admin.entered_business"]
        assert entered == [email] * times, world.email


def test_entering_a_business_that_is_not_there_changes_nothing(acme: World, visitor: TestClient) -> None:
    sign_in(visitor, make_admin())
    nowhere = {"business_id": str(acme.agent_id)}
    assert code_of(visitor.post("/api/admin/enter-business", json=nowhere))[:2] == (404, "not_found")
    assert code_of(visitor.get("/api/leads"))[2] == "no_business"


def test_an_owner_is_no_system_admin(acme: World, umbrella: World, visitor: TestClient) -> None:
    sign_in(visitor, acme.email)
    assert code_of(visitor.get("/api/admin/businesses"))[2] == "insufficient_role"
    choice = {"business_id": str(umbrella.business_id)}
    assert code_of(visitor.post("/api/admin/enter-business", json=choice))[2] == "insufficient_role"
    assert code_of(visitor.post("/api/admin/businesses", json={"name": "Mine"}))[2] == "insufficient_role"


def test_the_page_s_own_headers_are_needed_to_sign_in(acme: World, visitor: TestClient) -> None:
    visitor.headers.pop(next(iter(HEADERS)))
    answer = visitor.post("/api/sign-in", json={"email": acme.email, "password": PASSWORD})
    assert code_of(answer) == (403, "forbidden", "cross_site")
