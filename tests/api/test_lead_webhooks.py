"""Inbound lead webhooks: who may send, what becomes of what is sent, and what is kept of it."""

from __future__ import annotations

import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from api.doorway import HEADERS, TestClient, sign_in
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core import shared_secrets, vault
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.core.shared_secrets import SharedSecret
from trunkline.domain.leads import merging, webhook_rules
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.webhook_models import LeadDelivery
from trunkline.domain.people import service as people
from trunkline.kit import clock
from trunkline.kit.ids import new_id


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


class Form:
    """A form somewhere on the web, which sends what people write."""

    def __init__(self, door: TestClient, made: dict[str, Any]) -> None:
        self.id: str = made["id"]
        self.secret: str = made["secret"]
        self.version: int = made["version"]
        self._door = door

    def send(
        self, said: Any, *, secret: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        self._door.cookies.clear()  # it has no session
        proof = {"Authorization": f"Bearer {self.secret if secret is None else secret}"}
        answer = self._door.post(f"/hooks/leads/{self.id}", json=said, headers={**proof, **(headers or {})})
        return answer.status_code, answer.json()


@pytest.fixture
def form(owner: TestClient, visitor: TestClient) -> Form:
    return make(owner)


def make(owner: TestClient, **facts: Any) -> Form:
    answer = owner.post("/api/lead-webhooks", json={"name": "Website", **facts})
    assert answer.status_code == 201, answer.text
    return Form(owner, answer.json())


def lead_of(world: World, phone: str) -> Lead:
    with unit_of_work(world.scope) as session:
        lead = session.scalars(
            select(Lead).where(Lead.business_id == world.business_id, Lead.phone == phone)
        ).one()
        session.expunge(lead)
        return lead


def test_somebody_new_becomes_a_lead_where_the_webhook_says(owner: TestClient, acme: World) -> None:
    names = {row["name"]: row["id"] for row in owner.get("/api/lead-statuses").json()}
    form = make(
        owner, status_id=names["Qualified"], list_id=str(acme.list_id), tags=["web", "spring"],
        mapping={"phone": "contact.mobile", "notes": "wish"},
    )  # fmt: skip
    said = {
        "contact": {"mobile": "(212) 555-0177", "first_name": "Dana", "last_name": "Levi"},
        "email": "dana@example.com", "wish": "A quote", "consent": True, "consent_source": "Form",
        "utm": ["a", "b"],
    }  # fmt: skip
    status, answer = form.send(said)
    assert (status, answer["result"]) == (201, "created"), answer
    lead = lead_of(acme, "+12125550177")
    assert (lead.name, lead.email, lead.notes, lead.source) == (
        "Dana Levi", "dana@example.com", "A quote", "Website"
    )  # fmt: skip
    assert (lead.tags, str(lead.status_id)) == (["spring", "web"], names["Qualified"])
    assert (lead.consent, lead.consent_source) == ("express", "Form")
    sign_in(owner, acme.email)
    shown = owner.get(f"/api/leads/{answer['lead_id']}").json()
    assert [row["id"] for row in shown["lists"]] == [str(acme.list_id)]
    (move,) = owner.get(f"/api/leads/{answer['lead_id']}/status-changes").json()["changes"]
    assert (move["cause"], move["source_id"], move["before_name"]) == ("webhook", form.id, "New")


def test_of_somebody_known_blanks_alone_are_filled(owner: TestClient, acme: World) -> None:
    names = {row["name"]: row["id"] for row in owner.get("/api/lead-statuses").json()}
    form = make(owner, status_id=names["Lost"], tags=["web"])
    phone = acme.phones[0]
    known = lead_of(acme, phone)
    status, answer = form.send({"phone": phone, "name": "Somebody Else", "email": "new@example.com"})
    assert (status, answer["result"], answer["lead_id"]) == (200, "merged", str(known.id))
    lead = lead_of(acme, phone)
    assert lead.name == (known.name or "Somebody Else")
    assert (lead.email, lead.tags, lead.status_id) == ("new@example.com", ["web"], None)
    assert form.send({"phone": phone, "email": "third@example.com"})[0] == 200
    assert lead_of(acme, phone).email == "new@example.com"


def test_own_fields_are_filled_by_their_names_or_as_the_webhook_says(owner: TestClient, acme: World) -> None:
    for field in (
        {"label": "Budget", "kind": "number"}, {"label": "Car", "kind": "choice", "choices": ["Old", "New"]}
    ):  # fmt: skip
        assert owner.post("/api/lead-fields", json=field).status_code == 201
    refused = owner.post("/api/lead-webhooks", json={"name": "W", "mapping": {"field:none": "x"}})
    assert (refused.status_code, refused.json()["error"]["data"]["field"]) == (422, "field:none")
    form = make(owner, mapping={"field:car": "vehicle.age"})
    assert owner.get("/api/lead-webhooks").json()["fields"][-2:] == ["field:budget", "field:car"]
    phone = "+12125550177"
    said = {"phone": phone, "budget": 1500, "vehicle": {"age": "new"}}
    trial = owner.post(f"/api/lead-webhooks/{form.id}/test", json={"body": said}).json()
    assert (trial["fields"]["field:budget"], trial["fields"]["field:car"]) == ("1500", "New")
    assert form.send(said)[0] == 201
    assert lead_of(acme, phone).fields == {"budget": 1500, "car": "New"}
    assert form.send({"phone": phone, "budget": 9})[0] == 200
    assert lead_of(acme, phone).fields["budget"] == 1500, "blanks alone are filled"
    status, answer = form.send({"phone": phone, "vehicle": {"age": "rusty"}})
    (fault,) = answer["error"]["data"]["fields"]
    assert (status, fault["field"], fault["code"]) == (422, "field:car", "field_unclear")


def test_a_form_as_browsers_send_it_is_read_too(form: Form, visitor: TestClient, acme: World) -> None:
    answer = visitor.post(
        f"/hooks/leads/{form.id}", data={"טלפון": "212-555-0178", "שם מלא": "דנה לוי"},
        headers={"Authorization": f"bearer {form.secret}"},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    assert lead_of(acme, "+12125550178").name == "דנה לוי"


def test_only_the_secret_or_its_signature_lets_in(form: Form, visitor: TestClient, acme: World) -> None:
    body = json.dumps({"phone": "+12125550179"}).encode()
    visitor.cookies.clear()

    def post(headers: dict[str, str], path: str = form.id) -> int:
        return visitor.post(f"/hooks/leads/{path}", content=body, headers=headers).status_code

    good = hmac.new(form.secret.encode(), body, hashlib.sha256).hexdigest()
    other = hmac.new(form.secret.encode(), body + b" ", hashlib.sha256).hexdigest()
    refused = (
        {}, {"Authorization": "Bearer "}, {"Authorization": f"Basic {form.secret}"},
        {"Authorization": f"Bearer {form.secret}x"}, {"X-Trunkline-Signature": f"sha256={other}"},
        {"X-Trunkline-Signature": ""},
    )  # fmt: skip
    assert {post(headers) for headers in refused} == {401}
    assert post({"Authorization": f"Bearer {form.secret}"}, str(new_id())) == 404
    with unit_of_work(acme.scope) as session:
        assert session.scalar(select(func.count()).select_from(LeadDelivery)) == 0
    assert post({"X-Trunkline-Signature": f"sha256={good}"}) == 201


def test_what_cannot_be_used_says_which_field_is_at_fault_and_is_kept(
    form: Form, owner: TestClient, acme: World
) -> None:
    faults = []
    for said in (
        {"name": "Nobody"}, {"phone": "12"}, {"phone": "+12125550180", "consent": "perhaps"},
        {"phone": "+12125550180", "consent": "yes", "consent_at": "yesterday"},
        {"phone": "+12125550180", "name": "x" * 201}, ["+12125550180"],
    ):  # fmt: skip
        status, answer = form.send(said)
        assert status == 422, answer
        (fault,) = answer["error"]["data"]["fields"]
        faults.append((fault["field"], fault["code"]))
    assert faults == [
        ("phone", "missing"), ("phone", faults[1][1]), ("consent", "consent_unclear"),
        ("consent_at", "time_unclear"), ("name", "too_long"), ("body", "not_object"),
    ]  # fmt: skip
    sign_in(owner, acme.email)
    kept = owner.get(f"/api/lead-webhooks/{form.id}/deliveries").json()["deliveries"]
    assert [row["status"] for row in kept] == [422] * 6
    assert kept[-1]["body"] == '{"name":"Nobody"}'


def test_the_same_key_gets_the_same_answer_however_often_and_at_once(form: Form, acme: World) -> None:
    key = {"Idempotency-Key": "order-1"}

    def send(_: int) -> tuple[int, str]:
        status, answer = form.send({"phone": "+12125550181"}, headers=key)
        return status, answer["lead_id"]

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(send, range(12)))
    assert len(answers) == 1
    assert answers.pop()[0] == 201
    with unit_of_work(acme.scope) as session:
        assert session.scalar(select(func.count()).select_from(LeadDelivery)) == 1


def test_two_hundred_a_minute_and_no_more(form: Form, acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        for _ in range(199):
            session.add(
                LeadDelivery(
                    business_id=acme.business_id, webhook_id=UUID(form.id), status=422, answer={}, body="",
                    at=clock.now(),
                )
            )  # fmt: skip
    assert form.send({"phone": "+12125550182"})[0] == 201
    status, answer = form.send({"phone": "+12125550183"})
    assert status == 429
    assert 1 <= answer["error"]["data"]["retry_after_s"] <= 61
    with clock.frozen_at(clock.now() + timedelta(seconds=62)):
        assert form.send({"phone": "+12125550183"})[0] == 201


def test_the_last_hundred_are_shown_and_older_ones_forgotten_after_a_day(
    form: Form, owner: TestClient, acme: World
) -> None:
    with unit_of_work(acme.scope) as session:
        for number in range(150):
            days = 2 if number < 100 else 0
            session.add(
                LeadDelivery(
                    business_id=acme.business_id, webhook_id=UUID(form.id), status=422, answer={}, body="",
                    at=clock.now() - timedelta(days=days, minutes=300 - number),
                )
            )  # fmt: skip
    assert form.send({"phone": "+12125550184"})[0] == 201
    with unit_of_work(acme.scope) as session:
        assert session.scalar(select(func.count()).select_from(LeadDelivery)) == 100
    sign_in(owner, acme.email)
    kept = owner.get(f"/api/lead-webhooks/{form.id}/deliveries").json()["deliveries"]
    assert (len(kept), kept[0]["status"]) == (100, 201)


def test_a_secret_is_shown_once_sealed_and_made_anew(form: Form, owner: TestClient, acme: World) -> None:
    shown = owner.get("/api/lead-webhooks").json()["webhooks"][0]
    assert "secret" not in shown
    assert shown["last_four"] == form.secret[-4:]
    with unit_of_work(acme.scope) as session:
        assert form.secret.encode() not in session.scalars(select(SharedSecret.sealed)).one()
    first = form.secret
    form.secret = owner.post(f"/api/lead-webhooks/{form.id}/rotate", json={}).json()["secret"]
    assert form.send({"phone": "+12125550185"})[0] == 201
    assert form.send({"phone": "+12125550185"}, secret=first)[0] == 200, "for a day more"
    with clock.frozen_at(clock.now() + timedelta(hours=25)):
        assert form.send({"phone": "+12125550185"}, secret=first)[0] == 401
    sign_in(owner, acme.email)
    second = form.secret
    form.secret = owner.post(f"/api/lead-webhooks/{form.id}/rotate", json={"at_once": True}).json()["secret"]
    assert form.send({"phone": "+12125550185"}, secret=second)[0] == 401
    with unit_of_work(acme.scope) as session:
        assert session.scalar(select(func.count()).select_from(SharedSecret)) == 1


def test_secrets_are_sealed_anew_under_another_key_of_the_vault(form: Form, acme: World) -> None:
    old, new = vault.installed_seals(), vault.Seals([b"n" * 32])
    keys = vault.Seals([b"n" * 32])
    keys._ciphers |= old._ciphers
    try:
        vault.install_vault(keys)
        with unit_of_work(acme.scope) as session:
            assert shared_secrets.reseal(session, acme.business_id) == 1
            assert shared_secrets.reseal(session, acme.business_id) == 0
        vault.install_vault(new)
        assert form.send({"phone": "+12125550186"})[0] == 201
    finally:
        vault.install_vault(old)


def test_letters_that_are_half_of_one_break_nothing(form: Form, visitor: TestClient, acme: World) -> None:
    """JSON can say half of a pair of code units, which no text of a database holds."""
    for said in (
        {"phone": "+12125550177", "name": "Dana \ud83d", "\ud83d": "x"},
        {"phone": "\ud83d", "name": "Dana"},
        {"phone": "+12125550178", "consent": "\ud83d"},
    ):
        body = json.dumps(said)
        proof = {"Authorization": f"Bearer {form.secret}", "Content-Type": "application/json"}
        visitor.cookies.clear()
        answer = visitor.post(f"/hooks/leads/{form.id}", content=body, headers=proof)
        assert answer.status_code in {201, 422}, (said, answer.text)
    assert lead_of(acme, "+12125550177").name == "Dana ?"
    sign_in(visitor, acme.email)
    trial = {"body": {"phone": "+12125550177", "name": "\ud83d"}}
    tried = visitor.post(
        f"/api/lead-webhooks/{form.id}/test", content=json.dumps(trial),
        headers={"Content-Type": "application/json", **HEADERS},
    )  # fmt: skip
    assert tried.status_code == 200, tried.text


def test_whoever_is_told_of_during_a_merge_is_the_one_who_is_kept(
    owner: TestClient, form: Form, acme: World
) -> None:
    kept, gone = lead_of(acme, acme.phones[0]), lead_of(acme, acme.phones[1])
    with ThreadPoolExecutor(1) as pool:
        with unit_of_work(acme.scope) as session:
            merging.merge(
                session, acme.business_id, kept.id, gone.id, versions=(kept.version, gone.version), take=(),
                actor="test",
            )  # fmt: skip
            sent = pool.submit(form.send, {"phone": acme.phones[1], "email": "late@example.com"})
            with pytest.raises(TimeoutError):
                sent.result(timeout=1.0)
        status, answer = sent.result(timeout=20)
    assert (status, answer.get("lead_id")) == (200, str(kept.id)), answer
    assert lead_of(acme, acme.phones[0]).email == "late@example.com"


def test_a_business_has_three_at_most_and_admins_alone_see_them(owner: TestClient, acme: World) -> None:
    for name in ("One", "Two", "Three"):
        make(owner, name=name)
    fourth = owner.post("/api/lead-webhooks", json={"name": "Four"})
    assert (fourth.status_code, fourth.json()["error"]["data"]["reason"]) == (422, "most_webhooks")
    first = owner.get("/api/lead-webhooks").json()["webhooks"][0]
    assert owner.delete(f"/api/lead-webhooks/{first['id']}").status_code == 204
    make(owner, name="Four")
    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="agent@acme.example", name="Agent",
            password=PASSWORD, role=Role.AGENT, actor="test",
        )  # fmt: skip
        assert session.scalar(select(func.count()).select_from(SharedSecret)) == 3
    sign_in(owner, "agent@acme.example")
    assert owner.get("/api/lead-webhooks").status_code == 403


def test_changes_are_of_the_version_that_was_read_and_one_turned_off_takes_nobody(
    form: Form, owner: TestClient
) -> None:
    path = f"/api/lead-webhooks/{form.id}"
    for wrong in ({"mapping": {"shoe_size": "x"}}, {"name": ""}, {"tags": [""]}):
        assert owner.patch(path, json={"version": 1, **wrong}).status_code == 422, wrong
    for others in ({"status_id": str(new_id())}, {"list_id": str(new_id())}):
        assert owner.patch(path, json={"version": 1, **others}).status_code == 404, others
    assert owner.patch(path, json={"version": 1, "is_on": False}).json()["version"] == 2
    assert owner.patch(path, json={"version": 1, "name": "Late"}).status_code == 409
    status, answer = form.send({"phone": "+12125550187"})
    assert (status, answer["error"]["data"]["reason"]) == (403, "webhook_off")


def test_a_trial_says_what_would_come_of_it_and_keeps_nobody(
    form: Form, owner: TestClient, acme: World
) -> None:
    path = f"/api/lead-webhooks/{form.id}/test"
    new = owner.post(path, json={"body": {"phone": "212-555-0188", "name": "Dana"}}).json()
    assert (new["status"], new["fields"]["phone"], new["fields"]["name"]) == (201, "+12125550188", "Dana")
    assert owner.post(path, json={"body": {"phone": acme.phones[0]}}).json()["status"] == 200
    assert owner.post(path, json={"body": {"telephone": "no"}}).json()["status"] == 422
    with unit_of_work(acme.scope) as session:
        phones = session.scalars(select(Lead.phone)).all()
    assert sorted(phones) == sorted(acme.phones)
    assert [row["is_test"] for row in owner.get(path[:-4] + "deliveries").json()["deliveries"]] == [True] * 3


def test_a_body_beyond_the_limit_is_not_taken(form: Form, installation: Installation) -> None:
    del installation
    status, answer = form.send({"phone": "+12125550189", "notes": "x" * 70_000})
    assert (status, answer["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b'{"a": {"b": [{"c": 1}, {"c": 2.0}]}, "d": [true, null, "x"], "e": 1.5}',
         {"a.b.0.c": "1", "a.b.1.c": "2", "d": "yes, , x", "e": "1.5"}),
        (b'{"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}}', {}),
        (b"{}", {}),
    ],
)  # fmt: skip
def test_what_stands_in_another_is_read_by_its_way_there(body: bytes, read: dict[str, str]) -> None:
    assert webhook_rules.read_body(body, "application/json") == read


@pytest.mark.parametrize("body", [b"\xff", b"phone=1", b"[1]", b'"x"', b"[" * 60_000, b""], ids=range(6))
def test_what_cannot_be_read_is_said_and_breaks_nothing(body: bytes) -> None:
    with pytest.raises(webhook_rules.Unreadable):
        webhook_rules.read_body(body, "application/json")
