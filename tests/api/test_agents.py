"""Agents: their versions, what is wrong with them, where they are put away, and what they know."""

from __future__ import annotations

from typing import Any

import pytest

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.world import World
from trunkline.core import registry
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.domain.agents import knowledge, service
from trunkline.domain.agents.rules import TOLD_AT_MOST, differences, told_of
from trunkline.domain.calls import service as calls
from trunkline.domain.people import service as people
from trunkline.kit.ids import new_id
from trunkline.providers.scripted import ready_made
from trunkline.web.preparation import prepare


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def fine(answer: Any) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


def refused(answer: Any, status: int, code: str) -> Any:
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    return answer.json()["error"]["data"]


# --- Versions -----------------------------------------------------------------------------


def test_each_save_is_a_version_that_says_who_what_and_why(acme: World, owner: TestClient) -> None:
    path = f"/api/agents/{acme.agent_id}"
    assert fine(owner.get(path))["version"] == 1
    changed = fine(
        owner.patch(path, json={"greeting": "Good day.", "version": 1, "note": " Friendlier ", "name": "Ann"})
    )
    assert (changed["version"], changed["saved_by"]) == (2, acme.email)
    # What changes nothing is no version.
    assert fine(owner.patch(path, json={"greeting": "Good day.", "version": 2}))["version"] == 2
    fine(owner.patch(path, json={"voice": {"words_per_minute": 170}, "version": 2}))
    listed = fine(owner.get(f"{path}/versions"))
    assert [(row["number"], row["changed"], row["note"]) for row in listed["versions"]] == [
        (3, ["voice"], ""), (2, ["name", "greeting"], "Friendlier"), (1, [], ""),
    ]  # fmt: skip
    assert listed["next_cursor"] is None
    first = fine(owner.get(f"{path}/versions?limit=2"))
    rest = fine(owner.get(f"{path}/versions?limit=2&cursor={first['next_cursor']}"))
    assert [row["number"] for row in first["versions"] + rest["versions"]] == [3, 2, 1]
    assert rest["next_cursor"] is None


def test_who_saves_on_top_of_an_older_version_is_refused_and_told_whose_stands(
    acme: World, owner: TestClient
) -> None:
    path = f"/api/agents/{acme.agent_id}"
    fine(owner.patch(path, json={"greeting": "One.", "version": 1}))
    data = refused(owner.patch(path, json={"greeting": "Two.", "version": 1}), 409, "outdated")
    assert data == {"version": 2, "by": acme.email}
    assert fine(owner.get(path))["greeting"] == "One."


def test_a_version_is_shown_with_what_differs_and_can_be_restored(acme: World, owner: TestClient) -> None:
    path = f"/api/agents/{acme.agent_id}"
    script = ready_made("appointment")
    was = script["states"]["day"]["say"]["en"]
    script["states"]["day"]["say"]["en"] = "Which day suits you?"
    fine(owner.patch(path, json={"script": script, "version": 1}))
    fine(owner.patch(path, json={"name": "Other", "version": 2}))
    second = fine(owner.get(f"{path}/versions/2"))
    assert second["against"] == 1
    assert second["differences"] == [
        {"path": ["script", "states", "day", "say", "en"], "before": was, "after": "Which day suits you?"}
    ]
    third = fine(owner.get(f"{path}/versions/3", params={"against": 1}))
    assert [one["path"][0] for one in third["differences"]] == ["name", "script"]
    refused(owner.post(f"{path}/restore", json={"number": 1, "version": 2}), 409, "outdated")
    back = fine(owner.post(f"{path}/restore", json={"number": 1, "version": 3}))
    assert (back["version"], back["name"], back["script"]) == (4, "Agent", ready_made("appointment"))
    newest = fine(owner.get(f"{path}/versions"))["versions"][0]
    assert (newest["number"], newest["restored_from"]) == (4, 1)
    assert fine(owner.get(f"{path}/versions/1"))["differences"] == []
    assert owner.get(f"{path}/versions/9").status_code == 404


def test_differences_go_to_the_place_and_tell_what_came_and_went() -> None:
    found = differences({"a": {"b": 1, "c": [1]}, "d": 1}, {"a": {"b": 2, "c": [1, 2]}, "e": None})
    assert [(one.path, one.before, one.after) for one in found] == [
        (("a", "b"), 1, 2), (("a", "c"), [1], [1, 2]), (("d",), 1, None),
    ]  # fmt: skip


def test_a_call_keeps_the_version_by_which_it_began(acme: World, owner: TestClient) -> None:
    with unit_of_work(acme.scope) as session:
        call = calls.open_call(
            session, acme.business_id, sid="CA1", direction="inbound", ours=acme.number,
            theirs="+12125550150", agent_id=acme.agent_id, lead_id=None,
        )  # fmt: skip
        prepared = prepare(session, call, leg=1)
        calls.note_agent_version(call, prepared.agent_version)
        call_id = call.id
    fine(owner.patch(f"/api/agents/{acme.agent_id}", json={"greeting": "New."}))
    with unit_of_work(acme.scope) as session:
        call = calls.get_call(session, acme.business_id, call_id)
        calls.note_agent_version(call, prepare(session, call, leg=2).agent_version)
    assert fine(owner.get(f"/api/calls/{call_id}"))["agent_version"] == 1


# --- Faults and warnings ------------------------------------------------------------------


def test_a_draft_is_examined_without_being_saved(acme: World, owner: TestClient) -> None:
    script = ready_made("appointment")
    script["states"]["day"]["next"] = "nowhere"
    script["states"]["confirm_day"]["say"]["en"] = "On {date}?"
    draft = {"name": "A", "script": script, "tools": ["fly"], "transfer_to": ["999"], "brain": "scripted"}
    told = fine(owner.post("/api/agents/check", json=draft))
    assert told["warnings"] == []
    codes = {fault["path"]: (fault["code"], fault["names"]) for fault in told["faults"]}
    assert codes["tools"] == ("no_tool", ["fly"])
    assert codes["transfer_to"][0] == "no_target"
    assert len(fine(owner.get("/api/agents"))) == 1


def test_faults_of_a_script_tell_their_place_as_the_script_has_it(owner: TestClient) -> None:
    script = ready_made("appointment")
    script["states"]["day"]["next"] = "nowhere"
    script["states"]["confirm_day"]["say"]["en"] = "On {date}?"
    found = fine(owner.post("/api/agents/check", json={"name": "A", "script": script}))["faults"]
    assert {(one["path"], one["code"], *one["names"]) for one in found} == {
        ("script.states.day.next", "no_state", "nowhere"),
        ("script.states.confirm_day.say.en", "unknown_name", "date"),
    }
    script = ready_made("appointment")
    script["states"]["day"]["colour"] = "red"
    (fault,) = fine(owner.post("/api/agents/check", json={"name": "A", "script": script}))["faults"]
    assert (fault["path"], fault["code"]) == ("script.states.day.colour", "extra_forbidden")
    refusal = owner.post("/api/agents", json={"name": "A", "script": script})
    assert refused(refusal, 422, "invalid_input")["faults"] == [fault]


def test_an_agent_says_what_it_lacks(acme: World, owner: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/api/agents/{acme.agent_id}"
    monkeypatch.setattr(registry, "_hears_anything", True)
    assert fine(owner.get(path))["warnings"] == []
    changed = fine(owner.patch(path, json={"greeting": "{lead_name}, here is {bussiness_name}."}))
    (mistyped,) = changed["warnings"]
    assert (mistyped["code"], mistyped["names"][0]) == ("no_such_name", "bussiness_name")
    fine(owner.patch(path, json={"greeting": "{lead_name} of {lead_city}, this is {business_name}."}))

    def warned() -> list[tuple[str, list[str]]]:
        return [(one["code"], one["names"]) for one in fine(owner.get("/api/agents"))[0]["warnings"]]

    fine(owner.patch(path, json={"tools": ["find_free_slots", "do_not_call", "request_callback"]}))
    assert warned() == [("tool_not_given", ["book_appointment"])]
    script = ready_made("appointment")
    script["states"]["book"] |= {"tool": "transfer_call", "arguments": {}}
    fine(owner.patch(path, json={"script": script}))
    assert warned() == [("nobody_to_transfer_to", [])]
    fine(owner.patch("/api/business", json={"extensions": [{"extension": "7", "number": "+12125550177"}]}))
    fine(owner.patch(path, json={"transfer_to": ["7"]}))
    assert warned() == []
    fine(owner.patch("/api/business", json={"extensions": []}))
    assert warned() == [("colleague_gone", ["7"])]
    fine(
        owner.patch(
            path,
            json={
                "transfer_to": [],
                "script": ready_made("appointment"),
                "language": "he",
                "tools": ["book_appointment", "do_not_call", "find_free_slots", "request_callback"],
            },
        )
    )
    assert warned() == []
    monkeypatch.setattr(registry, "_hears_anything", False)
    assert warned() == [("language_not_heard", ["he"])]
    monkeypatch.setattr(registry, "_brains", {})
    assert warned() == [("language_not_heard", ["he"]), ("no_brain", ["scripted"])]


def test_a_form_is_told_what_it_may_offer(owner: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_hears_anything", False)
    scripted = {"name": "scripted", "kind": "scripted"}
    assert {**scripted, "hears": ["en"]} in fine(owner.get("/api/agent-options"))["brains"]
    monkeypatch.setattr(registry, "_hears_anything", True)
    options = fine(owner.get("/api/agent-options"))
    assert options["languages"] == ["en", "he"]
    assert {**scripted, "hears": ["en", "he"]} in options["brains"]
    tools = {tool["name"]: tool for tool in options["tools"]}
    assert tools["book_appointment"]["built_in"] is False
    assert set(tools["book_appointment"]["arguments"]["properties"]) == {
        "weekday", "date", "time", "visit", "note"
    }  # fmt: skip
    assert tools["hang_up"]["built_in"] is True
    for name in options["dialogues"]:
        assert fine(owner.get(f"/api/agent-options/dialogues/{name}")) == ready_made(name)
    assert owner.get("/api/agent-options/dialogues/nothing").status_code == 404


# --- Archive ------------------------------------------------------------------------------


def test_an_archived_agent_takes_no_calls_and_comes_back(acme: World, owner: TestClient) -> None:
    path = f"/api/agents/{acme.agent_id}"
    assert refused(owner.post(f"{path}/archive"), 409, "conflict") == {
        "numbers": [acme.number],
        "reason": "answers_numbers",
    }
    number = fine(owner.get("/api/business/numbers"))[0]
    fine(owner.patch(f"/api/business/numbers/{number['id']}", json={"agent_id": None}))
    assert fine(owner.post(f"{path}/archive"))["archived_at"]
    assert fine(owner.get("/api/agents")) == []
    assert [row["name"] for row in fine(owner.get("/api/agents?archived=true"))] == ["Agent"]
    refused(owner.post(f"{path}/browser-calls"), 409, "archived")
    refused(owner.patch(path, json={"greeting": "Hi."}), 409, "archived")
    options = {"agent_id": str(acme.agent_id), "from_number": acme.number}
    run = {"title": "R", "list_id": str(acme.list_id), "options": options}
    refused(owner.post("/api/runs", json=run), 409, "archived")
    # Nor does it answer a number, one that is there or one that comes.
    answered = {"agent_id": str(acme.agent_id)}
    refused(owner.patch(f"/api/business/numbers/{number['id']}", json=answered), 409, "archived")
    refused(owner.post("/api/business/numbers", json={"number": "+12125550177", **answered}), 409, "archived")
    assert [row["agent_id"] for row in fine(owner.get("/api/business/numbers"))] == [None]
    assert fine(owner.post(f"{path}/unarchive"))["archived_at"] is None
    made = fine(owner.post("/api/runs", json=run))
    # A run that was made before waits until the agent is back.
    fine(owner.post(f"{path}/archive"))
    refused(owner.post(f"/api/runs/{made['id']}/start"), 409, "archived")
    assert fine(owner.get(f"/api/runs/{made['id']}"))["state"] == "pending"
    fine(owner.post(f"{path}/unarchive"))
    fine(owner.patch(f"/api/business/numbers/{number['id']}", json=answered))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/agents/check"), ("POST", "/api/agents/{id}/archive"),
        ("POST", "/api/agents/{id}/restore"), ("POST", "/api/knowledge"),
    ],
)  # fmt: skip
def test_who_does_not_run_the_business_changes_no_agent(
    method: str, path: str, acme: World, visitor: TestClient
) -> None:
    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="c@acme.example", name="C",
            password="correct horse battery", role=Role.AGENT, actor="test",
        )  # fmt: skip
    sign_in(visitor, "c@acme.example")
    body = {"name": "A", "number": 1, "version": 1, "title": "T", "text": "t"}
    wanted = {"check": {"name"}, "restore": {"number", "version"}, "knowledge": {"title", "text"}}
    keys = wanted.get(path.rsplit("/", 1)[1], set())
    answer = visitor.request(method, path.format(id=acme.agent_id), json={key: body[key] for key in keys})
    assert answer.status_code == 403, answer.text


# --- Knowledge ----------------------------------------------------------------------------


def test_texts_are_written_changed_and_removed(acme: World, owner: TestClient) -> None:
    known = fine(owner.post("/api/knowledge", json={"title": " Parking ", "text": "Behind the house."}))
    assert (known["title"], known["agent_id"], known["version"]) == ("Parking", None, 1)
    path = f"/api/knowledge/{known['id']}"
    changed = fine(owner.patch(path, json={"version": 1, "agent_id": str(acme.agent_id)}))
    assert (changed["agent_id"], changed["version"], changed["text"]) == (
        str(acme.agent_id), 2, "Behind the house.",
    )  # fmt: skip
    data = refused(owner.patch(path, json={"version": 1, "text": "Nowhere."}), 409, "outdated")
    assert data == {"version": 2, "by": acme.email}
    refused(owner.patch(path, json={"version": 2, "title": None}), 422, "invalid_input")
    refused(owner.post("/api/knowledge", json={"title": "T", "text": " "}), 422, "invalid_input")
    refused(owner.post("/api/knowledge", json={"title": "T", "text": "t" * 20_001}), 422, "invalid_input")
    assert owner.delete(path).status_code == 204
    assert owner.delete(path).status_code == 404
    assert fine(owner.get("/api/knowledge"))["texts"] == []


def test_a_model_is_told_an_agent_s_texts_first_and_no_more_than_there_is_room_for(
    acme: World, owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = {"title": "Prices", "text": "A visit costs 80. " * 500, "agent_id": str(acme.agent_id)}
    everybody = {"title": "Address", "text": "Harbour street 1. " * 500}
    elsewhere = fine(owner.post("/api/agents", json={"name": "Other", "script": ready_made("appointment")}))
    for text in (everybody, mine, {"title": "Not theirs", "text": "x", "agent_id": elsewhere["id"]}):
        fine(owner.post("/api/knowledge", json=text))
    listed = fine(owner.get("/api/knowledge", params={"agent_id": str(acme.agent_id)}))
    assert [(row["title"], row["characters"]) for row in listed["texts"]] == [
        ("Prices", 8999), ("Address", 8999),
    ]  # fmt: skip
    told = [row["told"] for row in listed["texts"]]
    assert told[0] == 8999
    assert 2_900 < told[1] < 3_000
    assert listed["told_at_most"] == TOLD_AT_MOST
    with unit_of_work(acme.scope) as session:
        call = calls.open_call(
            session, acme.business_id, sid=f"CA{new_id().hex}", direction="inbound", ours=acme.number,
            theirs="+12125550150", agent_id=acme.agent_id, lead_id=None,
        )  # fmt: skip
        # A script has no use for it; a brain that reads has.
        assert prepare(session, call, leg=1).brief.knowledge == ""
        monkeypatch.setattr(registry, "_readers", {"scripted"})
        brief = prepare(session, call, leg=1).brief
    assert brief.knowledge.startswith("## Prices\nA visit costs 80.")
    assert "## Address\nHarbour street 1." in brief.knowledge
    assert "Not theirs" not in brief.knowledge
    assert len(brief.knowledge) <= TOLD_AT_MOST


def test_what_does_not_fit_is_cut_behind_a_word_and_small_texts_behind_it_are_told() -> None:
    text, lengths = told_of([("A", "word " * 100), ("B", "longer " * 200), ("C", "c")], most=800)
    assert lengths == [500, len("longer " * 40) - 1, 0]
    assert text.endswith("longer […]")
    assert len(text) <= 800
    text, lengths = told_of([("A", "word " * 100), ("B", "longer " * 200), ("C", "c")], most=600)
    assert lengths == [500, 0, 1]
    assert text.endswith("## C\nc")


def test_a_business_has_only_so_many_texts(
    acme: World, owner: TestClient, servers: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowledge, "MOST_TEXTS", 1)
    fine(owner.post("/api/knowledge", json={"title": "A", "text": "a"}))
    assert refused(owner.post("/api/knowledge", json={"title": "B", "text": "b"}), 422, "invalid_input") == {
        "most": 1,
        "reason": "most_texts",
    }


def test_an_agent_with_more_knowledge_than_it_is_told_says_so(
    acme: World, owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = fine(owner.get(f"/api/agents/{acme.agent_id}"))
    fine(owner.post("/api/knowledge", json={"title": "A", "text": "a" * TOLD_AT_MOST}))
    assert agent["warnings"] == []
    with unit_of_work(acme.scope) as session:
        monkeypatch.setattr(registry, "_brains", {"own_model": None})
        service.get_agent(session, acme.business_id, acme.agent_id).brain = "own_model"
    (warning,) = fine(owner.get(f"/api/agents/{acme.agent_id}"))["warnings"]
    assert (warning["code"], warning["names"][1]) == ("knowledge_cut", str(TOLD_AT_MOST))
