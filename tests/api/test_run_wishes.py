"""What a run is asked for and cannot do is refused with a sentence that a person understands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from api.doorway import TestClient, sign_in
from dialling.conftest import carrier  # noqa: F401 - a start needs one
from support.world import World
from trunkline.domain.outbound.options import install_limits, installed_limits


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def made(owner: TestClient, world: World, **options: Any) -> Any:
    told = {"agent_id": str(world.agent_id), "from_number": world.number, **options}
    return owner.post("/api/runs", json={"title": "A run", "list_id": str(world.list_id), "options": told})


@pytest.mark.parametrize(
    ("options", "attempts"),
    [
        # Who asks for a rule and says nothing of a limit means the rule to do something.
        ({"retries": {"busy": {"times": 3}}}, 4),
        ({"retries": {"busy": {"times": 3}, "voicemail": {"times": 1}}}, 4),
        ({"retries": {"busy": {"times": 0}}}, 1),
        ({"retries": {"busy": {"times": 3}, "no_answer": {"times": 3}}, "max_attempts": 4}, 4),
        ({"max_attempts": 2}, 2),
        ({}, 1),
    ],
)
def test_a_rule_for_calling_again_is_allowed_its_dials(
    options: dict[str, Any], attempts: int, acme: World, owner: TestClient
) -> None:
    answer = made(owner, acme, **options)
    assert answer.status_code == 201, answer.text
    assert answer.json()["options"]["max_attempts"] == attempts


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"retries": {"busy": {"times": 3}}, "max_attempts": 1}, "busy is to be dialled again 3 times"),
        ({"retries": {"busy": {"times": 10}}}, "max_attempts allows 9"),
        (
            {"machines": {"detection": "off", "action": "leave_message", "message": "Hello."}},
            "nobody listens",
        ),
    ],
)
def test_what_would_do_nothing_is_refused(
    options: dict[str, Any], words: str, acme: World, owner: TestClient
) -> None:
    answer = made(owner, acme, **options)
    assert answer.status_code == 422
    assert words in answer.text
    assert owner.get("/api/runs").json() == []


def test_calling_nobody_or_too_many_at_once_is_told_to_people(acme: World, owner: TestClient) -> None:
    options = {"agent_id": str(acme.agent_id), "from_number": acme.number}
    for ids in ([], [str(uuid4()) for _ in range(4)]):
        answer = owner.post("/api/runs/dial-now", json={"lead_ids": ids, "options": options})
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert error["message"] == "At once, one to 3 people are called; for more, make a run."
        assert error["data"] == {"reason": "most_at_once", "most": 3}


def test_who_starts_too_many_runs_hears_of_what_and_when(
    acme: World,
    owner: TestClient,
    carrier: object,  # noqa: F811
) -> None:
    install_limits(replace(installed_limits(), starts_per_minute=1))
    first, second = acme.make_run(), made(owner, acme).json()["id"]
    assert owner.post(f"/api/runs/{first.id}/start").status_code == 202
    assert owner.post(f"/api/runs/{first.id}/cancel", json={}).status_code == 200
    refused = owner.post(f"/api/runs/{second}/start")
    assert refused.status_code == 429
    wait = refused.headers["Retry-After"]
    said = f"At most 1 runs may be begun in 60 seconds; the next one in {wait} seconds."
    assert refused.json()["error"]["message"] == said
