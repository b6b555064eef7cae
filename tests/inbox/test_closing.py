"""A closed session is read once: its summary is remembered, and what is not sure waits for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from api.doorway import TestClient, build_app, open_door, sign_in
from support.inbox import chat_number, take, written
from support.installation import Installation
from support.models import let_write, model_of_text
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.domain.inbox import answering, closing, conversations, sessions
from trunkline.domain.inbox.models import ChatSession, CloseReason, Conversation
from trunkline.domain.leads import own_fields, statuses
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.models import Lead, LeadNote
from trunkline.kit import barriers, clock
from trunkline.simulators.model_server import Answer, Fault, Plan

PERSON = "+12125550199"
MADE = {
    "summary": "Wanted a visit for two.", "intent": "booking", "status": "Qualified", "confidence": 0.9,
    "fields": {"city": "Haifa", "guests": "2", "shoe_size": "44", "email": "dana@dana.example"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "QUIET_S", 0.0)


@pytest.fixture
def model() -> Iterator[Plan]:
    with model_of_text() as plan:
        yield plan


@pytest.fixture
def owner(acme: World, installation: Installation) -> Iterator[TestClient]:
    with open_door(build_app(spool=installation.home / "no-spool")) as client:
        sign_in(client, acme.email)
        yield client


@pytest.fixture
def number(acme: World) -> UUID:
    """The business's number, with fields of its own for leads; the agent is off."""
    let_write(acme)
    with unit_of_work(acme.scope) as session:
        for label, kind in (("City", "text"), ("Guests", "number")):
            own_fields.make(
                session, acme.business_id, label=label, kind=kind, key=None, choices=[], in_table=False,
                actor="test",
            )  # fmt: skip
    return chat_number(acme, agent_id=acme.agent_id)


def close(world: World) -> UUID:
    """Close the session that goes on, and return its id."""
    with unit_of_work(world.scope) as session:
        its_id = session.scalars(select(Conversation.id)).one()
        row = conversations.get_conversation(session, world.business_id, its_id, lock=True)
        closed = sessions.close(session, row, reason=CloseReason.PERSON, now=clock.now(), actor="test")
        assert closed is not None
        return closed.id


def talked(world: World, number: UUID, said: str = "A visit for two in Haifa") -> UUID:
    """Let somebody write, and close the session."""
    take(world, number, written(said, phone=PERSON))
    return close(world)


def read(world: World, session_id: UUID) -> ChatSession:
    with unit_of_work(world.scope) as session:
        row = session.get_one(ChatSession, session_id)
        session.expunge(row)
        return row


def lead(world: World) -> Lead:
    with unit_of_work(world.scope) as session:
        row = session.scalars(select(Lead).where(Lead.phone == PERSON)).one()
        session.expunge(row)
        return row


def states(row: ChatSession) -> dict[str, str]:
    assert row.analysis is not None
    return {item["key"]: item["state"] for item in row.analysis["items"]}


def status_of(world: World) -> str:
    stands = lead(world).status_id
    with unit_of_work(world.scope) as session:
        return statuses.of_business(session, world.business_id).name(stands)


def hurry(world: World) -> None:
    with unit_of_work(world.scope) as session:
        session.execute(text("update jobs set run_at = clock_timestamp() where state = 'queued'"))


def test_what_a_session_came_to_is_remembered_and_put_on_record_where_it_is_sure(
    acme: World, number: UUID, model: Plan, installation: Installation
) -> None:
    model.then(f"Here it is:\n```json\n{json.dumps(MADE)}\n```")
    row = read(acme, talked(acme, number))
    assert row.analysed_at is None
    installation.run_jobs("low")
    row = read(acme, row.id)
    assert (row.summary, row.analysis_state) == ("Wanted a visit for two.", "done")
    assert states(row) == {
        "field:city": "applied", "field:guests": "applied", "email": "applied", "status": "applied",
    }  # fmt: skip
    assert (lead(acme).fields, lead(acme).email) == ({"city": "Haifa", "guests": 2}, "dana@dana.example")
    assert status_of(acme) == "Qualified"
    with unit_of_work(acme.scope) as session:
        (note,) = session.scalars(select(LeadNote))
        (moved,) = session.scalars(select(Event).where(Event.kind == "lead.status_changed"))
        assert (note.text, note.author) == ("Wanted a visit for two.", f"agent:{acme.agent_id}")
        assert moved.data["cause"] == "conversation"
        known = session.scalars(select(Lead).where(Lead.phone == PERSON)).one()
        assert "Wanted a visit for two." in leads.memory_of(session, known)
    (asked,) = model.asked
    assert asked.messages == (("user", "Person: A visit for two in Haifa"),)
    assert "guests: Guests (number)" in asked.instructions


def test_a_job_that_is_run_again_remembers_nothing_twice(
    acme: World, number: UUID, model: Plan, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.then(json.dumps(MADE), json.dumps({**MADE, "summary": "Another."}))
    session_id = talked(acme, number)
    deaths = ["session.read"]

    def reached(name: str) -> None:
        if name in deaths:
            deaths.remove(name)
            raise RuntimeError("dead")

    monkeypatch.setattr(barriers, "reached", reached)
    for _ in range(3):
        installation.run_jobs("low")
        hurry(acme)
    row = read(acme, session_id)
    with unit_of_work(acme.scope) as session:
        closing.hear(session, acme.business_id, row)
    installation.run_jobs("low")
    with unit_of_work(acme.scope) as session:
        assert [note.text for note in session.scalars(select(LeadNote))] == ["Another."]
    assert len(model.asked) == 2


def test_what_is_not_sure_waits_for_a_person_item_by_item(
    acme: World, number: UUID, model: Plan, installation: Installation, owner: TestClient
) -> None:
    model.then(json.dumps({**MADE, "confidence": 0.5}))
    session_id = talked(acme, number)
    installation.run_jobs("low")
    assert (lead(acme).fields, status_of(acme)) == ({}, "New")
    (waiting,) = owner.get("/api/conversation-findings").json()["sessions"]
    assert (waiting["id"], waiting["intent"], waiting["confidence"]) == (str(session_id), "booking", 0.5)
    assert {item["state"] for item in waiting["items"]} == {"waiting"}
    path = f"/api/conversation-findings/{session_id}"
    assert owner.post(path, json={"accept": ["shoe_size"]}).status_code == 404
    first = owner.post(path, json={"accept": ["field:city", "status"], "reject": ["email"]}).json()
    assert (first["state"], lead(acme).fields, status_of(acme)) == ("waiting", {"city": "Haifa"}, "Qualified")
    assert owner.post(path, json={"accept": ["email"]}).status_code == 409
    last = owner.post(path, json={"reject": ["field:guests", "email"]}).json()
    assert (last["state"], lead(acme).email) == ("done", None)
    assert [item["by"] for item in last["items"]] == [acme.email] * 4
    assert owner.get("/api/conversation-findings").json() == {"sessions": [], "next_cursor": None}
    with unit_of_work(acme.scope) as session:
        kinds = session.scalars(select(Event.kind).where(Event.kind.startswith("conversation.finding_")))
        assert sorted(kinds) == ["conversation.finding_accepted"] * 2 + ["conversation.finding_rejected"] * 2


def test_what_contradicts_people_waits_however_sure_the_model_is(
    acme: World, number: UUID, model: Plan, installation: Installation
) -> None:
    take(acme, number, written(phone=PERSON))
    with unit_of_work(acme.scope) as session:
        session.scalars(select(Lead).where(Lead.phone == PERSON)).one().fields = {"city": "Eilat"}
    model.then(json.dumps({**MADE, "confidence": 1.0}))
    row = read(acme, close(acme))
    installation.run_jobs("low")
    assert states(read(acme, row.id))["field:city"] == "waiting"
    assert lead(acme).fields == {"city": "Eilat", "guests": 2}


def test_an_answer_that_cannot_be_read_is_asked_for_once_more(
    acme: World, number: UUID, model: Plan, installation: Installation
) -> None:
    model.then(json.dumps({**MADE, "confidence": 9}), json.dumps(MADE))
    session_id = talked(acme, number)
    installation.run_jobs("low")
    assert read(acme, session_id).analysis_state == "done"
    assert "confidence: Input should be less than" in model.asked[1].messages[-1][1]


@pytest.mark.parametrize("answers", [["nonsense"] * 4, [Answer(fault=Fault.ERROR)] * 4])
def test_a_model_that_fails_is_said_to_have_failed_and_nothing_waits(
    acme: World, number: UUID, model: Plan, installation: Installation, answers: list[Any]
) -> None:
    model.then(*answers)
    session_id = talked(acme, number)
    for _ in range(4):
        installation.run_jobs("low")
        hurry(acme)
    row = read(acme, session_id)
    assert (row.analysis_state, row.summary, row.analysis) == (
        "failed", None, {"reason": "model_failed", "items": []},
    )  # fmt: skip


def test_without_a_model_there_is_no_summary_and_the_page_says_so(
    acme: World, number: UUID, installation: Installation, owner: TestClient
) -> None:
    session_id = talked(acme, number)
    installation.run_jobs("low")
    shown = owner.get(f"/api/conversation-findings/{session_id}").json()
    assert (shown["state"], shown["reason"], shown["summary"]) == ("no_model", "no_model", None)


@pytest.mark.parametrize("choice", ["1", "2"])
def test_who_goes_on_is_answered_by_who_knows_what_it_came_to_and_who_begins_anew_is_not(
    acme: World, number: UUID, model: Plan, installation: Installation, choice: str
) -> None:
    model.then(json.dumps(MADE))
    talked(acme, number)
    installation.run_jobs("low")
    with unit_of_work(acme.scope) as session:
        session.scalars(select(Conversation)).one().ai_mode = "on"
        session.execute(text("delete from lead_notes"))
    take(acme, number, written("Hello again", phone=PERSON))
    installation.run_jobs("default")
    assert len(model.asked) == 1, "they are asked first"
    take(acme, number, written(choice, phone=PERSON))
    installation.run_jobs("default")
    assert ("Wanted a visit for two." in model.asked[1].instructions) is (choice == "1")
    assert ("user", "Hello again") in model.asked[1].messages
