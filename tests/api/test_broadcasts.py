"""Broadcasts by the API: previewed, refused, paused, cancelled and counted; sent for real to a stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from api.doorway import TestClient, sign_in
from support.graph import GraphStand, open_graph
from support.inbox import chat_number
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core import registry
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.domain.broadcasts import stepping
from trunkline.domain.broadcasts.models import Broadcast, BroadcastRecipient
from trunkline.domain.inbox import accounts, receipts, templates
from trunkline.domain.inbox.models import Message
from trunkline.domain.leads.models import Lead
from trunkline.domain.outbound import suppressions
from trunkline.domain.people import service as people
from trunkline.kit import clock
from trunkline.providers.ports import Receipt, ReceiptState, Refusal, Template
from trunkline.providers.whatsapp import WhatsApp

SAYS = "Hello {{1}}, we have news for {{2}}."


@pytest.fixture(scope="module")
def stand() -> Iterator[GraphStand]:
    with open_graph() as stand:
        whatsapp = WhatsApp(base_url=stand.base_url, timeout_s=2)
        registry.register_chat(registry.WHATSAPP, lambda: whatsapp)
        try:
            yield stand
        finally:
            whatsapp.close()


@dataclass(frozen=True, slots=True)
class Desk:
    """A person of the business, at a number that can write."""

    world: World
    account_id: UUID
    stand: GraphStand
    client: TestClient
    installation: Installation

    def options(self, **changes: Any) -> dict[str, Any]:
        wording = {
            "template": "offer", "language": "en", "body": ["{first_name}", "{business}"],
            **changes.pop("wording", {}),
        }  # fmt: skip
        return {
            "account_id": str(self.account_id), "wording": wording, "pause_least_s": 0, "pause_most_s": 0,
            **changes,
        }  # fmt: skip

    def make(self, **changes: Any) -> dict[str, Any]:
        body = {"title": "News", "list_id": str(self.world.list_id), "options": self.options(**changes)}
        answer = self.client.post("/api/broadcasts", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def act(self, made: dict[str, Any], verb: str, status: int = 202, **body: Any) -> dict[str, Any]:
        answer = self.client.post(f"/api/broadcasts/{made['id']}/{verb}", json=body)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def seen(self, made: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = self.client.get(f"/api/broadcasts/{made['id']}").json()
        counts = told["progress"]
        assert counts["total"] == sum(number for name, number in counts.items() if name != "total")
        return told

    def people(self, made: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
        told = self.client.get(f"/api/broadcasts/{made['id']}/recipients", params=query).json()
        rows: list[dict[str, Any]] = told["recipients"]
        return rows

    def step(self, made: dict[str, Any]) -> None:
        """Write the next messages, which nobody sends yet."""
        with unit_of_work(self.world.scope) as session:
            stepping.step(session, self.world.business_id, UUID(made["id"]))

    def work(self) -> None:
        self.installation.run_jobs("broadcasts")


@pytest.fixture
def desk(acme: World, stand: GraphStand, visitor: TestClient, installation: Installation) -> Desk:
    stand.fault(None)
    known = stand.number(acme.number, receipts=[], per_second=100_000)
    stand.template(known, "offer", SAYS)
    account_id = chat_number(acme, known)
    told = Template("offer", "en", "approved", "marketing", "", SAYS, "", (), {"body": 2})
    with unit_of_work(acme.scope) as session:
        templates.note_listed(session, acme.business_id, account_id, [told])
        session.execute(update(Lead).values(name="Dana Levi"))
    sign_in(visitor, acme.email)
    return Desk(acme, account_id, stand, visitor, installation)


def taken(desk: Desk) -> list[dict[str, Any]]:
    """Return what Graph truly took for the people of the business."""
    return [entry for entry in desk.stand.accepted() if entry["to"] in desk.world.phones]


def test_everybody_is_written_to_once_in_their_own_words(desk: Desk) -> None:
    before = len(taken(desk))
    made = desk.make()
    assert desk.seen(made)["state"] == "pending"
    assert desk.act(made, "start")["state"] == "running"
    desk.work()
    told = desk.seen(made)
    assert told["state"] == "completed"
    assert told["progress"]["sent"] == told["progress"]["total"] == len(desk.world.phones)
    new = taken(desk)[before:]
    assert sorted(entry["to"] for entry in new) == sorted(desk.world.phones)
    said = new[0]["body"]["template"]["components"][0]["parameters"]
    assert [part["text"] for part in said] == ["Dana", "Acme"]
    assert {row["message_state"] for row in desk.people(made)} == {"sent"}
    with unit_of_work(desk.world.scope) as session:
        assert set(session.scalars(select(Message.text))) == {"Hello Dana, we have news for Acme."}
    desk.work()
    assert len(taken(desk)) == before + len(desk.world.phones)


def test_a_preview_says_whom_it_would_reach_and_writes_nothing(desk: Desk) -> None:
    with unit_of_work(desk.world.scope) as session:
        suppressions.suppress(
            session, desk.world.business_id, desk.world.phones[0], reason="asked", source="person",
            actor="test",
        )  # fmt: skip
    body = {"list_id": str(desk.world.list_id), "options": desk.options()}
    told = desk.client.post("/api/broadcasts/preview", json=body).json()
    assert told["people"] == len(desk.world.phones)
    assert told["opted_out"] == 1
    assert told["samples"][0] == {"name": "Dana Levi", "text": "Hello Dana, we have news for Acme."}
    assert desk.client.get("/api/broadcasts").json() == []


@pytest.mark.parametrize(
    ("wording", "reason"),
    [
        ({"body": ["{first_name}"]}, "template_variables"),
        ({"body": ["{shoe_size}", "x"]}, "unknown_variable"),
        ({"template": "other"}, None),
    ],
)
def test_words_that_cannot_be_sent_are_refused_before_anything_is_written(
    desk: Desk, wording: dict[str, Any], reason: str | None
) -> None:
    body = {"title": "News", "list_id": str(desk.world.list_id), "options": desk.options(wording=wording)}
    answer = desk.client.post("/api/broadcasts", json=body)
    assert answer.status_code == (404 if reason is None else 422), answer.text
    assert reason is None or answer.json()["error"]["data"]["reason"] == reason
    assert desk.client.get("/api/broadcasts").json() == []


def test_who_wants_no_messages_or_lacks_a_fact_is_skipped_and_told(desk: Desk) -> None:
    out, nameless, *_ = desk.world.phones
    with unit_of_work(desk.world.scope) as session:
        suppressions.suppress(
            session, desk.world.business_id, out, reason="asked", source="person", actor="test"
        )
        session.execute(update(Lead).where(Lead.phone == nameless).values(name=""))
    made = desk.make()
    desk.act(made, "start")
    desk.work()
    rows = {row["address"]: (row["state"], row["reason"]) for row in desk.people(made)}
    assert rows[out] == ("skipped", "opted_out")
    assert rows[nameless] == ("skipped", "no_value")
    assert [row["address"] for row in desk.people(made, state="skipped")] == [out, nameless]
    assert desk.seen(made)["progress"]["skipped"] == 2


def test_a_pause_takes_back_what_has_not_gone_and_it_goes_on_where_it_stood(desk: Desk) -> None:
    before = len(taken(desk))
    made = desk.make()
    desk.act(made, "start")
    desk.step(made)
    desk.act(made, "pause")
    desk.work()
    paused, went = desk.seen(made), len(taken(desk)) - before
    assert paused["state"] == "paused"
    assert paused["progress"]["sending"] == 0
    assert paused["progress"]["sent"] == went < len(desk.world.phones)
    desk.act(made, "resume")
    desk.work()
    assert desk.seen(made)["state"] == "completed"
    assert sorted(entry["to"] for entry in taken(desk)[before:]) == sorted(desk.world.phones)


def test_a_cancel_counts_whom_it_spares_and_nothing_goes_after_it(desk: Desk) -> None:
    before = len(taken(desk))
    made = desk.make(pause_least_s=3_000, pause_most_s=3_000)
    desk.act(made, "start")
    desk.step(made)
    told = desk.act(made, "cancel", status=200)
    assert told["cancelled"] + told["under_way"] + desk.seen(made)["progress"]["sent"] == len(
        desk.world.phones
    )
    desk.work()
    assert len(taken(desk)) - before <= 1
    over = desk.seen(made)
    assert over["state"] == "cancelled"
    assert over["progress"]["queued"] == over["progress"]["sending"] == 0
    assert desk.client.post(f"/api/broadcasts/{made['id']}/resume").status_code == 409


def test_a_number_that_may_not_send_holds_the_broadcast_and_nobody_is_spent(desk: Desk) -> None:
    made = desk.make()
    with unit_of_work(desk.world.scope) as session:
        account = accounts.get_account(session, desk.world.business_id, desk.account_id)
        accounts.disconnect(account, trouble="a bill", actor="test")
    desk.act(made, "start")
    desk.work()
    held = desk.seen(made)
    assert (held["state"], held["hold_reason"]) == ("running", "disconnected")
    assert held["progress"]["queued"] == len(desk.world.phones)


def test_many_failures_let_it_rest_before_it_goes_on(desk: Desk) -> None:
    desk.stand.fault("code", times=None, code=131000)
    made = desk.make(breaker={"of_last": 4, "share": 0.5, "pause_s": 600})
    with unit_of_work(desk.world.scope) as session:
        session.execute(update(Broadcast).values(held_until=None))
    desk.act(made, "start")
    desk.work()
    told = desk.seen(made)
    if len(desk.world.phones) > 4:
        assert told["hold_reason"] == "too_many_failures"
    assert told["progress"]["uncertain"] >= 1


def test_what_receipts_tell_later_counts(desk: Desk) -> None:
    made = desk.make()
    desk.act(made, "start")
    desk.work()
    with unit_of_work(desk.world.scope) as session:
        account = accounts.get_account(session, desk.world.business_id, desk.account_id)
        first, second, *_ = session.scalars(select(Message).order_by(Message.at, Message.id)).all()
        for message, state, refusal in (
            (first, ReceiptState.READ, None), (second, ReceiptState.FAILED, Refusal.NO_SUCH_PERSON),
        ):  # fmt: skip
            receipts.hear(
                session, account,
                Receipt(
                    id=message.provider_id or "", account=account.account, to="", state=state, at=clock.now(),
                    reference=None, refusal=refusal,
                ),
            )  # fmt: skip
    told = desk.seen(made)
    assert (told["delivered"], told["read"]) == (1, 1)
    assert told["progress"]["failed"] == 1
    again = desk.act(made, "retry-failed", status=201)
    assert (again["state"], again["progress"]["total"]) == ("pending", 1)


def test_two_broadcasts_do_not_write_to_one_list_at_once(desk: Desk) -> None:
    first, second = desk.make(), desk.make()
    desk.act(first, "start")
    refused = desk.client.post(f"/api/broadcasts/{second['id']}/start")
    assert refused.status_code == 409
    assert refused.json()["error"]["data"]["run_id"] == first["id"]


def test_a_broadcast_starts_by_itself_at_its_moment(desk: Desk) -> None:
    made = desk.make()
    past = desk.client.post(
        f"/api/broadcasts/{made['id']}/schedule", json={"starts_at": clock.now().isoformat()}
    )
    assert past.status_code == 422
    later = clock.now() + timedelta(hours=2)
    assert desk.act(made, "schedule", status=200, starts_at=later.isoformat())["starts_at"] is not None
    with clock.frozen_at(later + timedelta(seconds=1)):
        desk.installation.run_jobs("default", "broadcasts")
    assert desk.seen(made)["state"] == "completed"


def test_whoever_may_only_look_starts_nothing(desk: Desk, acme: World) -> None:
    made = desk.make()
    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="viewer@acme.example", name="Viewer",
            password=PASSWORD, role=Role.VIEWER, actor="test",
        )  # fmt: skip
    sign_in(desk.client, "viewer@acme.example")
    assert desk.client.get(f"/api/broadcasts/{made['id']}").status_code == 200
    assert desk.client.post(f"/api/broadcasts/{made['id']}/start").status_code == 403
    with unit_of_work(acme.scope) as session:
        assert set(session.scalars(select(BroadcastRecipient.state))) == {"queued"}
