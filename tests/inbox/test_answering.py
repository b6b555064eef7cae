"""The agent answers what people write, once: by a model over real sockets, or its script; or calls people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from api.doorway import TestClient, build_app, open_door, sign_in
from support.inbox import answer as answer_as_a_person
from support.inbox import chat_number, messages, take, written
from support.installation import Installation
from support.models import let_write, model_of_text
from support.world import World
from trunkline.core import toolbox
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.core.jobs.models import Job
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.inbox import accounts, answering, conversations
from trunkline.domain.inbox.models import Conversation, Message
from trunkline.domain.notifications.models import Notification
from trunkline.kit import barriers
from trunkline.simulators.model_server import Answer, Fault, Plan, Tool

PERSON = "+12125550199"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for more words."""
    monkeypatch.setattr(answering, "QUIET_S", 0.0)


@pytest.fixture
def model() -> Iterator[Plan]:
    with model_of_text() as plan:
        yield plan


@pytest.fixture
def number(acme: World) -> UUID:
    """The business's number, where its agent answers by a model."""
    let_write(acme, "find_free_slots", "book_appointment", "request_callback")
    return chat_number(acme, agent_id=acme.agent_id, ai_mode="on")


@pytest.fixture
def owner(acme: World, installation: Installation) -> Iterator[TestClient]:
    """The business's owner, signed in."""
    with open_door(build_app(spool=installation.home / "no-spool")) as client:
        sign_in(client, acme.email)
        yield client


def conversation(world: World) -> Conversation:
    with unit_of_work(world.scope) as session:
        row = session.scalars(select(Conversation)).one()
        session.expunge(row)
        return row


def sent(world: World) -> list[str]:
    """Return what went out, or is about to."""
    return [row.text for row in messages(world) if row.direction == "out" and row.state == "queued"]


def told(world: World, kind: str) -> list[dict[str, Any]]:
    with unit_of_work(world.scope) as session:
        return [dict(event.data) for event in session.scalars(select(Event).where(Event.kind == kind))]


def jobs(world: World, name: str = answering.JOB) -> list[str]:
    with unit_of_work(world.scope) as session:
        return list(session.scalars(select(Job.state).where(Job.name == name).order_by(Job.id)))


def turn(world: World, mode: str, actor: str = "owner") -> None:
    with unit_of_work(world.scope) as session:
        its_id = session.scalars(select(Conversation.id)).one()
        conversations.edit(session, world.business_id, its_id, {"ai_mode": mode}, actor=actor)


def test_what_somebody_writes_is_answered_by_the_agents_model(
    acme: World, number: UUID, model: Plan, installation: Installation
) -> None:
    model.then("We are open until **five**.")
    take(acme, number, written("How long are you open?", phone=PERSON))
    installation.run_jobs("default")
    (came, answer) = messages(acme)
    assert (answer.text, answer.state, answer.source) == ("We are open until *five*.", "queued", "agent")
    assert (answer.key, answer.author) == (f"answer:{came.id}", f"agent:{acme.agent_id}")
    (asked,) = model.asked
    assert asked.messages == (("user", "How long are you open?"),)
    assert "Book visits for Acme." in asked.instructions
    assert "You write for Acme" in asked.instructions
    assert set(asked.tools) == {
        "find_free_slots", "book_appointment", "request_callback", "hand_over_to_person",
    }  # fmt: skip
    assert (conversation(acme).unread, jobs(acme)) == (0, ["succeeded"])


def test_quick_messages_get_one_answer_and_one_that_comes_meanwhile_has_it_written_anew(
    acme: World, number: UUID, model: Plan, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.then("To the first two.", "To all three.")
    more = iter([written("And Sunday?", phone=PERSON)])

    def reached(name: str) -> None:
        if name == "answer.written" and (late := next(more, None)) is not None:
            take(acme, number, late)

    monkeypatch.setattr(barriers, "reached", reached)
    take(acme, number, written("Hello", phone=PERSON))
    take(acme, number, written("How long are you open?", phone=PERSON))
    installation.run_jobs("default")
    assert sent(acme) == ["To all three."]
    assert [len(asked.messages) for asked in model.asked] == [2, 3]
    assert jobs(acme) == ["succeeded"]


def test_a_worker_that_dies_with_the_answer_in_hand_leaves_it_to_the_next_who_sends_it_once(
    acme: World, number: UUID, model: Plan, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.then("Lost.", "Sent.")
    deaths = ["answer.written"]

    def reached(name: str) -> None:
        if name in deaths:
            deaths.remove(name)
            raise RuntimeError("dead")

    monkeypatch.setattr(barriers, "reached", reached)
    take(acme, number, written(phone=PERSON))
    installation.run_jobs("default")
    hurry(acme)
    installation.run_jobs("default")
    assert sent(acme) == ["Sent."]


def hurry(world: World) -> None:
    """Let what waits after a failure begin now."""
    with unit_of_work(world.scope) as session:
        session.execute(text("update jobs set run_at = clock_timestamp() where state = 'queued'"))


def test_who_writes_while_the_job_ends_is_answered_by_another(
    acme: World, number: UUID, model: Plan, installation: Installation
) -> None:
    for said in ("One", "Two"):
        model.then(f"To {said}.")
        take(acme, number, written(said, phone=PERSON))
        installation.run_jobs("default")
    assert sent(acme) == ["To One.", "To Two."]
    assert [role for role, _ in model.asked[1].messages] == ["user", "assistant", "user"]


def test_nothing_is_sent_where_a_person_takes_over_while_it_is_written(
    acme: World, number: UUID, model: Plan, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile = iter([lambda: answer_as_a_person(acme, conversation(acme).id), lambda: turn(acme, "off")])
    monkeypatch.setattr(barriers, "reached", lambda name: name == "answer.written" and next(meanwhile)())
    for _ in range(2):
        take(acme, number, written(phone=PERSON))
        installation.run_jobs("default")
    assert (sent(acme), len(model.asked)) == (["Hello to you"], 2)
    assert jobs(acme) == ["succeeded"] * 2


def test_the_agent_uses_no_tool_any_more_once_a_person_has_taken_over(
    acme: World, number: UUID, model: Plan, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Tool("book_appointment", {"weekday": "tuesday", "time": "10:00"})
    model.then(Answer(tools=(Tool("find_free_slots", {"weekday": "tuesday"}), book)))
    uses = toolbox.run_tool

    def used(name: str, *args: Any, **more: Any) -> Any:
        result = uses(name, *args, **more)
        turn(acme, "off")
        return result

    monkeypatch.setattr(toolbox, "run_tool", used)
    take(acme, number, written(phone=PERSON))
    installation.run_jobs("default")
    assert [use["name"] for use in told(acme, "tool.used")] == ["find_free_slots"]
    assert (booked(acme), sent(acme), jobs(acme)) == ([], [], ["succeeded"])


def booked(world: World) -> list[Appointment]:
    with unit_of_work(world.scope) as session:
        return list(session.scalars(select(Appointment)))


def test_an_appointment_is_booked_in_writing_and_a_job_that_is_run_again_books_no_second(
    acme: World, number: UUID, model: Plan, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = ["answer.written"]

    def reached(name: str) -> None:
        if name in deaths:
            deaths.remove(name)
            raise RuntimeError("dead")

    monkeypatch.setattr(barriers, "reached", reached)
    for _ in range(2):
        model.then(
            Answer(tools=(Tool("book_appointment", {"weekday": "tuesday", "time": "10:00"}),)),
            "Booked for Tuesday at ten.",
        )
    take(acme, number, written("Tuesday at ten, please", phone=PERSON))
    installation.run_jobs("default")
    hurry(acme)
    installation.run_jobs("default")
    (appointment,) = booked(acme)
    assert appointment.lead_id == conversation(acme).lead_id
    assert sent(acme) == ["Booked for Tuesday at ten."]
    with unit_of_work(acme.scope) as session:
        uses = session.scalars(select(Event).where(Event.kind == "tool.used")).all()
    assert {event.subject_id for event in uses} == {conversation(acme).id}
    assert [use.data["ok"] for use in uses] == [True, True]
    assert [role for role, _ in model.asked[-1].messages] == ["user", "asked", "tool"]


def test_the_agent_hands_over_to_a_person_in_its_own_words_and_falls_silent(
    acme: World, number: UUID, model: Plan, installation: Installation
) -> None:
    wish = {"reason": "Wants a refund.", "message": "A colleague will see to your refund."}
    model.then(Answer("Never sent.", tools=(Tool("hand_over_to_person", wish),)))
    take(acme, number, written("I want my money back", phone=PERSON))
    installation.run_jobs("default")
    found = conversation(acme)
    assert (found.ai_mode, found.needs_person) == ("off", "Wants a refund.")
    assert sent(acme) == ["A colleague will see to your refund."]
    (event,) = told(acme, "conversation.handed_over")
    assert event["reason"] == "Wants a refund."
    assert [row.kind for row in notified(acme)] == ["conversation_needs_person"]
    take(acme, number, written("Hello?", phone=PERSON))
    installation.run_jobs("default")
    assert (len(sent(acme)), len(model.asked)) == (1, 1)


def notified(world: World) -> list[Notification]:
    with unit_of_work(world.scope) as session:
        return list(session.scalars(select(Notification)))


def test_a_model_that_keeps_failing_calls_a_person_once_and_says_so_once(
    acme: World, number: UUID, model: Plan, installation: Installation
) -> None:
    model.then(*(Answer(fault=Fault.ERROR) for _ in range(5)))
    take(acme, number, written(phone=PERSON))
    for _ in range(4):
        installation.run_jobs("default")
        hurry(acme)
    assert (conversation(acme).ai_mode, conversation(acme).needs_person) == ("off", "model_failed")
    assert sent(acme) == ["I am passing this on to a colleague, who will write to you here."]
    assert (len(notified(acme)), jobs(acme), len(model.asked)) == (1, ["succeeded"], 2)


def test_without_a_model_a_person_is_called_at_once(
    acme: World, number: UUID, installation: Installation
) -> None:
    take(acme, number, written(phone=PERSON))
    installation.run_jobs("default")
    assert (conversation(acme).needs_person, len(sent(acme))) == ("no_model", 1)


def test_people_who_turn_the_agent_on_again_have_it_answer_what_came_in_meanwhile(
    acme: World, number: UUID, model: Plan, installation: Installation, owner: TestClient
) -> None:
    take(acme, number, written("Hello", phone=PERSON))
    turn(acme, "off")
    installation.run_jobs("default")
    assert model.asked == []
    path = f"/api/conversations/{conversation(acme).id}"
    assert owner.patch(path, json={"ai_mode": "on"}).status_code == 200
    installation.run_jobs("default")
    assert sent(acme) == ["You said: Hello"]


def test_a_scripted_agent_books_by_its_dialogue_in_writing(acme: World, installation: Installation) -> None:
    number = chat_number(acme, agent_id=acme.agent_id, ai_mode="on")
    for said in ("Hi", "yes please", "tuesday", "1", "10", "yes", "on the hour", "yes"):
        take(acme, number, written(said, phone=PERSON))
        installation.run_jobs("default")
    (appointment,) = booked(acme)
    assert appointment.lead_id == conversation(acme).lead_id
    said = sent(acme)
    assert (len(said), said[1]) == (8, "Which day of the week would you like?")
    assert said[-1].startswith("Your appointment is booked")
    assert conversation(acme).ai_mode == "on"


def test_a_scripted_agent_that_does_not_understand_calls_a_person(
    acme: World, installation: Installation
) -> None:
    number = chat_number(acme, agent_id=acme.agent_id, ai_mode="on")
    for said in ("Hi", "bananas", "are", "yellow", "mostly"):
        take(acme, number, written(said, phone=PERSON))
        installation.run_jobs("default")
    assert conversation(acme).needs_person == "not_understood"


# --- Drafts ----------------------------------------------------------------------------------


@pytest.fixture
def drafts(acme: World, number: UUID) -> UUID:
    with unit_of_work(acme.scope) as session:
        accounts.get_account(session, acme.business_id, number).ai_mode = "drafts"
    return number


def drafted(world: World) -> list[Message]:
    return [row for row in messages(world) if row.state == "draft"]


def test_a_draft_goes_nowhere_until_a_person_sends_it_in_other_words_once(
    acme: World, drafts: UUID, model: Plan, installation: Installation, owner: TestClient
) -> None:
    model.then("First.", "Second.")
    take(acme, drafts, written("One", phone=PERSON))
    installation.run_jobs("default")
    take(acme, drafts, written("Two", phone=PERSON))
    installation.run_jobs("default")
    (draft,) = drafted(acme)
    assert (draft.text, sent(acme)) == ("Second.", [])
    # Nobody has said yes to anything: it only looks things up.
    assert set(model.asked[0].tools) == {"find_free_slots"}
    path = f"/api/conversations/{draft.conversation_id}/drafts/{draft.id}"
    first = owner.post(f"{path}/send", json={"text": "In my words."})
    assert (first.status_code, owner.post(f"{path}/send", json={}).json()) == (201, first.json())
    assert (sent(acme), conversation(acme).ai_mode) == (["In my words."], "drafts")
    assert owner.post(f"{path}/discard").status_code == 409
    assert [event["edited"] for event in told(acme, "message.draft_used")] == [True]


def test_a_draft_is_discarded_and_no_other_is_written_for_the_same(
    acme: World, drafts: UUID, model: Plan, installation: Installation, owner: TestClient
) -> None:
    take(acme, drafts, written("One", phone=PERSON))
    installation.run_jobs("default")
    (draft,) = drafted(acme)
    path = f"/api/conversations/{draft.conversation_id}/drafts/{draft.id}"
    assert [owner.post(f"{path}/discard").status_code for _ in range(2)] == [200, 200]
    assert owner.post(f"{path}/send", json={}).status_code == 409
    with unit_of_work(acme.scope):
        answering.ask_for(draft.conversation_id)
    installation.run_jobs("default")
    assert (drafted(acme), sent(acme)) == ([], [])


def test_a_draft_that_fails_calls_nobody_who_answers_there_anyway(
    acme: World, drafts: UUID, model: Plan, installation: Installation
) -> None:
    model.then(*(Answer(fault=Fault.ERROR) for _ in range(5)))
    take(acme, drafts, written(phone=PERSON))
    for _ in range(4):
        installation.run_jobs("default")
        hurry(acme)
    assert (conversation(acme).ai_mode, conversation(acme).needs_person, sent(acme)) == ("drafts", None, [])
    assert told(acme, "conversation.draft_failed") == [{"reason": "model_failed"}]
