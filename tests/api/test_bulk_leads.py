"""Bulk updates and deletes of leads: who is meant, what becomes of them, who may ask and how often."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, text, update

from api.doorway import TestClient, sign_in
from support.diary import coming
from support.installation import Installation
from support.lists import imported
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.core.errors import RunAlreadyActive, TooManyRequests
from trunkline.core.events import Event
from trunkline.core.jobs import enqueue_job
from trunkline.core.jobs.models import Job
from trunkline.core.runs.models import Run, RunSlice
from trunkline.domain.appointments import service as appointments
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.calls.models import Call
from trunkline.domain.leads import bulk
from trunkline.domain.leads.models import Lead, LeadListEntry
from trunkline.domain.leads.schemas import BulkDeleteIn
from trunkline.domain.outbound import hearing, tending
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.claim import Claim, claim_next
from trunkline.domain.outbound.models import OutboundItem, Suppression
from trunkline.domain.outbound.options import installed_limits
from trunkline.domain.outbound.suppressions import suppress
from trunkline.domain.people import service as people
from trunkline.domain.tenants import service as tenants
from trunkline.kit import barriers, clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import CallReport, CallStatus

RUNS = "/api/leads/bulk-runs"


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def leads(world: World) -> list[Lead]:
    """Return the business's leads in the order of their numbers."""
    with unit_of_work(world.scope) as session:
        return list(session.scalars(select(Lead).order_by(Lead.phone)))


def ids(world: World) -> list[str]:
    return [str(lead.id) for lead in leads(world)]


def asked(owner: TestClient, what: str, **body: Any) -> dict[str, Any]:
    answer = owner.post(f"/api/leads/bulk-{what}", json=body)
    assert answer.status_code == 202, answer.text
    begun: dict[str, Any] = answer.json()
    assert begun["state"] == "running"
    assert begun["progress"]["queued"] == begun["progress"]["total"] > 0
    return begun


def done(owner: TestClient, installation: Installation, what: str, **body: Any) -> dict[str, Any]:
    """Ask, let a worker do it, and return what the API says then."""
    run = asked(owner, what, **body)
    installation.run_jobs("maintenance")
    return seen(owner, run)


def seen(owner: TestClient, run: dict[str, Any]) -> dict[str, Any]:
    now: dict[str, Any] = owner.get(f"{RUNS}/{run['id']}").json()
    progress = now["progress"]
    parts = ("queued", "done", "skipped", "failed", "cancelled")
    assert sum(progress[part] for part in parts) == progress["total"]
    return now


def refused(answer: Any, status: int, code: str) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"] == code
    return answer.json()["error"]["data"]


# --- Updates -----------------------------------------------------------------------------------


def test_every_lead_of_a_list_is_changed_and_nobody_else(
    owner: TestClient, acme: World, umbrella: World, installation: Installation
) -> None:
    with unit_of_work(acme.scope) as session:
        stranger = Lead(business_id=acme.business_id, phone="+12125550109", name="No list", source="call")
        session.add(stranger)
        session.execute(update(Lead).values(email="old@example.com"))
    changes = {"notes": "Call in spring", "email": None, "source": "spring"}
    now = done(owner, installation, "update", list_id=str(acme.list_id), title="Spring", changes=changes)
    assert (now["state"], now["title"], now["created_by"]) == ("completed", "Spring", acme.email)
    assert now["progress"] == {
        "total": 3, "queued": 0, "done": 3, "skipped": 0, "failed": 0, "cancelled": 0, "reasons": {}
    }  # fmt: skip
    changed = [(lead.name, lead.notes, lead.email, lead.source) for lead in leads(acme)]
    assert changed == [("Lead", "Call in spring", None, "spring")] * 3 + [
        ("No list", None, "old@example.com", "call")
    ]
    assert all((lead.notes, lead.source) == (None, "list:Everybody") for lead in leads(umbrella))


def test_a_filter_means_those_who_meet_all_of_it(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    with unit_of_work(acme.scope) as session:
        for number, name in enumerate(("Ann 100%", "Ann 1000", "Bob 100%")):
            session.add(
                Lead(business_id=acme.business_id, phone=f"+121255502{number:02}", name=name, source="fair")
            )
    wanted = {"search": "ann 100%", "source": "fair"}
    now = done(owner, installation, "update", filter=wanted, changes={"name": "Anna"})
    assert now["progress"]["done"] == 1
    assert sorted(lead.name for lead in leads(acme)) == ["Ann 1000", "Anna", "Bob 100%", *["Lead"] * 3]
    everybody = done(owner, installation, "update", filter={"everybody": True}, changes={"name": ""})
    assert everybody["progress"]["done"] == 6
    later = (clock.now() + timedelta(hours=1)).isoformat()
    refused(
        owner.post(
            "/api/leads/bulk-update", json={"filter": {"created_from": later}, "changes": {"name": "X"}}
        ),
        422, "invalid_input",
    )  # fmt: skip
    before = done(owner, installation, "update", filter={"created_before": later}, changes={"name": "Y"})
    assert before["progress"]["done"] == 6


def test_leads_are_put_into_a_list_behind_the_others_and_taken_out(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    *others, three = ids(acme)
    second = imported(owner, installation, b"phone\n+12125550103\n", name="Second")["list_id"]

    def places() -> list[tuple[str, int]]:
        with unit_of_work(acme.scope) as session:
            entries = session.scalars(
                select(LeadListEntry).where(LeadListEntry.list_id == UUID(second)).order_by("position")
            )
            return [(str(entry.lead_id), entry.position) for entry in entries]

    assert places() == [(three, 2)]
    changes = {"add_to_list": second, "remove_from_list": str(acme.list_id)}
    for _ in range(2):
        done(owner, installation, "update", lead_ids=[*others, three, others[0]], changes=changes)
        assert places() == [(three, 2), *zip(sorted(others), (3, 4), strict=True)]
        assert {row["name"]: row["leads"] for row in owner.get("/api/lead-lists").json()} == {
            "Second": 3, "Everybody": 0
        }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {"changes": {"name": "X"}},
        {"changes": {"name": "X"}, "filter": {}},
        {"changes": {"name": "X"}, "filter": {"source": "list:Everybody", "sauce": "typo"}},
        {"changes": {"name": "X"}, "filter": {"everybody": True, "source": "fair"}},
        {"changes": {"name": "X"}, "filter": {"everybody": True}, "list_id": "LIST"},
        {"changes": {"name": "X"}, "filter": {"everybody": True}, "lead_ids": ["LEAD"]},
        {"changes": {"name": "X"}, "list_id": "LIST", "filters": {"source": "fair"}},
        {"changes": {"name": None}, "list_id": "LIST"},
        {"changes": {"name": "X", "phone": "+12125550111"}, "list_id": "LIST"},
        {"changes": {"name": "a\0b"}, "list_id": "LIST"},
        {"changes": {"add_to_list": "LIST", "remove_from_list": "LIST"}, "list_id": "LIST"},
        {"changes": {}, "list_id": "LIST"},
        {"list_id": "LIST"},
    ],
)
def test_a_wish_that_does_not_say_whom_or_what_is_refused(
    body: dict[str, Any], owner: TestClient, acme: World
) -> None:
    words = {"LIST": str(acme.list_id), "LEAD": ids(acme)[0]}

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(part) for key, part in value.items()}
        return [filled(part) for part in value] if isinstance(value, list) else words.get(value, value)

    refused(owner.post("/api/leads/bulk-update", json=filled(body)), 422, "invalid_input")
    with unit_of_work(acme.scope) as session:
        assert session.query(Run).count() == session.query(Job).count() == 0


# --- Deleting ----------------------------------------------------------------------------------


def outbound_run(world: World, *, dials: int) -> tuple[Run, list[Claim]]:
    """Start a run over the business's list and dial some of it."""
    run = world.make_run()
    with unit_of_work(world.scope) as session:
        outbound.start_run(session, world.business_id, run.id, actor="test")
    claims = []
    for second in range(dials):
        # The account's pace allows one dial a second.
        with (
            clock.frozen_at(clock.now() + timedelta(seconds=10 + 5 * second)),
            unit_of_work(world.scope) as session,
        ):
            claim = claim_next(
                session, world.business_id, limits=installed_limits(), job_id=new_id(), lease_epoch=1
            )
        assert isinstance(claim, Claim), claim
        claims.append(claim)
    return run, claims


def report(world: World, claim: Claim, status: CallStatus) -> None:
    with unit_of_work(world.scope) as session:
        told = CallReport(f"CA{claim.attempt_id.hex}", status, claim.phone, claim.from_number, "outbound-api")
        hearing.hear_report(session, world.business_id, claim.attempt_id, told)


def items(world: World) -> dict[str, OutboundItem]:
    with unit_of_work(world.scope) as session:
        return {item.phone: item for item in session.scalars(select(OutboundItem))}


def test_a_deleted_lead_is_called_no_more_and_its_history_stays(
    owner: TestClient, acme: World, umbrella: World, installation: Installation
) -> None:
    run, (claim,) = outbound_run(acme, dials=1)
    report(acme, claim, CallStatus.IN_PROGRESS)
    report(acme, claim, CallStatus.COMPLETED)
    called = next(lead for lead in leads(acme) if lead.phone == claim.phone)
    with unit_of_work(acme.scope) as session:
        suppress(session, acme.business_id, claim.phone, reason="asked", source="person", actor="test")
        business = tenants.get_business(session, acme.business_id)
        kept = {"lead_id": called.id, "call_id": None, "at": time(10), "actor": "test"}
        with clock.frozen_at(clock.now() - timedelta(days=30)):
            appointments.book(session, business, day=coming("tuesday"), **kept)  # type: ignore[arg-type]
    now = done(owner, installation, "delete", list_id=str(acme.list_id))
    assert (now["state"], now["progress"]["done"]) == ("completed", 3)
    assert leads(acme) == []
    assert len(leads(umbrella)) == 2
    assert {item.state: item.disposition for item in items(acme).values()} == {
        "failed": "no_conversation", "cancelled": "lead_deleted"
    }  # fmt: skip
    with unit_of_work(acme.scope) as session:
        for table in (Call, Appointment, OutboundItem):
            rows = session.scalars(select(table)).all()
            assert {(row.business_id, row.lead_id) for row in rows} == {(acme.business_id, None)}  # type: ignore[attr-defined]
        assert session.scalars(select(Suppression.phone)).all() == [claim.phone]
        assert session.query(LeadListEntry).count() == 0
        tending.tend_run(session, acme.business_id, run.id, limits=installed_limits())
    for path in (f"/api/runs/{run.id}", f"/api/runs/{run.id}/items", "/api/calls", "/api/appointments"):
        assert owner.get(path).status_code == 200
    assert owner.get(f"/api/runs/{run.id}").json()["state"] == "completed"
    assert {row["lead_id"] for row in owner.get("/api/appointments").json()["appointments"]} == {None}


def test_a_lead_that_somebody_has_in_hand_stays_and_is_counted(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    _, (ringing, talking) = outbound_run(acme, dials=2)
    report(acme, talking, CallStatus.IN_PROGRESS)
    with unit_of_work(acme.scope) as session:
        # Talked to, and no longer in the dialler's hands: as a caller is.
        session.execute(
            update(OutboundItem).where(OutboundItem.phone == talking.phone).values(state="completed")
        )
        (third,) = {lead.phone for lead in leads_in(session)} - {ringing.phone, talking.phone}
        expected = session.scalar(select(Lead.id).where(Lead.phone == third))
        assert expected is not None
        business = tenants.get_business(session, acme.business_id)
        appointments.book(
            session,
            business,
            lead_id=expected,
            call_id=None,
            day=coming("tuesday"),
            at=time(10),
            actor="test",
        )
        session.add(Lead(business_id=acme.business_id, phone="+12125550109", name="Free", source="call"))
    now = done(owner, installation, "delete", filter={"everybody": True})
    assert (now["state"], now["progress"]["done"], now["progress"]["skipped"]) == ("completed", 1, 3)
    assert now["progress"]["reasons"] == {"in_dial": 1, "in_call": 1, "expected": 1}
    assert [lead.phone for lead in leads(acme)] == list(acme.phones)
    # Who stays is still to be called.
    assert items(acme)[third].state == "queued"
    assert items(acme)[ringing.phone].lead_id is not None


def test_nobody_is_dialled_while_a_slice_is_being_deleted(
    owner: TestClient, acme: World, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_DELETED_AT_ONCE", 2)
    free: list[bool] = []

    def try_to_dial() -> None:
        with unit_of_work(acme.scope) as session:
            key = {"key": f"slots:{acme.business_id}"}
            lock = text("select pg_try_advisory_xact_lock(hashtextextended(:key, 0))")
            free.append(session.execute(lock, key).scalar_one())

    def hook(reached: str) -> None:
        if reached in {"slice.worked", "slice.done"}:
            contextvars.Context().run(try_to_dial)

    barriers.install(hook)
    try:
        done(owner, installation, "delete", list_id=str(acme.list_id))
    finally:
        barriers.install(None)
    assert free == [False, True, False]


def leads_in(session: Any) -> Sequence[Lead]:
    found: Sequence[Lead] = session.scalars(select(Lead)).all()
    return found


@pytest.mark.parametrize("what", ["update", "delete"])
def test_a_lead_that_is_gone_when_its_turn_comes_is_counted_as_gone(
    what: str, owner: TestClient, acme: World, installation: Installation
) -> None:
    body = {"changes": {"notes": "N"}} if what == "update" else {}
    run = asked(owner, what, list_id=str(acme.list_id), **body)
    with unit_of_work(acme.scope) as session:
        session.execute(delete(Lead).where(Lead.phone == acme.phones[1]))
    installation.run_jobs("maintenance")
    assert seen(owner, run)["progress"]["reasons"] == {"gone": 1}
    assert seen(owner, run)["progress"]["done"] == 2


def test_what_fills_in_a_field_that_is_put_away_meanwhile_leaves_everybody_as_they_are(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    made = owner.post("/api/lead-fields", json={"label": "Size", "kind": "text"}).json()
    changes = {"own_fields": {made["key"]: "Large"}, "notes": "N"}
    run = asked(owner, "update", list_id=str(acme.list_id), changes=changes)
    away = {"is_archived": True}
    assert owner.patch(f"/api/lead-fields/{made['id']}", json=away).status_code == 200
    installation.run_jobs("maintenance")
    progress = seen(owner, run)["progress"]
    assert (progress["reasons"], progress["skipped"]) == ({"no_field": 3}, 3)
    assert {lead.notes for lead in leads(acme)} == {None}


@pytest.mark.parametrize(
    ("job_name", "what"), [("bulk_update_leads", "update"), ("bulk_delete_leads", "delete")]
)
def test_a_job_that_runs_twice_does_nothing_twice(  # noqa: PLR0917 - fixtures
    job_name: str, what: str, owner: TestClient, acme: World, umbrella: World, installation: Installation
) -> None:
    body = {"changes": {"notes": "N"}} if what == "update" else {}
    run = done(owner, installation, what, lead_ids=ids(acme)[:2], **body)

    def look() -> tuple[Any, ...]:
        with unit_of_work(acme.scope) as session:
            events = session.scalar(select(func.max(Event.id)))
            rows = [(lead.id, lead.notes) for lead in session.scalars(select(Lead).order_by(Lead.id))]
            worked = [(piece.done, piece.worked_at) for piece in session.scalars(select(RunSlice))]
            return events, rows, worked

    before = look()
    with unit_of_work(acme.scope):
        enqueue_job("maintenance", job_name, run["id"])
    installation.run_jobs("maintenance")
    assert look() == before
    assert seen(owner, run) == run
    # And a business's job does nothing with another's run.
    with unit_of_work(umbrella.scope):
        stray = enqueue_job("maintenance", job_name, run["id"], retry=1)
    installation.run_jobs("maintenance")
    with unit_of_work(umbrella.scope) as session:
        assert session.get_one(Job, stray).state == "failed"
    assert look() == before


# --- Steering, beginning twice, who may and how often -------------------------------------------


def test_a_bulk_run_is_paused_cancelled_and_resumed_by_its_doors(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    run = asked(owner, "update", list_id=str(acme.list_id), changes={"notes": "N"})
    path = f"{RUNS}/{run['id']}"
    steps: list[tuple[str, str, dict[str, int]]] = [
        ("pause", "paused", {"queued": 3}),
        ("resume", "running", {"queued": 3}),
        ("cancel", "cancelled", {"cancelled": 3}),
        ("resume", "running", {"queued": 3}),
    ]
    for verb, state, progress in steps:
        answer = owner.post(f"{path}/{verb}")
        assert (answer.status_code, answer.json()["state"]) == (202, state)
        assert {part: n for part, n in answer.json()["progress"].items() if n and part != "total"} == progress
        if state != "running":
            installation.run_jobs("maintenance")
            assert all(lead.notes is None for lead in leads(acme))
    refused(owner.post(f"{path}/resume"), 409, "conflict")
    installation.run_jobs("maintenance")
    assert seen(owner, run)["state"] == "completed"
    assert [row["id"] for row in owner.get(RUNS).json()] == [run["id"]]
    for verb in ("pause", "resume", "cancel"):
        assert refused(owner.post(f"{path}/{verb}"), 409, "conflict") == {
            "state": "completed",
            "reason": "run_state",
        }


def test_the_doors_of_bulk_runs_open_no_run_that_calls(owner: TestClient, acme: World) -> None:
    calling = acme.make_run()
    refused(owner.get(f"{RUNS}/{calling.id}"), 404, "not_found")
    for verb in ("pause", "resume", "cancel"):
        refused(owner.post(f"{RUNS}/{calling.id}/{verb}"), 404, "not_found")


@pytest.mark.parametrize("what", ["update", "delete"])
def test_the_same_asked_twice_is_begun_once(what: str, owner: TestClient, acme: World) -> None:
    body: dict[str, Any] = {"changes": {"notes": "N"}} if what == "update" else {}
    for choice in (
        {"list_id": str(acme.list_id)},
        {"filter": {"source": "list:Everybody"}},
    ):
        run = asked(owner, what, **choice, **body)
        again = owner.post(f"/api/leads/bulk-{what}", json={**choice, **body})
        assert refused(again, 409, "run_already_active") == {"run_id": run["id"]}
    with unit_of_work(acme.scope) as session:
        assert session.query(Run).count() == session.query(Job).count() == 2


def at_once(world: World, wishes: Sequence[BulkDeleteIn]) -> list[object]:
    """Ask for all of these at the same moment; return what each was answered."""
    gate = Barrier(len(wishes))

    def ask(wish: BulkDeleteIn) -> object:
        gate.wait(30)
        try:
            with unit_of_work(world.scope) as session:
                return bulk.begin_delete(session, world.business_id, wish, actor="test").id
        except (RunAlreadyActive, TooManyRequests) as refusal:
            return refusal

    with ThreadPoolExecutor(len(wishes)) as pool:
        return list(pool.map(ask, wishes))


def test_of_ten_who_ask_the_same_at_once_one_is_heard(acme: World) -> None:
    answers = at_once(acme, [BulkDeleteIn(list_id=acme.list_id)] * 10)
    (begun,) = [answer for answer in answers if isinstance(answer, UUID)]
    others = [answer for answer in answers if isinstance(answer, RunAlreadyActive | TooManyRequests)]
    assert len(others) == 9
    assert any(isinstance(other, RunAlreadyActive) for other in others)
    assert {other.data["run_id"] for other in others if isinstance(other, RunAlreadyActive)} == {str(begun)}
    with unit_of_work(acme.scope) as session:
        assert (
            session.query(Run).count() == session.query(RunSlice).count() == session.query(Job).count() == 1
        )


def test_however_many_ask_at_once_two_deletes_a_minute_are_begun(acme: World, umbrella: World) -> None:
    answers = at_once(acme, [BulkDeleteIn(lead_ids=[lead.id]) for lead in leads(acme)] * 2)
    assert sum(isinstance(answer, UUID) for answer in answers) == 2
    with unit_of_work(acme.scope) as session:
        assert session.query(Run).count() == 2
    assert all(
        isinstance(answer, UUID) for answer in at_once(umbrella, [BulkDeleteIn(list_id=umbrella.list_id)])
    )


@pytest.mark.parametrize(("what", "most"), [("update", 5), ("delete", 2)])
def test_a_flood_is_answered_with_how_long_to_wait(
    what: str, most: int, owner: TestClient, acme: World
) -> None:
    def wish(number: int) -> dict[str, Any]:
        later = (clock.now() + timedelta(days=number + 1)).isoformat()
        return {"filter": {"created_before": later}} | (
            {"changes": {"notes": "N"}} if what == "update" else {}
        )

    path = f"/api/leads/bulk-{what}"
    for number in range(most):
        assert owner.post(path, json=wish(number)).status_code == 202
    answer = owner.post(path, json=wish(most))
    assert 1 <= refused(answer, 429, "too_many_requests")["retry_after_s"] <= 60
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    with unit_of_work(acme.scope) as session:
        assert session.query(Run).count() == most
        session.execute(update(Run).values(created_at=Run.created_at - timedelta(minutes=1)))
    assert owner.post(path, json=wish(most)).status_code == 202


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT])
def test_who_may_not_change_much_at_once_may_look(
    role: Role, owner: TestClient, acme: World, installation: Installation
) -> None:
    run = asked(owner, "update", list_id=str(acme.list_id), changes={"notes": "N"})
    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="low@acme.example", name="Low", password=PASSWORD,
            role=role, actor="test",
        )  # fmt: skip
    sign_in(owner, "low@acme.example")
    assert owner.get(f"{RUNS}/{run['id']}").status_code == 200
    asks: list[Callable[[], Any]] = [
        lambda: owner.post(
            "/api/leads/bulk-update", json={"list_id": str(acme.list_id), "changes": {"notes": "X"}}
        ),
        lambda: owner.post("/api/leads/bulk-delete", json={"list_id": str(acme.list_id)}),
        *(
            lambda verb=verb: owner.post(f"{RUNS}/{run['id']}/{verb}")
            for verb in ("pause", "resume", "cancel")
        ),  # type: ignore[misc]
    ]
    for ask in asks:
        assert refused(ask(), 403, "forbidden") == {"reason": "insufficient_role"}
    assert seen(owner, run)["state"] == "running"


def test_a_bulk_run_is_no_outbound_run(owner: TestClient, acme: World) -> None:
    begun = owner.post(
        "/api/leads/bulk-update", json={"list_id": str(acme.list_id), "changes": {"notes": "X"}}
    ).json()
    for path in ("", "/items", "/attempts"):
        refused(owner.get(f"/api/runs/{begun['id']}{path}"), 404, "not_found")
    refused(owner.post(f"/api/runs/{begun['id']}/pause"), 404, "not_found")
