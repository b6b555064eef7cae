"""No route takes a field that it does not know: what is misspelt would change nothing, silently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api.doorway import TestClient, build_app, sign_in
from support.world import World


def refs_in(schema: Any) -> Iterator[str]:
    """Yield the names of the models that a schema refers to itself."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rsplit("/", 1)[1]
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from refs_in(part)


def test_every_body_refuses_what_it_does_not_know() -> None:
    described = build_app().openapi()
    models = described["components"]["schemas"]
    reached: dict[str, str] = {}
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            body = route.get("requestBody", {}).get("content", {}).get("application/json", {})
            waiting = list(refs_in(body))
            while waiting:
                name = waiting.pop()
                if name not in reached:
                    reached[name] = f"{method.upper()} {path}"
                    waiting += refs_in(models[name])
    # The walk is a walk: what is inside of a body is found too.
    assert {"RunIn", "RunOptionsIn", "RetryRule", "LeadFilter", "ClockRange", "SignInIn"} <= set(reached)
    lax = {
        name: route
        for name, route in reached.items()
        if "properties" in models[name] and models[name].get("additionalProperties") is not False
    }
    assert lax == {}


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def test_a_misspelt_field_is_named_and_nothing_is_changed(acme: World, owner: TestClient) -> None:
    before = owner.get("/api/business").json()
    window = {"from": "10:00", "to": "11:00"}
    refused = owner.patch("/api/business", json={"name": "Other", "calling_windows": window})
    assert refused.status_code == 422
    assert refused.json()["error"]["data"]["faults"][0]["path"] == "body.calling_windows"
    assert owner.get("/api/business").json() == before
    options = {"agent_id": str(acme.agent_id), "from_number": acme.number, "max_atempts": 3}
    run = {"title": "A run", "list_id": str(acme.list_id), "options": options}
    refused = owner.post("/api/runs", json=run)
    assert refused.status_code == 422
    assert refused.json()["error"]["data"]["faults"][0]["path"] == "body.options.max_atempts"
    assert owner.get("/api/runs").json() == []


def test_a_business_s_region_is_changed_to_a_country_and_nothing_else(owner: TestClient) -> None:
    assert owner.patch("/api/business", json={"region": "IL"}).json()["region"] == "IL"
    for wrong in ("il", "Israel", "XX", ""):
        assert owner.patch("/api/business", json={"region": wrong}).status_code == 422
    assert owner.get("/api/business").json()["region"] == "IL"
    assert (
        owner.post("/api/business/numbers", json={"number": "03-555 0123"}).json()["e164"] == "+97235550123"
    )
