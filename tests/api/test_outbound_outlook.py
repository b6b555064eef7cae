"""What people are shown of outbound before and after a dial: outlooks, dials step by step, and long lists."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text, update

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.lists import as_csv, imported
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.events import announce
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.rules import LeadRow
from trunkline.domain.outbound import dialling, hearing, outlook, suppressions
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.claim import Claim, claim_next
from trunkline.domain.outbound.models import Suppression
from trunkline.domain.outbound.options import installed_limits
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import CallReport, CallStatus

NOON_IN_NEW_YORK = datetime(2099, 11, 23, 17, 0, tzinfo=UTC)
DAYTIME = {"from": "08:00", "to": "21:00"}


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    with after(0):
        sign_in(visitor, acme.email)
    return visitor


def fetched(owner: TestClient, path: str, **query: Any) -> Any:
    answer = owner.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def claimed(world: World) -> Claim:
    with unit_of_work(world.scope) as session:
        claim = claim_next(
            session, world.business_id, limits=installed_limits(), job_id=new_id(), lease_epoch=1
        )
    assert isinstance(claim, Claim), claim
    return claim


def started(world: World, **options: Any) -> UUID:
    run = world.make_run(**options)
    with unit_of_work(world.scope) as session:
        outbound.start_run(session, world.business_id, run.id, actor="test")
    return run.id


def heard(world: World, claim: Claim, sid: str, status: CallStatus) -> None:
    report = CallReport(
        sid=sid, status=status, to=claim.phone, from_=claim.from_number, direction="outbound-api"
    )
    with unit_of_work(world.scope) as session:
        hearing.hear_report(session, world.business_id, claim.attempt_id, report)


def after(seconds: float) -> AbstractContextManager[None]:
    """Hold the clock so long after noon."""
    return clock.frozen_at(NOON_IN_NEW_YORK + timedelta(seconds=seconds))


def list_of(world: World, name: str, phones: list[str]) -> UUID:
    """Put people with these numbers into a new list."""
    with unit_of_work(world.scope) as session:
        made = leads.make_list(session, world.business_id, name)
        rows = [LeadRow(line, phone, "Lead") for line, phone in enumerate(phones, 1)]
        leads.put_people(
            session, world.business_id, made.id, rows, source="test", moment=clock.now(), actor="test"
        )
        return made.id


# --- Dials, step by step -------------------------------------------------------------------


def test_a_lead_s_dials_are_told_step_by_step(acme: World, owner: TestClient) -> None:
    with after(0):
        run_id = started(acme, max_attempts=2, retry_delay_s=0)
        first = claimed(acme)
    with after(1), unit_of_work(acme.scope) as session:
        dialling.bind(session, acme.business_id, first.attempt_id, sid="CA1")
    told = (CallStatus.RINGING, CallStatus.IN_PROGRESS, CallStatus.RINGING, CallStatus.COMPLETED)
    for seconds, status in enumerate(told, 1):
        with after(1 + 2 * seconds):
            heard(acme, first, "CA1", status)
    item_id = fetched(owner, f"/api/runs/{run_id}/attempts")[0]["item_id"]
    shown = fetched(owner, f"/api/runs/{run_id}/items/{item_id}")
    (dial,) = shown["attempts"]
    steps = [(step["state"], datetime.fromisoformat(step["at"])) for step in dial["steps"]]
    assert [(state, (at - NOON_IN_NEW_YORK).total_seconds()) for state, at in steps] == [
        ("submitting", 0), ("placed", 1), ("ringing", 3), ("answered", 5), ("ended", 9),
    ]  # fmt: skip
    assert (shown["name"], dial["name"], dial["phone"]) == ("Lead", "Lead", first.phone)
    assert (dial["disposition"], dial["call_length_s"], dial["releasable_at"]) == (
        "no_conversation",
        4.0,
        None,
    )


def test_what_the_carrier_refused_is_told_with_its_words(acme: World, owner: TestClient) -> None:
    run_id = started(acme)
    claim = claimed(acme)
    with unit_of_work(acme.scope) as session:
        dialling.refuse(
            session, acme.business_id, claim.attempt_id, error="no such number", account="",
            retry_after_s=None,
        )  # fmt: skip
    (dial,) = fetched(owner, f"/api/runs/{run_id}/attempts")
    assert [step["state"] for step in dial["steps"]] == ["submitting", "rejected"]
    assert (dial["disposition"], dial["error"]) == ("refused", "no such number")


def test_a_dial_in_doubt_says_from_when_it_may_be_released_and_that_it_was(
    acme: World, owner: TestClient
) -> None:
    with after(0):
        run_id = started(acme)
        claim = claimed(acme)
    with after(3), unit_of_work(acme.scope) as session:
        dialling.leave_unknown(session, acme.business_id, claim.attempt_id, error="no answer in 10 s")
    path = f"/api/runs/{run_id}/attempts"
    (dial,) = fetched(owner, path, released="false")
    may = datetime.fromisoformat(dial["releasable_at"])
    assert may == NOON_IN_NEW_YORK + installed_limits().longest_life
    with after(3):
        assert owner.post(f"{path}/{claim.attempt_id}/release").status_code == 409
    with clock.frozen_at(may):
        released = owner.post(f"{path}/{claim.attempt_id}/release")
        assert released.status_code == 200, released.text
    assert [step["state"] for step in released.json()["steps"]] == ["submitting", "unknown", "released"]
    assert released.json()["releasable_at"] is None
    assert fetched(owner, path, released="false") == []
    assert len(fetched(owner, path, released="true")) == 1


def test_a_lead_is_found_in_its_own_run_alone(acme: World, owner: TestClient) -> None:
    one, other = acme.make_run(), acme.make_run()
    (item, *_) = fetched(owner, f"/api/runs/{one.id}/items")
    assert fetched(owner, f"/api/runs/{one.id}/items/{item['id']}")["attempts"] == []
    assert owner.get(f"/api/runs/{other.id}/items/{item['id']}").status_code == 404


# --- Outlooks ------------------------------------------------------------------------------


def adds_up(shown: dict[str, Any]) -> bool:
    parts = ("suppressed", "no_consent", "now", "later", "never")
    return bool(sum(shown[part] for part in parts) == shown["people"])


def test_an_estimate_tells_who_could_be_called_now_later_or_not_at_all(
    acme: World, owner: TestClient
) -> None:
    list_id = list_of(
        acme, "World",
        ["+12125550101", "+12125550102", "+12125550103", "+81312345678", "+81312345679", "+999123456789"],
    )  # fmt: skip
    with unit_of_work(acme.scope) as session:
        suppressions.suppress(
            session, acme.business_id, "+12125550101", reason="asked", source="person", actor="test"
        )
        session.execute(update(Lead).where(Lead.phone == "+12125550102").values(consent="withdrawn"))
    assert owner.patch("/api/business", json={"calling_window": DAYTIME}).status_code == 200
    with clock.frozen_at(NOON_IN_NEW_YORK):
        answer = owner.post("/api/runs/estimate", json={"list_id": str(list_id)})
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    parts = {"people": 6, "suppressed": 1, "no_consent": 1, "now": 1, "later": 2, "never": 1}
    assert {name: shown[name] for name in parts} == parts
    assert adds_up(shown)
    assert shown["judged"] == 4
    assert shown["reasons"] == {"calling_hours": 2, "no_calling_hours": 1}
    eight_in_tokyo = NOON_IN_NEW_YORK + timedelta(hours=6)
    assert datetime.fromisoformat(shown["next_at"]) == eight_in_tokyo
    tokyo = next(place for place in shown["places"] if place["zones"] == ["Asia/Tokyo"])
    assert (tokyo["people"], datetime.fromisoformat(tokyo["opens_at"])) == (2, eight_in_tokyo)
    assert datetime.fromisoformat(tokyo["closes_at"]) == eight_in_tokyo + timedelta(hours=13)


def test_of_very_many_some_stand_for_all_and_it_still_adds_up(acme: World, owner: TestClient) -> None:
    phones = [f"+1212555{n:04d}" for n in range(900)] + [f"+8131234{n:04d}" for n in range(300)]
    list_id = list_of(acme, "Many", phones)
    owner.patch("/api/business", json={"calling_window": DAYTIME})
    with clock.frozen_at(NOON_IN_NEW_YORK):
        shown = owner.post("/api/runs/estimate", json={"list_id": str(list_id)}).json()
    assert (shown["people"], shown["judged"]) == (1200, 500)
    assert adds_up(shown)
    assert 200 <= shown["later"] <= 400, "the sample is not like the list"


def test_a_run_tells_the_outlook_of_those_who_wait_in_it(acme: World, owner: TestClient) -> None:
    owner.patch("/api/business", json={"calling_window": DAYTIME})
    with clock.frozen_at(NOON_IN_NEW_YORK):
        run_id = started(acme)
        assert fetched(owner, f"/api/runs/{run_id}/outlook")["now"] == 3
        claimed(acme)
        shown = fetched(owner, f"/api/runs/{run_id}/outlook")
    assert (shown["people"], shown["now"]) == (2, 2)
    with after(12 * 3600):
        sign_in(owner, acme.email)
        shown = fetched(owner, f"/api/runs/{run_id}/outlook")
    assert (shown["now"], shown["later"], shown["reasons"]) == (0, 2, {"calling_hours": 2})


def test_one_number_is_judged_by_every_rule(acme: World, owner: TestClient) -> None:
    owner.patch("/api/business", json={"calling_window": DAYTIME})
    with clock.frozen_at(NOON_IN_NEW_YORK):
        shown = fetched(owner, "/api/calling-hours", phone="(212) 555-0101")
        assert (shown["phone"], shown["allowed"], shown["reason"]) == ("+12125550101", True, None)
        assert shown["zones"] == ["America/New_York"]
        assert datetime.fromisoformat(shown["closes_at"]) == NOON_IN_NEW_YORK + timedelta(hours=9)
        far = fetched(owner, "/api/calling-hours", phone="+81312345678")
        assert (far["allowed"], far["reason"], far["until"]) == (False, "calling_hours", far["opens_at"])
        owner.post("/api/suppressions", json={"phone": "+12125550101"})
        assert fetched(owner, "/api/calling-hours", phone="+12125550101")["reason"] == "suppressed"
    assert owner.get("/api/calling-hours", params={"phone": "nobody"}).status_code == 422


@pytest.mark.parametrize(
    ("counts", "to", "shares"),
    [
        ({"now": 1, "later": 2}, 3, {"now": 1, "later": 2}),
        ({"now": 1, "later": 2}, 10, {"now": 3, "later": 7}),
        ({"now": 3, "later": 0}, 100, {"now": 100, "later": 0}),
        ({"now": 0, "later": 0}, 0, {"now": 0, "later": 0}),
    ],
)
def test_shares_add_up(counts: dict[str, int], to: int, shares: dict[str, int]) -> None:
    assert outlook.scaled(counts, to=to) == shares


# --- Long lists ----------------------------------------------------------------------------


def test_runs_come_in_pages_and_by_state(acme: World, owner: TestClient) -> None:
    made = [str(acme.make_run().id) for _ in range(3)]
    first = fetched(owner, "/api/runs", limit=2)
    rest = fetched(owner, "/api/runs", limit=2, after=first[-1]["id"])
    assert [run["id"] for run in [*first, *rest]] == made[::-1]
    with unit_of_work(acme.scope) as session:
        outbound.start_run(session, acme.business_id, UUID(made[1]), actor="test")
    assert [run["id"] for run in fetched(owner, "/api/runs", state=["running", "paused"])] == [made[1]]


def test_suppressions_are_found_by_how_they_begin_and_as_they_are_written_at_home(
    acme: World, owner: TestClient
) -> None:
    for phone in ("+972501234567", "+972501234568", "+12125550101"):
        assert owner.post("/api/suppressions", json={"phone": phone}).status_code == 201

    def found(search: str, **query: Any) -> list[str]:
        page = fetched(owner, "/api/suppressions", search=search, **query)
        assert (page["next_cursor"] is None) == ("limit" not in query)
        return [row["phone"] for row in page["suppressions"]]

    assert found("+972 50") == ["+972501234567", "+972501234568"]
    assert found("(212) 555-0101") == ["+12125550101"]
    assert found("+972", limit=1) == ["+972501234567"]
    behind = fetched(owner, "/api/suppressions", search="+972", limit=1)["next_cursor"]
    assert found("+972", cursor=behind) == ["+972501234568"]
    assert found("+44") == []


def test_a_long_suppression_list_is_not_read_to_show_a_page_of_it(acme: World, servers: Installation) -> None:
    with unit_of_work(acme.scope) as session:
        session.add_all(
            Suppression(business_id=acme.business_id, phone=f"+1212{n:07d}", reason="list")
            for n in range(5_000)
        )
    with servers.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze suppressions"))
    read = text(
        "select coalesce(idx_tup_fetch, 0) + seq_tup_read from pg_stat_xact_user_tables"
        " where relname = 'suppressions'"
    )
    with unit_of_work(acme.scope) as session:
        found, _ = suppressions.beginning_with(session, acme.business_id, "+12120001", region="US", limit=20)
        assert len(found) == 20
        assert session.execute(read).scalar_one() <= 25
    with unit_of_work(acme.scope) as session:
        assert len(suppressions.listed(session, acme.business_id, limit=20)[0]) == 20
        assert session.execute(read).scalar_one() <= 25


def test_the_compliance_log_comes_in_pages_newest_first_and_by_what_is_wanted(
    acme: World, owner: TestClient
) -> None:
    run_id = started(acme)
    claimed(acme)
    for phone in ("+12125550102", "+12125550103"):
        owner.post("/api/suppressions", json={"phone": phone})
    first = fetched(owner, "/api/compliance-log", limit=2)
    assert [entry["event"] for entry in first["entries"]] == ["number.suppressed"] * 2
    rest = fetched(owner, "/api/compliance-log", limit=2, cursor=first["next_cursor"])
    assert [entry["event"] for entry in rest["entries"]] == ["dial.allowed"]
    assert rest["next_cursor"] is None
    (dial,) = fetched(owner, "/api/compliance-log", run_id=str(run_id))["entries"]
    assert (dial["phone"], dial["zones"], dial["dialled_before"]) == ("+12125550101", ["America/New_York"], 0)
    by_number = fetched(owner, "/api/compliance-log", phone="212 555 0103")["entries"]
    assert [(entry["event"], entry["rule"]) for entry in by_number] == [("number.suppressed", "asked")]
    assert fetched(owner, "/api/compliance-log", kind="dial.allowed")["entries"] == [dial]
    assert owner.get("/api/compliance-log", params={"kind": "call.answered"}).status_code == 422
    assert owner.get("/api/compliance-log", params={"cursor": "nonsense"}).status_code == 422


def test_a_page_of_the_log_looks_at_so_many_rows_and_goes_on_behind_them(
    acme: World, owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trunkline.domain.outbound.compliance_log._LOOKED_AT", 4)
    with unit_of_work(acme.scope):
        announce("number.allowed", subject_id=None, actor="test", phone="+12125550199")
        for n in range(7):
            announce("number.suppressed", subject_id=None, actor="test", phone=f"+1212555{n:04d}")
    pages, cursor = [], None
    while True:
        query = {"phone": "+12125550199"} | ({"cursor": cursor} if cursor else {})
        page = fetched(owner, "/api/compliance-log", **query)
        pages.append(len(page["entries"]))
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert pages == [0, 1, 0], "found in the second four, and the end is known behind them"


def test_an_import_s_faults_and_the_imports_and_lists_come_in_pages(
    acme: World, owner: TestClient, installation: Installation
) -> None:
    rows = [["phone", "name"], ["nonsense", "A"], ["+12125550171", "B"], ["", "C"], ["12", "D"]]
    done = imported(owner, installation, as_csv(rows), name="First")
    second = imported(owner, installation, as_csv([["phone"], ["+12125550172"]]), name="Second")
    path = f"/api/lead-imports/{done['id']}/faults"
    page = owner.get(path, params={"limit": 2}).json()
    first = page["faults"]
    assert [(row["line"], "A" in row["row"] or "C" in row["row"]) for row in first] == [(2, True), (4, True)]
    rest = owner.get(path, params={"limit": 2, "cursor": page["next_cursor"]}).json()
    assert ([row["line"] for row in rest["faults"]], rest["next_cursor"]) == ([5], None)
    assert owner.get(path, params={"cursor": "4"}).status_code == 422
    assert all(row["reason"] for row in first)
    told = [(row["code"], row["facts"]) for row in (*first, *rest["faults"])]
    assert told == [
        ("phone_wrong", {"text": "nonsense"}), ("phone_missing", {"text": ""}),
        ("phone_length", {"text": "12"}),
    ]  # fmt: skip
    newest = fetched(owner, "/api/lead-imports", limit=1)
    assert [row["id"] for row in newest] == [second["id"]]
    older = fetched(owner, "/api/lead-imports", limit=1, after=second["id"])
    assert [row["id"] for row in older] == [done["id"]]
    (row,) = fetched(owner, "/api/lead-lists", search="sec")
    assert (row["name"], row["leads"]) == ("Second", 1)
    behind = fetched(owner, "/api/lead-lists", limit=1, after=row["id"])
    assert [(one["name"], one["leads"]) for one in behind] == [("First", 1)]
