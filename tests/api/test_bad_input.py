"""What people send that cannot be used is refused with a reason; it is never our fault."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from api.doorway import TestClient, sign_in
from support.lists import send_file
from support.world import PASSWORD, World
from trunkline import brains
from trunkline.core import registry
from trunkline.core.db import unit_of_work
from trunkline.core.settings import load_settings
from trunkline.domain.people.models import User
from trunkline.providers.scripted import ready_made

HUGE = "9" * 20


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def refused(answer: Any, *words: str) -> None:
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert error["code"] == "invalid_input"
    assert all(word in answer.text for word in words), answer.text


@pytest.mark.parametrize("field", ["name", "tools", "greeting", "language", "brain", "voice", "instructions"])
def test_a_field_of_an_agent_cannot_be_emptied(field: str, acme: World, owner: TestClient) -> None:
    refused(owner.patch(f"/api/agents/{acme.agent_id}", json={field: None}), field)


@pytest.mark.parametrize(
    "voice",
    [
        {"pitch": 3},
        {"words_per_minute": 5},
        {"words_per_minute": 4000},
        {"words_per_minute": "fast"},
        {"name": "a\n" * 3},
        {"name": 7},
        {"language": "English"},
        {"language": "he"},
        {"provider": "elevenlabs"},
        {"names": {"elevenlabs": "Ann"}},
        {"names": {"local": "a\n"}},
        {"names": ["local"]},
    ],
)
def test_an_agent_that_could_not_sound_is_refused(
    voice: dict[str, Any], acme: World, owner: TestClient
) -> None:
    refused(owner.patch(f"/api/agents/{acme.agent_id}", json={"voice": voice}))
    body = {"name": "A", "script": ready_made("appointment"), "voice": voice}
    refused(owner.post("/api/agents", json=body))


def test_what_an_agent_sounds_like_is_kept_as_it_was_said(acme: World, owner: TestClient) -> None:
    path = f"/api/agents/{acme.agent_id}"
    voice = {"name": "en-us+f2", "words_per_minute": 170}
    assert owner.patch(path, json={"voice": voice}).json()["voice"] == {
        **voice, "language": None, "provider": None, "names": None,
    }  # fmt: skip
    with unit_of_work(acme.scope) as session:
        assert session.execute(text("select voice from agents")).scalar_one() == voice
    assert owner.patch(path, json={"voice": {"language": "en-gb"}}).json()["voice"]["name"] is None


def without_hebrew(script: dict[str, Any]) -> dict[str, Any]:
    return {**script, "languages": ["en"]}


def test_an_agent_whose_script_is_not_in_its_language_is_refused(acme: World, owner: TestClient) -> None:
    script = without_hebrew(ready_made("appointment"))
    body = {"name": "A", "script": script, "language": "he"}
    refused(owner.post("/api/agents", json=body), "'he'", "languages")
    path = f"/api/agents/{acme.agent_id}"
    assert owner.patch(path, json={"script": script}).is_success
    refused(owner.patch(path, json={"language": "he"}), "'he'")
    assert owner.get(path).json()["language"] == "en"


def test_an_agent_that_a_model_drives_needs_instructions_and_a_model_that_is_there(
    acme: World, owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"name": "A", "brain": "own_model", "instructions": "  "}
    refused(owner.post("/api/agents", json=body), "own_model", "scripted")
    monkeypatch.setattr(registry, "_brains", dict(registry._brains))
    monkeypatch.setattr(registry, "_closers", {})
    brains.register_models(load_settings(own_model_url="http://127.0.0.1:9/v1", own_model_name="small"))
    refused(owner.post("/api/agents", json=body), "instructions")
    made = owner.post("/api/agents", json={**body, "instructions": "Be kind."})
    assert made.status_code == 201, made.text
    refused(owner.patch(f"/api/agents/{made.json()['id']}", json={"instructions": ""}), "instructions")


def test_an_agent_that_would_be_deaf_is_kept_with_a_warning(
    acme: World, owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_brains", dict(registry._brains))
    monkeypatch.setattr(registry, "_closers", {})
    monkeypatch.setattr(registry, "_readers", set())
    brains.register_models(load_settings(own_model_url="http://127.0.0.1:9/v1", own_model_name="small"))
    body = {"name": "A", "brain": "own_model", "instructions": "Be kind."}
    for anything, warned in ((False, True), (True, False)):
        monkeypatch.setattr(registry, "_hears_anything", anything)
        made = owner.post("/api/agents", json=body).raise_for_status().json()
        assert [warning["code"] for warning in made["warnings"]] == ["deaf"] * warned
        read = owner.get(f"/api/agents/{made['id']}").json()
        assert read == made
    assert owner.get(f"/api/agents/{acme.agent_id}").json()["warnings"] == []


def test_a_known_address_with_spaces_around_it_is_known(acme: World, owner: TestClient) -> None:
    person = {"email": f"  {acme.email.upper()} ", "name": "X", "password": PASSWORD, "role": "viewer"}
    refused(owner.post("/api/users", json=person), "can sign in already")


def test_the_service_itself_trims_an_address(acme: World) -> None:
    from trunkline.core.access import Role
    from trunkline.core.errors import InvalidInput
    from trunkline.domain.people import service as people

    with unit_of_work(acme.scope) as session, pytest.raises(InvalidInput, match="already"):
        people.create_user(
            session, business_id=acme.business_id, email=f" {acme.email} ", name="X", password=PASSWORD,
            role=Role.VIEWER, actor="test",
        )  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        f"/api/leads?limit={HUGE}",
        f"/api/calls?limit={HUGE}",
        "/api/calls?cursor=elsewhere",
        f"/api/events?after={HUGE}-{HUGE}",
    ],
)
def test_a_number_out_of_range_is_refused(path: str, owner: TestClient) -> None:
    refused(owner.get(path))


def test_a_text_that_postgresql_cannot_store_is_the_sender_s_fault(owner: TestClient) -> None:
    refused(send_file(owner, b"phone\n+12125550111\n", name="A\0list"), "cannot be stored")


def test_what_contradicts_the_rows_is_a_conflict(
    acme: World, visitor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(visitor, acme.email)
    # What two requests at once would do: both look, neither finds, both write.
    monkeypatch.setattr("trunkline.domain.people.service.business_of_login", lambda *_: (False, None))
    person = {"email": acme.email, "name": "X", "password": PASSWORD, "role": "viewer"}
    answer = visitor.post("/api/users", json=person)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "conflict"
    with unit_of_work(acme.scope) as session:
        assert session.query(User).count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {"email": "a\0b@acme.example", "password": PASSWORD},
        {"email": "a" * 321, "password": PASSWORD},
        {"email": "a@acme.example", "password": "x" * 1001},
    ],
)
def test_signing_in_with_what_nobody_has_is_refused(
    body: dict[str, str], acme: World, visitor: TestClient
) -> None:
    refused(visitor.post("/api/sign-in", json=body))
