"""The vault: keys go in and never come out, and open for their own business alone."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import select, text, update

from api.doorway import TestClient, sign_in
from support.commands import trunkline
from support.installation import VAULT_KEY, Installation
from support.world import PASSWORD, World
from trunkline.core import vault
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.core.vault import ProviderKey, Seals, VaultClosed
from trunkline.domain.people import service as people

KEY = "sk-live-0123456789abcdefghijWXYZ"
OTHER = "sk-live-another-one-altogether-7890"


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def put(client: TestClient, provider: str = "openai", key: str = KEY) -> Any:
    return client.put(f"/api/business/keys/{provider}", json={"key": key})


def test_a_key_goes_in_and_only_its_end_is_told(owner: TestClient, acme: World) -> None:
    answer = put(owner, key=f"  {KEY}\n")
    assert answer.status_code == 200
    (shown,) = owner.get("/api/business/keys").json()
    assert shown == answer.json()
    assert (shown["provider"], shown["last_four"], shown["set_by"]) == ("openai", "WXYZ", acme.email)
    assert shown["opens"]
    # Another in its place.
    assert put(owner, key=OTHER).json()["last_four"] == "7890"
    with unit_of_work(acme.scope) as session:
        assert vault.open_keys(session, acme.business_id) == {"openai": OTHER}
    assert owner.delete("/api/business/keys/openai").status_code == 204
    assert owner.delete("/api/business/keys/openai").status_code == 404
    assert owner.get("/api/business/keys").json() == []


def test_nothing_that_comes_out_has_a_key_in_it(owner: TestClient, acme: World) -> None:
    told = [put(owner).text, put(owner, "anthropic", OTHER).text]
    told += [
        put(owner, key=f"{KEY} with a space").text,
        put(owner, "nobody").text,
        put(owner, key="short").text,
    ]
    told += [owner.put("/api/business/keys/openai", json={"key": KEY, "keys": OTHER}).text]
    told += [owner.put("/api/business/keys/openai", json={"key": [KEY]}).text]
    for path in ("/api/business/keys", "/api/business", "/api/events?limit=500", "/api/jobs", "/api/agents"):
        told.append(owner.get(path).text)
    for secret in (KEY, OTHER):
        assert [answer for answer in told if secret in answer] == []
    # Nor is it to be read in the table.
    with unit_of_work(acme.scope) as session:
        rows = session.execute(text("select to_jsonb(k)::text, sealed from provider_keys k")).all()
        assert len(rows) == 2
        assert all(KEY not in row[0] and KEY.encode() not in bytes(row[1]) for row in rows)
        kinds = session.execute(text("select kind, data->>'provider' from events where kind like 'key.%'"))
        assert sorted(map(tuple, kinds)) == [("key.set", "anthropic"), ("key.set", "openai")]


def test_who_may_and_what_is_no_key(owner: TestClient, acme: World) -> None:
    assert put(owner, key="short").status_code == 422
    assert put(owner, "nobody").status_code == 404
    assert owner.delete("/api/business/keys/%00").status_code == 404
    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="agent@acme.example", name="Agent",
            password=PASSWORD, role=Role.AGENT, actor="test",
        )  # fmt: skip
    sign_in(owner, "agent@acme.example")
    assert put(owner).status_code == 403
    assert owner.get("/api/business/keys").status_code == 403
    assert owner.delete("/api/business/keys/openai").status_code == 403


def test_a_row_that_is_copied_to_another_business_or_provider_does_not_open(
    acme: World, umbrella: World
) -> None:
    with unit_of_work(acme.scope) as session:
        row = vault.put_key(session, acme.business_id, "openai", KEY, actor="test")
    with unit_of_work(umbrella.scope) as session:
        session.add(
            ProviderKey(
                business_id=umbrella.business_id, provider="openai", sealed=row.sealed,
                sealed_under=row.sealed_under, last_four="WXYZ", set_by="a thief",
            )
        )  # fmt: skip
        session.flush()
        with pytest.raises(VaultClosed):
            vault.open_keys(session, umbrella.business_id)
        assert [vault.opens(stolen) for stolen in vault.list_keys(session, umbrella.business_id)] == [False]
    with unit_of_work(acme.scope) as session:
        session.execute(update(ProviderKey).values(provider="anthropic"))
    with unit_of_work(acme.scope) as session, pytest.raises(VaultClosed):
        vault.open_keys(session, acme.business_id)


def test_a_changed_vault_key_opens_with_the_old_one_beside_it_and_reseals(
    acme: World, umbrella: World, installation: Installation
) -> None:
    for world in (acme, umbrella):
        with unit_of_work(world.scope) as session:
            vault.put_key(session, world.business_id, "openai", KEY, actor="test")
    new, old = vault.new_key(), base64.b64encode(VAULT_KEY).decode()
    status, said, _ = trunkline(installation, "vault", "reseal", VAULT_KEY=new, VAULT_OLD_KEYS=old)
    assert (status, said) == (0, "2 keys sealed anew, in 2 businesses.")
    status, said, _ = trunkline(installation, "vault", "reseal", VAULT_KEY=new)
    assert (status, said) == (0, "0 keys sealed anew, in 2 businesses.")
    try:
        with unit_of_work(acme.scope) as session, pytest.raises(VaultClosed):
            vault.open_keys(session, acme.business_id)
        vault.install_vault(Seals([vault.read_key(new)]))
        with unit_of_work(acme.scope) as session:
            assert vault.open_keys(session, acme.business_id) == {"openai": KEY}
    finally:
        vault.install_vault(Seals([VAULT_KEY]))


def test_a_vault_s_key_that_is_none_is_said_so(installation: Installation) -> None:
    status, _, said = trunkline(installation, "vault", "reseal", VAULT_KEY="c2hvcnQ=")
    assert status == 1
    assert "VAULT_KEY must be 32 bytes in base64" in said
    assert "c2hvcnQ=" not in said


def test_what_seals_differs_each_time(acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        first = bytes(vault.put_key(session, acme.business_id, "openai", KEY, actor="test").sealed)
        second = bytes(vault.put_key(session, acme.business_id, "openai", KEY, actor="test").sealed)
        assert first != second
        assert session.scalars(select(ProviderKey)).one().sealed_under == vault.key_id(VAULT_KEY)


def test_a_brain_without_a_key_here_is_offered_to_who_brings_one(owner: TestClient) -> None:
    def offered() -> list[str]:
        return [brain["name"] for brain in owner.get("/api/agent-options").json()["brains"]]

    agent = {"name": "Ada", "language": "en", "brain": "anthropic", "instructions": "Be kind."}
    made = owner.post("/api/agents", json=agent)
    assert made.status_code == 201, made.text
    assert "no_key" in [warning["code"] for warning in made.json()["warnings"]]
    assert "anthropic" not in offered()
    put(owner, "anthropic")
    assert "anthropic" in offered()
    warnings = owner.get(f"/api/agents/{made.json()['id']}").json()["warnings"]
    assert "no_key" not in [warning["code"] for warning in warnings]
