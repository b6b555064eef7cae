"""A run's leads and dials in pages, and its results as a file."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from api.doorway import TestClient, build_app, open_door, sign_in
from support.diary import note_down
from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.calls.models import Call, CallState
from trunkline.domain.leads.models import Lead
from trunkline.domain.outbound.models import AttemptState, ItemState, OutboundAttempt, OutboundItem
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock
from trunkline.kit.csv_text import BYTE_ORDER_MARK
from trunkline.kit.ids import new_id

AT = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)


@pytest.fixture
def owner(installation: Installation, acme: World) -> Iterator[TestClient]:
    with open_door(build_app(spool=installation.home / "no-spool")) as visitor:
        sign_in(visitor, acme.email)
        yield visitor


def pages(visitor: TestClient, path: str, behind: str, **query: Any) -> list[list[dict[str, Any]]]:
    """Read every page of two rows; the one that is not full is the last."""
    found: list[list[dict[str, Any]]] = []
    after: dict[str, Any] = {}
    while True:
        answer = visitor.get(path, params={"limit": 2, **query, **after})
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        if len(found[-1]) < 2:
            return found
        after = {"after": found[-1][-1][behind]}


def add_attempts(world: World, run_id: UUID) -> list[UUID]:
    """Let every lead of the run have been dialled, all at one moment."""
    with unit_of_work(world.scope) as session:
        rows = [
            OutboundAttempt(
                business_id=world.business_id, run_id=run_id, item_id=item.id, phone=item.phone,
                from_number=world.number, state=AttemptState.ENDED, disposition="answered", job_id=new_id(),
                lease_epoch=1, created_at=AT,
            )
            for item in session.scalars(
                select(OutboundItem).where(OutboundItem.run_id == run_id).order_by(OutboundItem.position)
            )
        ]  # fmt: skip
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def test_items_come_in_pages_and_by_state(acme: World, owner: TestClient) -> None:
    run = acme.make_run()
    path = f"/api/runs/{run.id}/items"
    with unit_of_work(acme.scope) as session:
        second = session.scalars(select(OutboundItem).where(OutboundItem.position == 2)).one()
        second.state = ItemState.FAILED
    found = pages(owner, path, "position")
    assert [[row["position"] for row in page] for page in found] == [[1, 2], [3]]
    assert [row["position"] for row in owner.get(path, params={"state": "failed"}).json()] == [2]
    both = owner.get(path, params={"state": ["queued", "failed"]}).json()
    assert [row["position"] for row in both] == [1, 2, 3]
    assert [row["position"] for row in owner.get(path, params={"state": "queued", "after": 1}).json()] == [3]
    for wrong in ({"limit": 0}, {"limit": 1_001}, {"after": -1}, {"state": "nonsense"}):
        assert owner.get(path, params=wrong).status_code == 422


def test_attempts_of_one_moment_come_in_pages_none_twice(acme: World, owner: TestClient) -> None:
    run = acme.make_run()
    made = add_attempts(acme, run.id)
    found = pages(owner, f"/api/runs/{run.id}/attempts", "id")
    assert [len(page) for page in found] == [2, 1]
    assert sorted(row["id"] for page in found for row in page) == sorted(map(str, made))
    assert owner.get(f"/api/runs/{run.id}/attempts", params={"state": "unknown"}).json() == []
    assert len(owner.get(f"/api/runs/{run.id}/attempts", params={"state": "ended"}).json()) == 3


def talked(world: World, run_id: UUID) -> None:
    """Let the first lead have talked for 90 seconds and booked, and be called what a formula is."""
    add_attempts(world, run_id)
    with unit_of_work(world.scope) as session:
        session.get_one(Business, world.business_id).time_zone = "Asia/Jerusalem"
        item = session.scalars(select(OutboundItem).where(OutboundItem.position == 1)).one()
        attempt = session.scalars(select(OutboundAttempt).where(OutboundAttempt.item_id == item.id)).one()
        assert item.lead_id is not None
        session.get_one(Lead, item.lead_id).name = '=HYPERLINK("http://evil.example")'
        item.state, item.disposition, item.attempts_used = ItemState.COMPLETED, "booked", 1
        call = Call(
            id=new_id(), business_id=world.business_id, carrier_sid="CA1", direction="outbound",
            ours=world.number, theirs=item.phone, lead_id=item.lead_id, state=CallState.ENDED,
            answered_at=AT, ended_at=AT + timedelta(seconds=90),
        )  # fmt: skip
        session.add(call)
        session.flush()
        attempt.call_id = call.id
        day = datetime(2026, 7, 1, 6, tzinfo=UTC)  # summer time, which the winter's dial is not in
        ends = day + timedelta(minutes=30)
        note_down(session, world.business_id, day, ends, lead_id=item.lead_id, call_id=call.id)


def table(visitor: TestClient, run_id: UUID, **query: Any) -> list[dict[str, str]]:
    answer = visitor.get(f"/api/runs/{run_id}/results.csv", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.startswith(BYTE_ORDER_MARK)
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix(BYTE_ORDER_MARK), newline="")))


def test_results_say_what_came_of_each_lead(acme: World, owner: TestClient) -> None:
    run = acme.make_run()
    talked(acme, run.id)
    rows = table(owner, run.id)
    call_id = rows[0].pop("call")
    assert UUID(call_id)
    assert rows[0] == {
        "position": "1", "name": "'=HYPERLINK(\"http://evil.example\")", "phone": acme.phones[0],
        "state": "completed", "outcome": "booked", "attempts": "1", "waits for": "", "next call": "",
        "last dial": "2026-11-23 00:30:00", "called from": acme.number, "call length (s)": "90",
        "appointment": "2026-07-01 09:00:00",
    }  # fmt: skip
    assert [row["phone"] for row in rows] == list(acme.phones)
    assert (rows[1]["name"], rows[1]["appointment"], rows[1]["call length (s)"]) == ("Lead", "", "")
    assert [row["position"] for row in table(owner, run.id, state="completed")] == ["1"]
    hebrew = table(owner, run.id, language="he")
    assert [row["טלפון"] for row in hebrew] == list(acme.phones)
    words = {"completed": "הושלם", "booked": "נקבעה פגישה"}
    assert list(hebrew[0].values())[:-1] == [words.get(cell, cell) for cell in rows[0].values()]
    with unit_of_work(acme.scope) as session:
        waiting = {"state": "retry_wait", "waits_for": "calling_hours"}
        session.execute(update(OutboundItem).where(OutboundItem.position == 2).values(**waiting))
    assert [table(owner, run.id)[1][name] for name in ("state", "waits for")] == list(waiting.values())
    told = [table(owner, run.id, language="he")[1][name] for name in ("מצב", "ממתין בשל")]
    assert told == ["ממתין למועדו", "שעות החיוג"]
    assert owner.get(f"/api/runs/{run.id}/results.csv", params={"language": "xx"}).status_code == 422


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.parametrize("people", [2_500, pytest.param(100_000, marks=pytest.mark.soak)])
def test_results_of_many_leads_are_whole_and_take_little_memory(
    people: int, acme: World, owner: TestClient
) -> None:
    run = acme.make_run()
    with unit_of_work(acme.scope) as session:
        session.execute(
            text(
                "insert into outbound_items (id, business_id, run_id, phone, position)"
                " select gen_random_uuid(), :business, :run, '+1999' || n, n from generate_series(4, :n) n"
            ),
            {"business": acme.business_id, "run": run.id, "n": people},
        )
    began = clock.now()
    before = most = resident_bytes()
    positions = []
    with owner.stream("GET", f"/api/runs/{run.id}/results.csv") as answer:
        for line in answer.iter_lines():
            positions.append(line.split(",", 1)[0])
            most = max(most, resident_bytes())
    print(people, "rows:", clock.now() - began, "more memory:", (most - before) >> 20, "MiB")
    assert most - before < 48 << 20
    assert positions[1:] == [str(number) for number in range(1, people + 1)]
