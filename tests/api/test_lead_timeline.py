"""A lead's timeline: what every domain tells of them, newest first, in pages that miss and repeat nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from api.doorway import TestClient, sign_in
from support.diary import note_down
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.calls.models import Call, CallState
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.models import Lead, LeadNote
from trunkline.domain.leads.rules import LeadRow
from trunkline.domain.outbound.suppressions import suppress
from trunkline.domain.people import service as people
from trunkline.kit import clock


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


@pytest.fixture
def lead(owner: TestClient, acme: World) -> str:
    found = owner.get("/api/leads", params={"search": acme.phones[0]}).json()["leads"]
    return str(found[0]["id"])


def entries(owner: TestClient, lead: str, limit: int = 100) -> list[dict[str, Any]]:
    """Read every page."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": limit}
    while True:
        answer = owner.get(f"/api/leads/{lead}/timeline", params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["entries"]
        if page["next_cursor"] is None:
            return found
        assert len(page["entries"]) == limit
        query["cursor"] = page["next_cursor"]


def live_through(world: World, owner: TestClient, lead: str) -> None:
    """Let a lead be called, meet, be written about, moved, changed, asked and put on the list."""
    at = clock.now()
    with unit_of_work(world.scope) as session:
        call = Call(
            business_id=world.business_id, carrier_sid="CA1", direction="outbound", ours=world.number,
            theirs=world.phones[0], lead_id=UUID(lead), state=CallState.ENDED, disposition="booked",
            answered_at=at, ended_at=at + timedelta(seconds=40),
        )  # fmt: skip
        session.add(call)
        session.flush()
        start = clock.now() + timedelta(days=2)
        ends = start + timedelta(minutes=30)
        note_down(session, world.business_id, start, ends, lead_id=UUID(lead), call_id=call.id)
    path = f"/api/leads/{lead}"
    assert owner.post(f"{path}/notes", json={"text": "Wants a quote"}).status_code == 201
    rows = owner.get("/api/lead-statuses").json()
    assert owner.post(f"{path}/move", json={"status_id": rows[2]["id"]}).status_code == 200
    assert owner.patch(path, json={"version": 1, "name": "Dana"}).status_code == 200
    assert owner.patch(f"{path}/consent", json={"consent": "written"}).status_code == 200
    with unit_of_work(world.scope) as session:
        suppress(session, world.business_id, world.phones[0], reason="asked", source="person", actor="test")


KINDS = ["suppressed", "consent", "edited", "status", "note", "appointment", "call", "created"]


def test_it_tells_everything_newest_first(acme: World, owner: TestClient, lead: str) -> None:
    live_through(acme, owner, lead)
    told = entries(owner, lead)
    assert [entry["kind"] for entry in told] == KINDS
    data = {entry["kind"]: entry["data"] for entry in told}
    assert data["suppressed"] == {"reason": "asked", "source": "person"}
    assert (data["consent"]["before"], data["consent"]["consent"]) == ("none", "written")
    assert data["edited"] == {"fields": ["name"]}
    assert (data["status"]["before_name"], data["status"]["status_name"]) == ("New", "Contacted")
    assert data["note"]["text"] == "Wants a quote"
    assert data["appointment"]["state"] == "booked"
    assert (data["call"]["disposition"], data["call"]["seconds"]) == ("booked", 40)
    assert data["created"] == {"source": "list:Everybody"}
    assert told[4]["actor"] == acme.email
    # Renaming a status rewrites no history.
    status_id = data["status"]["status_id"]
    assert owner.patch(f"/api/lead-statuses/{status_id}", json={"name": "Reached"}).status_code == 200
    assert entries(owner, lead)[3]["data"]["status_name"] == "Contacted"
    suppressed = owner.get(f"/api/leads/{lead}/suppression").json()
    assert (suppressed["suppressed"]["reason"], suppressed["everywhere"]) == ("asked", False)


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_its_pages_miss_and_repeat_nothing_of_one_moment(
    limit: int, acme: World, owner: TestClient, lead: str, installation: Installation
) -> None:
    live_through(acme, owner, lead)
    at = datetime.fromisoformat("2026-11-22T10:00:00+00:00")
    with unit_of_work(acme.scope) as session:
        notes = [
            LeadNote(business_id=acme.business_id, lead_id=UUID(lead), text=str(number), author="x")
            for number in range(5)
        ]
        session.add_all(notes)
        session.flush()
        for table in (Call, Appointment, LeadNote):
            session.execute(update(table).values(created_at=at))
        session.execute(update(Lead).where(Lead.id == UUID(lead)).values(created_at=at))
    whole = entries(owner, lead)
    assert len(whole) == len(KINDS) + 5
    assert entries(owner, lead, limit) == whole


def test_bulk_edits_and_blanks_that_an_import_fills_are_told_as_well(
    acme: World, owner: TestClient, lead: str, installation: Installation
) -> None:
    def edits() -> list[tuple[str, list[str]]]:
        return [
            (row["actor"], row["data"]["fields"]) for row in entries(owner, lead) if row["kind"] == "edited"
        ]

    def bulk(**changes: Any) -> None:
        answer = owner.post("/api/leads/bulk-update", json={"lead_ids": [lead], "changes": changes})
        assert answer.status_code == 202, answer.text
        installation.run_jobs("maintenance")

    bulk(name="Dana", source="fair", add_tag="hot")
    assert edits() == [(acme.email, ["name", "source", "tags"])]
    bulk(name="Dana", notes="Old customer", add_tag="hot")
    assert edits()[0] == (acme.email, ["notes"])
    bulk(name="Dana", add_tag="hot")
    assert len(edits()) == 2, "nothing was changed"
    with unit_of_work(acme.scope) as session:
        list_id = leads.make_list(session, acme.business_id, "File").id
        row = LeadRow(2, acme.phones[0], name="Other", email="dana@acme.example")
        leads.put_people(
            session, acme.business_id, list_id, [row], source="import", moment=clock.now(), actor="importer"
        )
    assert edits()[0] == ("importer", ["email"])


def test_a_cursor_that_was_changed_is_refused(owner: TestClient, lead: str) -> None:
    from trunkline.kit import cursors

    for cursor in (
        "x", cursors.write(clock.now(), "call:x"), cursors.write(clock.now(), "history:-1"),
        cursors.write(clock.now(), "note:"),
    ):  # fmt: skip
        answer = owner.get(f"/api/leads/{lead}/timeline", params={"cursor": cursor})
        assert answer.status_code == 422, answer.text


def test_a_note_is_its_writer_s_or_an_admin_s(acme: World, owner: TestClient, lead: str) -> None:
    path = f"/api/leads/{lead}/notes"
    ours = owner.post(path, json={"text": " By the owner "}).json()
    assert (ours["text"], ours["author"], ours["edited_at"]) == ("By the owner", acme.email, None)
    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="agent@acme.example", name="Agent",
            password=PASSWORD, role=Role.AGENT, actor="test",
        )  # fmt: skip
    sign_in(owner, "agent@acme.example")
    assert owner.patch(f"{path}/{ours['id']}", json={"text": "x"}).status_code == 403
    assert owner.delete(f"{path}/{ours['id']}").status_code == 403
    theirs = owner.post(path, json={"text": "By the agent"}).json()
    edited = owner.patch(f"{path}/{theirs['id']}", json={"text": "Better"}).json()
    assert edited["text"] == "Better"
    assert edited["edited_at"] is not None
    sign_in(owner, acme.email)
    assert owner.delete(f"{path}/{theirs['id']}").status_code == 204
    assert [row["data"]["text"] for row in entries(owner, lead) if row["kind"] == "note"] == ["By the owner"]
    assert owner.post(path, json={"text": "  "}).status_code == 422


def test_notes_go_with_their_lead(
    acme: World, owner: TestClient, lead: str, installation: Installation
) -> None:
    assert owner.post(f"/api/leads/{lead}/notes", json={"text": "x"}).status_code == 201
    assert owner.post("/api/leads/bulk-delete", json={"lead_ids": [lead]}).status_code == 202
    installation.run_jobs("maintenance")
    with unit_of_work(acme.scope) as session:
        assert session.query(LeadNote).count() == 0
    assert owner.get(f"/api/leads/{lead}/timeline").status_code == 404
