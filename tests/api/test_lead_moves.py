"""How leads move: the history of it with its causes, and calls that move them by the business's rules."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, text

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.jobs.models import Job
from trunkline.domain.calls import service as calls
from trunkline.domain.leads import automatic, board, merging
from trunkline.domain.leads.automatic import Habit, Outcome
from trunkline.domain.leads.flow_models import CauseKind, LeadStatusChange
from trunkline.domain.leads.models import Lead, LeadStatus
from trunkline.domain.leads.movement import Cause
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import CallStatus


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


@pytest.fixture
def lead_id(acme: World) -> UUID:
    with unit_of_work(acme.scope) as session:
        found = session.scalar(
            select(Lead.id).where(Lead.business_id == acme.business_id, Lead.phone == acme.phones[0])
        )
    assert found is not None
    return found


@pytest.fixture
def names(owner: TestClient) -> dict[str, str]:
    """The business's statuses: New, Attempting, Contacted, Qualified, Won, Lost, Unqualified."""
    return {row["name"]: row["id"] for row in owner.get("/api/lead-statuses").json()}


def rule(owner: TestClient, names: dict[str, str], /, **rules: str) -> None:
    """Let calls move leads: outcome -> name of a status; what begins with `_` is a habit."""
    habits = {name[1:]: value for name, value in rules.items() if name.startswith("_")}
    outcomes = {name: names[value] for name, value in rules.items() if not name.startswith("_")}
    answer = owner.put("/api/lead-status-rules", json={"is_on": True, "rules": outcomes, **habits})
    assert answer.status_code == 200, answer.text


def moves(owner: TestClient, lead_id: UUID, **query: Any) -> list[tuple[str, str, str]]:
    """Return a lead's moves, the last first: before, then, by what."""
    answer = owner.get(f"/api/leads/{lead_id}/status-changes", params=query)
    assert answer.status_code == 200, answer.text
    changes = answer.json()["changes"]
    return [(row["before_name"], row["status_name"], row["cause"]) for row in changes]


def a_call(world: World, lead_id: UUID, sid: str = "CA1") -> UUID:
    with unit_of_work(world.scope) as session:
        return calls.open_call(
            session, world.business_id, sid=sid, direction="inbound", ours=world.number,
            theirs=world.phones[0], agent_id=world.agent_id, lead_id=lead_id,
        ).id  # fmt: skip


def a_conversation(
    world: World, lead_id: UUID, came_to: str, *, sid: str = "CA1", confidence: float | None = None,
    books: bool = False,
) -> UUID:  # fmt: skip
    """Hold a call to its end, in which the agent concludes something."""
    call_id = a_call(world, lead_id, sid)
    with unit_of_work(world.scope) as session:
        calls.spend_media_token(session, world.business_id, call_id)
        note = {"name": "disposition", "value": came_to}
        data = note if confidence is None else {**note, "confidence": confidence}
        event = {"sequence": 1, "kind": "note", "at": clock.now().isoformat(), "data": data}
        calls.record_events(session, world.business_id, call_id, [event])
        if books:
            calls.note_booked(session, world.business_id, call_id)
        calls.finalize(session, world.business_id, call_id, end_reason="goodbye", disposition=came_to)
    return call_id


def test_each_move_is_kept_with_its_cause_and_told_in_the_timeline(
    owner: TestClient, acme: World, lead_id: UUID, names: dict[str, str], installation: Installation
) -> None:
    made = owner.post("/api/leads", json={"phone": "+12125550177", "status_id": names["Contacted"]}).json()
    assert moves(owner, made["id"]) == [("New", "Contacted", "person")]
    move = owner.post(f"/api/leads/{lead_id}/move", json={"status_id": names["Attempting"]})
    assert move.status_code == 200
    again = owner.post(f"/api/leads/{lead_id}/move", json={"status_id": names["Attempting"]})
    assert again.status_code == 200, "a move within a status is no change"
    wish = {"lead_ids": [str(lead_id)], "changes": {"status_id": names["Won"]}}
    run = owner.post("/api/leads/bulk-update", json=wish).json()
    installation.run_jobs("maintenance")
    tool = Cause(CauseKind.TOOL, "agent", source_id=new_id())
    with unit_of_work(acme.scope) as session:
        status_id = UUID(names["Lost"])
        board.move(session, acme.business_id, lead_id, status_id=status_id, after=None, cause=tool)
    assert moves(owner, lead_id) == [
        ("Won", "Lost", "tool"), ("Attempting", "Won", "bulk"), ("New", "Attempting", "person")
    ]  # fmt: skip
    told = [
        entry
        for entry in owner.get(f"/api/leads/{lead_id}/timeline").json()["entries"]
        if entry["kind"] == "status"
    ]
    assert [entry["data"]["cause"] for entry in told] == ["tool", "bulk", "person"]
    assert told[1]["data"]["source_id"] == run["id"]
    assert told[2]["actor"] == acme.email


def test_the_history_is_read_page_by_page_and_outlives_its_statuses(
    owner: TestClient, lead_id: UUID, names: dict[str, str]
) -> None:
    own = owner.post("/api/lead-statuses", json={"name": "On holiday"}).json()["id"]
    for status_id in (own, names["Won"], own, names["Lost"]):
        assert owner.post(f"/api/leads/{lead_id}/move", json={"status_id": status_id}).status_code == 200
    assert owner.delete(f"/api/lead-statuses/{own}").status_code == 204
    first = owner.get(f"/api/leads/{lead_id}/status-changes", params={"limit": 3}).json()
    assert [row["status_name"] for row in first["changes"]] == ["Lost", "On holiday", "Won"]
    rest = owner.get(
        f"/api/leads/{lead_id}/status-changes", params={"limit": 3, "cursor": first["next_cursor"]}
    ).json()
    assert [row["status_name"] for row in rest["changes"]] == ["On holiday"]
    assert rest["next_cursor"] is None


def test_without_rules_a_call_moves_nobody_and_asks_for_no_work(
    owner: TestClient, acme: World, lead_id: UUID, installation: Installation
) -> None:
    assert owner.get("/api/lead-status-rules").json()["is_on"] is False
    a_conversation(acme, lead_id, "declined")
    with unit_of_work(acme.scope) as session:
        assert session.scalar(select(func.count()).where(Job.name == "move_lead_by_call")) == 0
    installation.run_jobs("default")
    assert moves(owner, lead_id) == []


def test_a_call_moves_its_lead_by_what_it_came_to(
    owner: TestClient, acme: World, lead_id: UUID, names: dict[str, str], installation: Installation
) -> None:
    rule(owner, names, no_answer="Attempting", answered="Contacted", booked="Qualified", declined="Lost")
    missed = a_call(acme, lead_id, "CA1")
    with unit_of_work(acme.scope) as session:
        call = calls.lock_call(session, acme.business_id, missed)
        assert calls.note_status(session, call, CallStatus.NO_ANSWER)
    installation.run_jobs("default")
    a_conversation(acme, lead_id, "not_understood", sid="CA2")
    installation.run_jobs("default")
    booked = a_conversation(acme, lead_id, "callback_requested", sid="CA3", books=True)
    installation.run_jobs("default")
    assert moves(owner, lead_id) == [
        ("Contacted", "Qualified", "call"), ("Attempting", "Contacted", "call"), ("New", "Attempting", "call")
    ]  # fmt: skip
    last = owner.get(f"/api/leads/{lead_id}/status-changes").json()["changes"][0]
    assert (last["source_id"], last["actor"]) == (str(booked), "call")


def test_a_call_moves_its_lead_also_where_that_was_merged_into_another_one_meanwhile(
    owner: TestClient, acme: World, lead_id: UUID, names: dict[str, str], installation: Installation
) -> None:
    rule(owner, names, answered="Contacted")
    a_conversation(acme, lead_id, "not_understood")
    with unit_of_work(acme.scope) as session:
        kept = session.scalars(select(Lead.id).where(Lead.phone == acme.phones[1])).one()
        merging.merge(session, acme.business_id, kept, lead_id, versions=(1, 1), take=(), actor="test")
    installation.run_jobs("default")
    assert moves(owner, kept) == [("New", "Contacted", "call")]


@pytest.mark.parametrize(("confidence", "to"), [(0.64, "Contacted"), (0.65, "Lost"), (None, "Lost")])
def test_what_the_agent_only_concluded_needs_the_confidence_asked_for(  # noqa: PLR0917 - fixtures
    owner: TestClient, acme: World, lead_id: UUID, names: dict[str, str], installation: Installation,
    confidence: float | None, to: str,
) -> None:  # fmt: skip
    rule(owner, names, declined="Lost", answered="Contacted")
    a_conversation(acme, lead_id, "declined", confidence=confidence)
    installation.run_jobs("default")
    assert [status for _, status, _ in moves(owner, lead_id)] == [to]


def test_the_same_told_twice_and_at_once_moves_once(
    owner: TestClient, acme: World, lead_id: UUID, names: dict[str, str]
) -> None:
    rule(owner, names, declined="Lost", _goes_back=True, _reopens=True)
    outcome = _outcome(lead_id, "declined")

    def hear(_: int) -> UUID | None:
        with unit_of_work(acme.scope) as session:
            return automatic.apply(session, acme.business_id, outcome)

    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(hear, range(16)))
    assert sorted(map(str, heard)) == [*[str(UUID(names["Lost"]))], *["None"] * 15]
    # Somebody moves it back; the same telling, late, leaves it there.
    owner.post(f"/api/leads/{lead_id}/move", json={"status_id": names["New"]})
    assert hear(0) is None
    assert len(moves(owner, lead_id)) == 2


def test_a_person_s_later_choice_stands_against_a_late_call(
    owner: TestClient, acme: World, lead_id: UUID, names: dict[str, str], installation: Installation
) -> None:
    rule(owner, names, declined="Lost", _goes_back=True, _reopens=True)
    a_conversation(acme, lead_id, "declined")
    # The worker was away; meanwhile somebody has decided.
    owner.post(f"/api/leads/{lead_id}/move", json={"status_id": names["Qualified"]})
    installation.run_jobs("default")
    assert moves(owner, lead_id) == [("New", "Qualified", "person")]


def test_what_the_agent_chose_in_the_call_stands_against_the_call_s_outcome(
    owner: TestClient, acme: World, lead_id: UUID, names: dict[str, str]
) -> None:
    rule(owner, names, answered="Won", _goes_back=True)
    outcome = _outcome(lead_id, "answered", ended_in=timedelta(minutes=1))
    cause = Cause(CauseKind.TOOL, "agent", source_id=outcome.call_id)
    with unit_of_work(acme.scope) as session:
        status_id = UUID(names["Qualified"])
        board.move(session, acme.business_id, lead_id, status_id=status_id, after=None, cause=cause)
        assert automatic.apply(session, acme.business_id, outcome) is None


def test_a_deleted_lead_and_a_removed_status_move_nobody(
    owner: TestClient, acme: World, lead_id: UUID, names: dict[str, str]
) -> None:
    own = owner.post("/api/lead-statuses", json={"name": "Thinking"}).json()["id"]
    rule(owner, {**names, "Thinking": own}, callback_requested="Thinking")
    assert owner.delete(f"/api/lead-statuses/{own}").status_code == 204
    assert owner.get("/api/lead-status-rules").json()["rules"] == {}
    rule(owner, names, declined="Lost")
    with unit_of_work(acme.scope) as session:
        assert automatic.apply(session, acme.business_id, _outcome(new_id(), "declined")) is None


def test_rules_name_statuses_of_the_business_and_are_its_admins_to_make(
    owner: TestClient, names: dict[str, str]
) -> None:
    strange = {"is_on": True, "rules": {"declined": str(new_id())}}
    assert owner.put("/api/lead-status-rules", json=strange).status_code == 404
    for wrong in ({"rules": {"Not A Word": names["Won"]}}, {"least_confidence": 1.2}, {"is_on": "perhaps"}):
        assert owner.put("/api/lead-status-rules", json=wrong).status_code == 422, wrong
    rule(owner, names, declined="Lost", _least_confidence=0.8)
    kept = owner.get("/api/lead-status-rules").json()
    assert (kept["rules"], float(kept["least_confidence"])) == ({"declined": names["Lost"]}, 0.8)
    assert "booked" in kept["known_outcomes"]


def test_moves_that_were_told_before_there_was_a_history_are_in_it(
    owner: TestClient, acme: World, lead_id: UUID, names: dict[str, str]
) -> None:
    """What the migration copies out of events is what is written beside them since."""
    for status in ("Won", "New"):
        owner.post(f"/api/leads/{lead_id}/move", json={"status_id": names[status]})
    written = moves(owner, lead_id)
    copy = importlib.import_module("trunkline.migrations.versions.0031_moves_of_leads")._FROM_EVENTS
    with unit_of_work(acme.scope) as session:
        session.execute(delete(LeadStatusChange))
        session.execute(text(copy))
    assert moves(owner, lead_id) == written != []


# --- What is decided ---------------------------------------------------------------------


def _outcome(lead_id: UUID, disposition: str, *, ended_in: timedelta = -timedelta(seconds=1)) -> Outcome:
    return Outcome(
        new_id(), lead_id, disposition, is_booked=False, was_answered=True, confidence=1.0,
        ended_at=clock.now() + ended_in,
    )  # fmt: skip


def _status(position: int, *, closed: bool = False) -> LeadStatus:
    return LeadStatus(id=new_id(), position=position, is_closed=closed)


@pytest.mark.parametrize(
    ("now", "then", "habit", "may"),
    [
        (_status(1), _status(2), Habit(), True),
        (_status(3), _status(2), Habit(), False),
        (_status(3), _status(2), Habit(goes_back=True), True),
        (_status(3, closed=True), _status(4), Habit(goes_back=True), False),
        (_status(3, closed=True), _status(4), Habit(reopens=True), True),
        (_status(3, closed=True), _status(2), Habit(reopens=True), False),
        (_status(3, closed=True), _status(2), Habit(reopens=True, goes_back=True), True),
    ],
)
def test_leads_go_forwards_and_stay_closed_unless_the_business_says_otherwise(
    now: LeadStatus, then: LeadStatus, habit: Habit, may: bool
) -> None:
    assert automatic.may_move(now, then, habit) is may
    assert automatic.may_move(now, now, habit) is False
