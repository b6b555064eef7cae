"""Changing a business: what is named changes and nothing else does, and who changed a rule can be told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from api.doorway import TestClient, sign_in
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.tenants import service as tenants


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def rules_after(owner: TestClient, change: dict[str, Any]) -> dict[str, Any]:
    answer = owner.patch("/api/business", json={"calling_rules": change})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = owner.get("/api/business").json()["calling_rules"]
    return shown


def test_a_rule_that_is_named_changes_and_the_others_stay(owner: TestClient) -> None:
    strict = {
        "consent_required": True, "holidays": ["2026-12-25"], "attempts_in_all": 4, "attempts_per_day": None,
    }  # fmt: skip
    first = rules_after(owner, strict)
    second = rules_after(owner, {"minimum_gap_minutes": 5})
    assert second == {**first, "minimum_gap_minutes": 5}
    third = rules_after(owner, {"disclosure": "An AI speaks."})
    assert third == {**second, "disclosure": "An AI speaks."}
    assert {name: third[name] for name in strict} == strict


def test_an_empty_value_puts_a_rule_back(owner: TestClient) -> None:
    begun = owner.get("/api/business").json()["calling_rules"]
    rules_after(
        owner,
        {
            "disclosure": "An AI speaks.", "holidays": ["2026-12-25"], "consent_required": True,
            "days": ["monday"], "attempts_per_day": 9,
        },
    )  # fmt: skip
    left = rules_after(owner, {"disclosure": "", "holidays": [], "consent_required": None, "days": None})
    assert left == {**begun, "attempts_per_day": 9}
    # Of a limit, null is a rule of its own: there is none.
    assert rules_after(owner, {"attempts_per_day": None})["attempts_per_day"] is None


def test_two_who_change_different_rules_at_once_both_have_their_way(acme: World) -> None:
    gate = Barrier(2)

    def change(rules: dict[str, Any]) -> None:
        with unit_of_work(acme.scope) as session:
            tenants.get_business(session, acme.business_id)
            gate.wait(30)
            tenants.change_business(session, acme.business_id, {"calling_rules": rules}, actor="test")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(change, ({"disclosure": "An AI speaks."}, {"consent_required": True})))
    with unit_of_work(acme.scope) as session:
        kept = tenants.get_business(session, acme.business_id).calling_rules
    assert kept == {"disclosure": "An AI speaks.", "consent_required": True}
