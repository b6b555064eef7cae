"""Pushes over real sockets: what arrives, for whom, how often, and what becomes of devices that are gone."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from api.doorway import TestClient, sign_in
from support.installation import VAULT_KEY, Installation
from support.push_service import Browser, PushStand, public_key
from support.world import World
from tasks.staff import colleague, owner_of, sendings, told
from trunkline.core import registry, vault
from trunkline.core.db import unit_of_work
from trunkline.core.jobs.models import Job
from trunkline.domain.notifications import service
from trunkline.domain.notifications.models import PushDevice
from trunkline.providers.web_push import encrypt

FACTS = {"task_id": "1", "title": "Call Ruth", "by": "Dana"}


def unbase(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def tell(world: World, installation: Installation, *, key: str = "once", about: str | None = None) -> int:
    """Tell the owner that they were given a task, and let it go where it goes."""
    me = owner_of(world).user_id
    with unit_of_work(world.scope) as session:
        made = service.notify(session, world.business_id, [me], "task_assigned", FACTS, key, about=about)
    installation.run_jobs("default")
    return made


def devices_of(world: World) -> int:
    with unit_of_work(world.scope) as session:
        return session.query(PushDevice).count()


def states(world: World) -> list[str]:
    return [sending.state for sending in sendings(world)]


def test_encryption_is_the_standard_s_to_the_byte() -> None:
    """RFC 8291, appendix A."""
    private = int.from_bytes(unbase("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
    sealed = encrypt(
        b"When I grow up, I want to be a watermelon",
        p256dh=unbase(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
        ),
        auth=unbase("BTBZMqHH6r4Tts7J_aSIgg"),
        key=ec.derive_private_key(private, ec.SECP256R1()),
        salt=unbase("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert sealed == unbase(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBr"
        "u3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_a_push_arrives_and_is_told_once(acme: World, installation: Installation, browser: Browser) -> None:
    assert tell(acme, installation) == 1
    assert tell(acme, installation) == 0
    (message,) = browser.arrived()
    assert message["payload"]["title"] == "Call Ruth"
    assert message["payload"]["body"] == "Dana has given you a task"
    assert message["urgency"] == "normal"
    assert (len(told(acme)), states(acme)) == (1, ["sent"])


def test_a_newer_one_about_the_same_takes_the_older_one_s_place(
    acme: World, installation: Installation, browser: Browser
) -> None:
    tell(acme, installation, key="first", about="task:1")
    tell(acme, installation, key="second", about="task:1")
    tell(acme, installation, key="other", about="task:2")
    assert len(browser.arrived()) == 3
    assert len(browser.shown()) == 2


def test_words_are_in_the_language_of_whom_they_go_to(
    acme: World, installation: Installation, browser: Browser, push_stand: PushStand
) -> None:
    hebrew = push_stand.browser(public_key(acme))
    dana = colleague(acme, "Dana", language="he")
    hebrew.subscribe(acme, dana)
    people = [owner_of(acme).user_id, dana]
    with unit_of_work(acme.scope) as session:
        service.notify(session, acme.business_id, people, "task_assigned", FACTS, "both")
    installation.run_jobs("default")
    assert browser.arrived()[0]["payload"]["body"] == "Dana has given you a task"
    assert hebrew.arrived()[0]["payload"]["body"] == "קיבלת מטלה מאת Dana"


def test_a_device_that_is_gone_is_forgotten_and_others_are_told(
    acme: World, installation: Installation, browser: Browser, push_stand: PushStand
) -> None:
    other = push_stand.browser(public_key(acme))
    other.subscribe(acme, owner_of(acme).user_id)
    browser.change(gone=True)
    tell(acme, installation)
    assert devices_of(acme) == 1
    assert states(acme) == ["sent"]
    assert len(other.arrived()) == 1
    assert browser.arrived() == []


def test_a_service_that_is_busy_is_asked_again_and_one_that_refuses_is_not(
    acme: World, installation: Installation, browser: Browser
) -> None:
    browser.change(faults=[429])
    tell(acme, installation)
    assert states(acme) == ["waiting"]
    with installation.administrator.begin() as connection:
        connection.exec_driver_sql("update jobs set run_at = clock_timestamp() where state = 'queued'")
    installation.run_jobs("default")
    assert (states(acme), len(browser.arrived())) == (["sent"], 1)
    browser.change(faults=[403])
    tell(acme, installation, key="refused")
    assert sorted(states(acme)) == ["refused", "sent"]
    assert devices_of(acme) == 1
    with unit_of_work(acme.scope) as session:
        assert {job.state for job in session.query(Job)} == {"succeeded"}


def test_what_one_was_to_be_told_goes_to_nobody_else_who_has_the_browser_by_then(
    acme: World, installation: Installation, browser: Browser
) -> None:
    me = owner_of(acme).user_id
    with unit_of_work(acme.scope) as session:
        service.notify(session, acme.business_id, [me], "task_assigned", FACTS, "mine")
    browser.subscribe(acme, colleague(acme, "Dana"))
    installation.run_jobs("default")
    assert (browser.arrived(), states(acme)) == ([], ["dropped"])


def test_a_device_is_told_what_it_was_chosen_for(
    acme: World, installation: Installation, outside: object, push_stand: PushStand
) -> None:
    picky = push_stand.browser(public_key(acme))
    picky.subscribe(acme, owner_of(acme).user_id, kinds=["task_due"])
    tell(acme, installation)
    assert picky.arrived() == []
    assert (len(told(acme)), states(acme)) == (1, [])


def test_the_key_is_made_once_kept_sealed_and_sealed_anew(acme: World, outside: object) -> None:
    first = public_key(acme)
    assert public_key(acme) == first
    with unit_of_work(acme.scope) as session:
        row = session.get_one(vault.InstallationKey, "web_push")
        assert b"PRIVATE KEY" not in row.sealed
        private = vault.installation_key(session, "web_push", lambda: "another")
    assert registry.pusher().public_key(private) == first
    old = vault.installed_seals()
    try:
        vault.install_vault(vault.Seals([b"n" * 32, VAULT_KEY]))
        with unit_of_work(acme.scope) as session:
            assert vault.reseal_installation(session) == 1
            assert vault.reseal_installation(session) == 0
        vault.install_vault(vault.Seals([b"n" * 32]))
        assert public_key(acme) == first
    finally:
        vault.install_vault(old)


# --- By the door -----------------------------------------------------------------------------


def subscription(made: Browser, **more: object) -> dict[str, object]:
    return {
        "endpoint": made.endpoint,
        "keys": {"p256dh": made.p256dh, "auth": made.auth},
        "name": "Mine",
        **more,
    }


def test_a_browser_is_subscribed_tried_changed_and_forgotten(
    owner: TestClient, acme: World, installation: Installation, outside: object, push_stand: PushStand
) -> None:
    made = push_stand.browser(owner.get("/api/push/key").json()["public_key"])
    device = owner.post("/api/push/devices", json=subscription(made))
    assert device.status_code == 201, device.text
    assert made.endpoint not in device.text
    path = f"/api/push/devices/{device.json()['id']}"
    assert owner.post(f"{path}/try").status_code == 202
    installation.run_jobs("default")
    assert made.arrived()[0]["payload"]["title"] == "Notifications reach this device"
    assert owner.get("/api/notifications").json()["notifications"] == []
    assert owner.patch(path, json={"kinds": ["task_due"]}).json()["kinds"] == ["task_due"]
    assert owner.patch(path, json={"kinds": ["nonsense"]}).json()["error"]["data"]["reason"] == "no_kind"
    # Subscribed again, it is the same device; by somebody else, it is theirs.
    assert owner.post("/api/push/devices", json=subscription(made)).json()["id"] == device.json()["id"]
    colleague(acme, "Dana")
    sign_in(owner, "dana@acme.example")
    assert owner.delete(path).status_code == 404
    assert owner.post("/api/push/devices", json=subscription(made)).json()["id"] == device.json()["id"]
    assert len(owner.get("/api/push/devices").json()["devices"]) == 1
    assert owner.delete(path).status_code == 204
    assert devices_of(acme) == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"endpoint": "http://push.example/1"}, "no_push_service"),
        ({"endpoint": "file:///etc/passwd"}, "no_push_service"),
        ({"endpoint": "https://user:secret@push.example/1"}, "no_push_service"),
        ({"endpoint": "https://"}, "no_push_service"),
        ({"keys": {"p256dh": "AAAA", "auth": "AAAA"}}, "no_push_key"),
        ({"keys": {"p256dh": "B" * 87, "auth": "A" * 22}}, "no_push_key"),
        ({"kinds": ["nonsense"]}, "no_kind"),
    ],
)
def test_what_is_no_subscription_is_refused(
    owner: TestClient, outside: object, push_stand: PushStand, changes: dict[str, object], reason: str
) -> None:
    made = push_stand.browser("x")
    answer = owner.post("/api/push/devices", json=subscription(made, **changes))
    assert answer.status_code == 422
    assert answer.json()["error"]["data"]["reason"] == reason


def test_an_inbox_is_read_page_by_page_and_is_one_s_own(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    for number in range(3):
        tell(acme, installation, key=f"n{number}")
    assert owner.get("/api/notifications/unread").json() == {"unread": 3}
    first = owner.get("/api/notifications", params={"limit": 2}).json()
    second = owner.get("/api/notifications", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert (len(first["notifications"]), len(second["notifications"]), second["next_cursor"]) == (2, 1, None)
    one = first["notifications"][0]["id"]
    assert owner.post(f"/api/notifications/{one}/read", json={}).json()["read_at"] is not None
    assert owner.get("/api/notifications/unread").json() == {"unread": 2}
    assert len(owner.get("/api/notifications", params={"unread": "true"}).json()["notifications"]) == 2
    assert owner.post(f"/api/notifications/{one}/read", json={"read": False}).json()["read_at"] is None
    assert owner.post("/api/notifications/read").status_code == 204
    assert owner.get("/api/notifications/unread").json() == {"unread": 0}
    colleague(acme, "Dana")
    sign_in(owner, "dana@acme.example")
    assert owner.get("/api/notifications").json()["notifications"] == []
    assert owner.post(f"/api/notifications/{one}/read", json={}).status_code == 404


def test_choices_are_kept_whole(owner: TestClient, acme: World, installation: Installation) -> None:
    usual = owner.get("/api/notification-choices").json()
    assert usual["ahead"] == [30, 15, 5]
    assert {kind["kind"] for kind in usual["kinds"]} >= {"appointment_soon", "task_assigned", "task_due"}
    off = {"page": False, "push": False, "email": False}
    chosen = owner.put(
        "/api/notification-choices",
        json={"kinds": {"task_assigned": off}, "ahead": [5, 60, 5], "own_quiet": True,
              "quiet": {"from": "22:00", "to": "07:00"}},
    ).json()  # fmt: skip
    assert (chosen["ahead"], chosen["quiet"]) == ([60, 5], {"from": "22:00", "to": "07:00"})
    assert owner.get("/api/notification-choices").json() == chosen
    assert tell(acme, installation) == 0
    wrong = owner.put("/api/notification-choices", json={"kinds": {"nonsense": off}, "ahead": []})
    assert wrong.json()["error"]["data"]["reason"] == "no_kind"
    assert (
        owner.put("/api/business/quiet-hours", json={"quiet": {"from": "25:00", "to": "07:00"}}).status_code
        == 422
    )
    assert (
        owner.put("/api/business/quiet-hours", json={"quiet": {"from": "21:00", "to": "06:00"}}).status_code
        == 200
    )
    assert owner.get("/api/business/quiet-hours").json() == {"quiet": {"from": "21:00", "to": "06:00"}}
    colleague(acme, "Dana")
    sign_in(owner, "dana@acme.example")
    assert owner.get("/api/notification-choices").json()["quiet"] == {"from": "21:00", "to": "06:00"}
    assert owner.put("/api/business/quiet-hours", json={"quiet": None}).status_code == 403


def test_a_payload_has_no_secret_of_the_system(
    acme: World, installation: Installation, browser: Browser
) -> None:
    tell(acme, installation)
    said = json.dumps(browser.arrived()[0]["payload"])
    assert str(acme.business_id) not in said
    assert acme.email not in said
