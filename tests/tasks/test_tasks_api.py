"""Tasks by their door: making, changing, listing and doing them, and series."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.world import World
from tasks.staff import colleague, in_zone, owner_of, told
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.domain.leads import service as leads
from trunkline.domain.tasks import listing
from trunkline.domain.tasks.schemas import TasksQuery
from trunkline.kit import clock

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)


def make(client: TestClient, title: str = "Call back", **wish: Any) -> dict[str, Any]:
    answer = client.post("/api/tasks", json={"title": title, **wish})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def change(client: TestClient, task: dict[str, Any], **changes: Any) -> Any:
    return client.patch(f"/api/tasks/{task['id']}", json={"version": task["version"], **changes})


def titles(client: TestClient, **query: Any) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        answer = client.get("/api/tasks", params={**query, **more})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [task["title"] for task in page["tasks"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def test_a_task_is_made_read_changed_and_taken_away(owner: TestClient, acme: World) -> None:
    in_zone(acme, "Asia/Jerusalem")
    with unit_of_work(acme.scope) as session:
        lead_id = leads.lead_of_caller(session, acme.business_id, acme.phones[0])
    me = owner_of(acme).user_id
    wish = {
        "text": "About the quote", "due_on": "2026-12-01", "due_time": "14:30", "lead_id": str(lead_id),
        "assignee_id": str(me), "priority": "high", "remind": [60, 10],
    }  # fmt: skip
    made = make(owner, **wish)
    assert {name: made[name] for name in wish} == wish
    assert made["due_at"] == "2026-12-01T12:30:00Z"
    assert (made["state"], made["assignee_name"], made["lead_name"]) == ("todo", "Owner", "Lead")
    changed = change(owner, made, due_time=None, lead_id=None, state="doing").json()
    assert (changed["due_at"], changed["lead_id"], changed["state"]) == (
        "2026-12-01T22:00:00Z",
        None,
        "doing",
    )
    assert (changed["text"], changed["version"]) == ("About the quote", 2)
    stale = change(owner, made, title="Mine")
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "outdated")
    assert owner.get(f"/api/tasks/{made['id']}").json() == changed
    assert owner.delete(f"/api/tasks/{made['id']}").status_code == 204
    assert owner.get(f"/api/tasks/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"due_time": "09:00"}, "time_without_day"),
        ({"repeats": "FREQ=DAILY"}, "repeats_without_day"),
        ({"repeats": "FREQ=HOURLY", "due_on": "2026-12-01"}, "no_rule"),
        ({"title": ""}, "form"),
        ({"due_on": "yesterday"}, "form"),
        ({"due_on": "9999-12-31"}, "form"),
        ({"due_on": "0001-01-01"}, "form"),
        ({"remind": [1_441]}, "form"),
        ({"colour": "red"}, "form"),
    ],
)
def test_what_makes_no_task_is_refused(owner: TestClient, wish: dict[str, Any], reason: str) -> None:
    answer = owner.post("/api/tasks", json={"title": "Call back", **wish})
    assert answer.status_code == 422
    assert answer.json()["error"]["data"]["reason"] == reason
    assert titles(owner) == []


def test_tasks_are_listed_by_when_they_are_due_page_by_page(owner: TestClient, acme: World) -> None:
    me, other = owner_of(acme).user_id, colleague(acme, "Dana")
    with clock.frozen_at(MONDAY):
        make(owner, "someday")
        make(owner, "late", due_on="2026-11-23", due_time="07:00", assignee_id=str(me))
        make(owner, "today", due_on="2026-11-23", assignee_id=str(other))
        make(owner, "soon", due_on="2026-11-23", due_time="09:00", state="doing", assignee_id=str(me))
        done = make(owner, "done", due_on="2026-11-20")
        assert change(owner, done, state="done").json()["done_at"] == "2026-11-23T08:00:00Z"
        assert titles(owner, limit=1) == ["late", "soon", "today", "someday"]
        assert titles(owner, state="doing") == ["soon"]
        assert titles(owner, state="done") == ["done"]
        assert titles(owner, overdue="true") == ["late"]
        assert titles(owner, assignee="me") == ["late", "soon"]
        assert titles(owner, assignee="nobody") == ["someday"]
        assert titles(owner, assignee=str(other)) == ["today"]
        counted = owner.get("/api/tasks/counts").json()
        assert counted == {"open": 4, "overdue": 1, "mine_open": 2, "mine_overdue": 1}
    assert owner.get("/api/tasks", params={"cursor": "nonsense"}).status_code == 422


def test_a_series_goes_on_once_however_often_a_task_is_done(owner: TestClient) -> None:
    with clock.frozen_at(MONDAY):
        first = make(owner, "Report", due_on="2026-11-16", due_time="09:00", repeats="FREQ=WEEKLY")
        done = change(owner, first, state="done").json()
        # The one of the 23rd is today's; none of weeks that are over piles up.
        (following,) = owner.get("/api/tasks").json()["tasks"]
        assert (following["due_on"], following["due_time"], following["state"]) == (
            "2026-11-23",
            "09:00",
            "todo",
        )
        assert following["follows_id"] == first["id"]
        undone = change(owner, done, state="todo").json()
        again = change(owner, undone, state="done").json()
        assert again["state"] == "done"
        assert [task["id"] for task in owner.get("/api/tasks").json()["tasks"]] == [following["id"]]
        change(owner, following, state="done")
        (third,) = owner.get("/api/tasks").json()["tasks"]
        assert third["due_on"] == "2026-11-30"
        # Taken away, it is the last.
        owner.delete(f"/api/tasks/{third['id']}")
        assert titles(owner) == []


def test_who_is_given_a_task_is_told_and_not_who_takes_it(owner: TestClient, acme: World) -> None:
    dana = colleague(acme, "Dana", language="he")
    mine = make(owner, "Mine", assignee_id=str(owner_of(acme).user_id))
    theirs = change(owner, mine, assignee_id=str(dana)).json()
    change(owner, theirs, title="Still Dana's")
    (notification,) = told(acme)
    assert (notification.user_id, notification.kind) == (dana, "task_assigned")
    assert notification.data == {"task_id": mine["id"], "title": "Mine", "by": "Owner"}


def test_who_only_looks_changes_no_task(owner: TestClient, acme: World) -> None:
    made = make(owner)
    colleague(acme, "Vera", Role.VIEWER)
    sign_in(owner, "vera@acme.example")
    assert owner.get("/api/tasks").status_code == 200
    assert owner.post("/api/tasks", json={"title": "Mine"}).status_code == 403
    assert change(owner, made, title="Mine").status_code == 403
    assert owner.delete(f"/api/tasks/{made['id']}").status_code == 403


def test_tasks_stay_when_who_and_what_they_name_is_gone(owner: TestClient, acme: World) -> None:
    dana = colleague(acme, "Dana")
    with unit_of_work(acme.scope) as session:
        lead_id = leads.lead_of_caller(session, acme.business_id, "+12125550177")
    made = make(owner, assignee_id=str(dana), lead_id=str(lead_id))
    assert owner.delete(f"/api/users/{dana}").status_code == 204
    with unit_of_work(acme.scope) as session:
        session.execute(text("delete from leads where id = :id"), {"id": lead_id})
    left = owner.get(f"/api/tasks/{made['id']}").json()
    assert (left["assignee_id"], left["lead_id"], left["title"]) == (None, None, "Call back")


def test_a_business_that_moves_has_its_tasks_due_by_its_new_clock(
    owner: TestClient, installation: Installation
) -> None:
    timed = make(owner, due_on="2026-12-01", due_time="09:00")
    day = make(owner, due_on="2026-12-01")
    assert owner.patch("/api/business", json={"time_zone": "America/New_York"}).status_code == 200
    installation.run_jobs("default")
    assert owner.get(f"/api/tasks/{timed['id']}").json()["due_at"] == "2026-12-01T14:00:00Z"
    assert owner.get(f"/api/tasks/{day['id']}").json()["due_at"] == "2026-12-02T05:00:00Z"


_MAKE = text(
    "insert into tasks (id, business_id, title, created_by, state, due_on, due_at, assignee_id, done_at)"
    " select gen_random_uuid(), :business, 'T' || n, 'test', case when n % 2 = 1 then 'done' else 'todo' end,"
    " current_date, now() + n * interval '1 minute', case when n % 10 = 0 then cast(:me as uuid) end,"
    " case when n % 2 = 1 then now() end from generate_series(1, 20000) n"
)
# A connection counts its earlier transactions too, until it has reported them, about once a second.
_READ = text(
    "select coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0)"
    " from pg_stat_xact_user_tables where relname = 'tasks'"
)


def test_a_page_of_very_many_tasks_reads_few_of_them(acme: World, installation: Installation) -> None:
    me = owner_of(acme).user_id
    with unit_of_work(acme.scope) as session:
        session.execute(_MAKE, {"business": acme.business_id, "me": me})
    with installation.administrator.begin() as connection:
        connection.execute(text("analyze tasks"))
    last = None
    for wanted in (
        TasksQuery(), TasksQuery(assignee="me"), TasksQuery(state="done"), TasksQuery(overdue=True),
    ):  # fmt: skip
        for cursor in (None, "last"):
            with unit_of_work(acme.scope) as session:
                asked = wanted.model_copy(update={"cursor": cursor and last})
                before = session.scalar(_READ)
                rows, last = listing.list_tasks(session, acme.business_id, me, asked)
                assert len(rows) == (0 if wanted.overdue else 50)
                assert session.scalar(_READ) - before <= 200, wanted
    with unit_of_work(acme.scope) as session:
        before = session.scalar(_READ)
        counted = listing.counts(session, acme.business_id, me)
        assert (counted.open, counted.mine_open) == (listing.MOST_COUNTED, listing.MOST_COUNTED)
        assert session.scalar(_READ) - before <= 4 * listing.MOST_COUNTED
