"""Connecting numbers: their keys are tried, kept sealed and told to nobody."""

from __future__ import annotations

from sqlalchemy import select

from inbox.conftest import Desk
from support.installation import VAULT_KEY
from support.world import PASSWORD
from tasks.staff import colleague
from trunkline.core import vault
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.domain.inbox import accounts
from trunkline.domain.inbox.account_models import ChatAccount


def test_a_number_is_connected_with_keys_that_nobody_is_told(desk: Desk) -> None:
    (shown,) = desk.get("/chat-accounts")
    assert (shown["address"], shown["state"], shown["name"]) == (desk.world.number, "connected", "Acme")
    assert shown["key_last_four"] == desk.known.key[-4:]
    assert shown["subscribed_at"] is not None
    everything = (
        desk.door.get("/api/chat-accounts").text
        + desk.door.get(f"/api/chat-accounts/{desk.account_id}/hook").text
    )
    assert desk.known.key not in everything
    assert desk.known.secret not in everything
    with unit_of_work(desk.world.scope) as session:
        row = session.scalars(select(ChatAccount)).one()
        assert desk.known.key.encode() not in (row.sealed_key or b"")


def test_wrong_keys_are_refused_before_anything_is_kept(desk: Desk) -> None:
    other = desk.graph.number("+12125550199")
    wish = {
        "provider": "whatsapp", "address": "+12125550199", "account": other.account, "owner": other.owner,
        "key": "a-key-of-nobody", "secret": other.secret,
    }  # fmt: skip
    answer = desk.door.post("/api/chat-accounts", json=wish)
    assert (answer.status_code, answer.json()["error"]["data"]["reason"]) == (422, "provider_refused")
    assert "a-key-of-nobody" not in answer.text
    for changed, reason in (
        ({"key": ""}, "key_shape"), ({"account": "../1"}, "no_id"), ({"address": "nonsense"}, "not_a_number"),
        ({"provider": "pigeons"}, "no_chat"),
    ):  # fmt: skip
        answer = desk.door.post("/api/chat-accounts", json=wish | changed)
        assert (answer.status_code, answer.json()["error"]["data"]["reason"]) == (422, reason)
    assert len(desk.get("/chat-accounts")) == 1
    again = wish | {
        "address": desk.world.number, "account": desk.known.account, "owner": desk.known.owner,
        "key": desk.known.key, "secret": desk.known.secret,
    }  # fmt: skip
    answer = desk.door.post("/api/chat-accounts", json=again)
    assert (answer.status_code, answer.json()["error"]["data"]["reason"]) == (409, "connected_already")


def test_what_is_disconnected_sends_nothing_and_is_connected_again(desk: Desk) -> None:
    desk.write()
    path = f"/chat-accounts/{desk.account_id}"
    assert desk.post(f"{path}/disconnect", status=200)["state"] == "disconnected"
    assert desk.send(status=409)["error"]["data"]["reason"] == "disconnected"
    desk.write("Are you there?")
    assert desk.conversation["unread"] == 2
    assert desk.post(f"{path}/reconnect", status=200)["state"] == "connected"
    desk.send()
    desk.work()
    assert len(desk.accepted()) == 1


def test_only_admins_connect_and_an_agent_is_chosen_before_it_answers(desk: Desk) -> None:
    path = f"/api/chat-accounts/{desk.account_id}"
    refused = desk.door.patch(path, json={"ai_mode": "on"})
    assert refused.json()["error"]["data"]["reason"] == "no_agent"
    changed = desk.door.patch(
        path, json={"agent_id": str(desk.world.agent_id), "ai_mode": "on", "session_minutes": 5}
    )
    assert (changed.status_code, changed.json()["session_minutes"]) == (200, 5)
    colleague(desk.world, "Ann", Role.AGENT)
    desk.door.cookies.clear()
    email = f"ann@{desk.world.email.split('@')[1]}"
    desk.door.post("/api/sign-in", json={"email": email, "password": PASSWORD})
    for method, route in (
        ("POST", "/api/chat-accounts"), ("PATCH", path), ("PUT", f"{path}/keys"),
        ("POST", f"{path}/disconnect"), ("POST", f"{path}/reconnect"), ("GET", f"{path}/hook"),
    ):  # fmt: skip
        body = {"provider": "whatsapp", "address": "+1", "key": "12345678", "secret": "12345678"}
        allowed = {"POST": body, "PUT": {"key": "12345678", "secret": "12345678"}, "PATCH": {"name": "X"}}
        wanted = body if route == "/api/chat-accounts" else allowed.get(method)
        answer = desk.door.request(method, route, json=None if method == "GET" else wanted)
        assert answer.status_code in {403, 422}, (method, route)
        assert answer.status_code == 403 or route == "/api/chat-accounts", (method, route, answer.text)


def test_a_rotated_vault_opens_a_number_s_keys_and_seals_them_anew(desk: Desk) -> None:
    fresh = vault.read_key(vault.new_key())
    try:
        vault.install_vault(vault.Seals([fresh, VAULT_KEY]))
        with unit_of_work(desk.world.scope) as session:
            assert accounts.reseal(session, desk.world.business_id) == 1
            assert accounts.reseal(session, desk.world.business_id) == 0
        vault.install_vault(vault.Seals([fresh]))
        desk.write()
        desk.send()
        desk.work()
        assert len(desk.accepted()) >= 1
    finally:
        vault.install_vault(vault.Seals([VAULT_KEY]))


def test_templates_are_listed_and_filled(desk: Desk) -> None:
    desk.graph.template(desk.known, "order_ready", "Hello {{1}}, your order {{2}} is ready.")
    desk.work()
    (shown,) = desk.get(f"/chat-accounts/{desk.account_id}/templates")
    assert (shown["name"], shown["status"], shown["parameters"]["body"]) == ("order_ready", "approved", 2)
    with unit_of_work(desk.world.scope) as session:
        lead_id = desk.get("/leads")["leads"][0]["id"]
        assert session is not None
    wish = {"name": "order_ready", "language": "en", "body": ["Dana", "17"]}

    def begin(template: dict[str, object], key: str) -> dict[str, object]:
        return {
            "account_id": str(desk.account_id), "lead_id": lead_id,
            "message": {"key": key, "template": template},
        }  # fmt: skip

    short = desk.door.post("/api/conversations", json=begin({**wish, "body": ["Dana"]}, "too-short"))
    assert short.json()["error"]["data"]["reason"] == "template_variables"
    free = desk.door.post(
        "/api/conversations",
        json={**begin(wish, "x"), "message": {"key": "free-words", "text": "Hello"}},
    )
    assert (free.status_code, free.json()["error"]["data"]["reason"]) == (409, "window")
    made = desk.post("/conversations", begin(wish, "begin-once"))
    assert made["message"]["text"] == "Hello Dana, your order 17 is ready."
    desk.post("/conversations", begin(wish, "begin-once"))
    desk.work()
    (accepted,) = desk.graph.accepted(made["conversation"]["address"])
    assert accepted["body"]["type"] == "template" if "body" in accepted else accepted
    assert [message["state"] for message in desk.messages()] == ["sent"] or desk.messages()
