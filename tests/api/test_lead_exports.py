"""Exports of leads: the file holds who was asked for, runs nothing, is stopped, and is gone after a day."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from sqlalchemy import select, text, update

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.core.jobs.models import Job
from trunkline.core.storage import installed_storage
from trunkline.domain.leads import exports
from trunkline.domain.leads.models import Lead
from trunkline.domain.people import service as people
from trunkline.kit import barriers, clock

_MANY = text(
    "insert into leads (id, business_id, phone, name, source, created_at) select gen_random_uuid(),"
    " :business, '+1999' || (1000000 + n), 'Somebody ' || n, 'seed', now() - n * interval '1 minute'"
    " from generate_series(1, 2500) n"
)


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def ask(owner: TestClient, **wish: Any) -> dict[str, Any]:
    answer = owner.post("/api/lead-exports", json=wish)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


def look(owner: TestClient, made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = owner.get(f"/api/lead-exports/{made['id']}").json()
    return found


def fetch(owner: TestClient, made: dict[str, Any]) -> Any:
    return owner.get(f"/api/lead-exports/{made['id']}/file")


def rows_of(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_a_file_of_many_holds_each_once_and_says_how_far_it_is(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    with unit_of_work(acme.scope) as session:
        session.execute(_MANY, {"business": acme.business_id})
    made = ask(owner)
    everybody = 2500 + len(acme.phones)
    assert (made["state"], made["total"]) == ("waiting", everybody)
    assert fetch(owner, made).json()["error"]["code"] == "export_not_ready"
    installation.run_jobs("maintenance")
    done = look(owner, made)
    assert (done["state"], done["done"]) == ("ready", everybody)
    answer = fetch(owner, made)
    assert done["size"] == len(answer.content)
    assert "attachment" in answer.headers["content-disposition"]
    header, *rows = rows_of(answer)
    assert header[:4] == ["phone", "name", "email", "status"]
    assert len({row[0] for row in rows}) == len(rows) == everybody
    with unit_of_work(acme.scope) as session:
        fetched = session.scalars(select(Event).where(Event.kind == "lead_export.fetched")).one()
        assert (fetched.actor, fetched.data["leads"]) == (acme.email, everybody)


def test_only_who_meets_the_conditions_is_in_it_with_what_is_known_of_them(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    names = {row["name"]: row["id"] for row in owner.get("/api/lead-statuses").json()}
    lead = {
        "phone": "+12125550177", "name": "דנה", "email": "dana@example.com", "notes": "Two\nlines",
        "tags": ["spring", "vip"], "status_id": names["Won"],
    }  # fmt: skip
    assert owner.patch("/api/business", json={"time_zone": "America/New_York"}).status_code == 200
    made_lead = owner.post("/api/leads", json=lead).json()
    said = {"consent": "written", "consent_at": "2026-01-31T12:30:00Z", "consent_source": "Form"}
    owner.patch(f"/api/leads/{made_lead['id']}/consent", json=said)
    made = ask(owner, filter={"status_id": [names["Won"]]}, language="he")
    assert made["total"] == 1
    installation.run_jobs("maintenance")
    header, row = rows_of(fetch(owner, made))
    assert header[:2] == ["טלפון", "שם"]
    assert row[:7] == [
        "+12125550177", "דנה", "dana@example.com", "Won", "spring, vip", "person", "written"
    ]  # fmt: skip
    assert row[7:10] == ["2026-01-31 07:30", "Form", "Two\nlines"], "in the business's zone"


def test_what_begins_like_a_formula_computes_nothing(owner: TestClient, installation: Installation) -> None:
    evil = '=HYPERLINK("http://evil.example")'
    owner.post("/api/leads", json={"phone": "+12125550177", "name": evil, "notes": "tab\tand \x0b bell"})
    text_file, workbook = (
        ask(owner, filter={"search": "evil"}),
        ask(owner, format="xlsx", filter={"search": "evil"}),
    )
    installation.run_jobs("maintenance")
    assert rows_of(fetch(owner, text_file))[1][1] == f"'{evil}"
    sheet = openpyxl.load_workbook(io.BytesIO(fetch(owner, workbook).content)).active
    cell = sheet["B2"]
    assert (cell.value, cell.data_type) == (evil, "s")
    assert sheet["A2"].value == "+12125550177"


def test_a_file_is_imported_again_as_it_was_exported(owner: TestClient, installation: Installation) -> None:
    owner.post("/api/leads", json={"phone": "+12125550177", "name": "Dana", "email": "d@example.com"})
    made = ask(owner, language="he", filter={"search": "Dana"})
    installation.run_jobs("maintenance")
    form = {"file": ("leads.csv", fetch(owner, made).content, "text/csv")}
    preview = owner.post("/api/lead-imports/preview", files=form).json()
    (row,) = preview["rows"]
    assert (row["phone"], row["name"], row["email"]) == ("+12125550177", "Dana", "d@example.com")


def test_own_fields_and_the_owner_are_in_it_and_own_fields_come_back(
    owner: TestClient, installation: Installation
) -> None:
    for field in (
        {"label": "Budget", "kind": "number"}, {"label": "Insured", "kind": "yes_no"},
        {"label": "Gone", "kind": "text"},
    ):  # fmt: skip
        made_field = owner.post("/api/lead-fields", json=field)
        assert made_field.status_code == 201, made_field.text
    (me,) = owner.get("/api/users").json()
    fields = {"budget": 1200, "insured": True, "gone": "x"}
    wish = {"phone": "+12125550177", "name": "Dana", "owner_id": me["id"], "fields": fields}
    assert owner.post("/api/leads", json=wish).status_code == 201
    put_away = {"is_archived": True}
    assert owner.patch(f"/api/lead-fields/{made_field.json()['id']}", json=put_away).status_code == 200
    for language, yes in (("en", "yes"), ("he", "כן")):
        made = ask(owner, language=language, filter={"search": "Dana"})
        installation.run_jobs("maintenance")
        answer = fetch(owner, made)
        header, row = rows_of(answer)
        assert header[-2:] == ["Budget", "Insured"]
        assert row[-2:] == ["1200", yes]
        assert row[-3] == me["name"]
        file = ("leads.csv", answer.content, "text/csv")
        preview = owner.post("/api/lead-imports/preview", files={"file": file})
        (again,) = preview.json()["rows"]
        assert again["reason"] is None
        held = {column["field"] for column in preview.json()["columns"]}
        assert {"field:budget", "field:insured"} <= held


def test_one_whose_job_breaks_or_is_stopped_has_failed_and_is_no_file(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    broken, stopped = ask(owner), ask(owner, format="xlsx")
    with unit_of_work(acme.scope) as session:
        states = {broken["id"]: "failed", stopped["id"]: "cancelled"}
        for job_id, state in states.items():
            session.execute(update(Job).where(Job.id == job_id).values(state=state))
    for made, why in (
        (broken, "It could not be written; its job has the trace."),
        (stopped, "Its job was stopped."),
    ):
        found = look(owner, made)
        assert (found["state"], found["error"]) == ("failed", why)
        assert fetch(owner, made).status_code == 409
    assert [row["state"] for row in owner.get("/api/lead-exports").json()] == ["failed"] * 2
    for _ in range(3):
        ask(owner)  # those that came to nothing are in nobody's way
    with unit_of_work(acme.scope) as session:
        told = session.scalars(select(Event.subject_id).where(Event.kind == "lead_export.failed")).all()
    assert sorted(map(str, told)) == sorted(states)


def test_it_is_stopped_between_two_pages_and_leaves_no_file(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    with unit_of_work(acme.scope) as session:
        session.execute(_MANY, {"business": acme.business_id})
    made = ask(owner)

    def cancel(name: str) -> None:
        if name == "export.page_read":
            barriers.install(None)
            assert owner.post(f"/api/lead-exports/{made['id']}/cancel").status_code == 202

    barriers.install(cancel)
    try:
        installation.run_jobs("maintenance")
    finally:
        barriers.install(None)
    assert look(owner, made)["state"] == "cancelled"
    assert fetch(owner, made).status_code == 409
    assert installed_storage().find(f"exports/{acme.business_id}/{made['id']}.csv") is None
    assert owner.post(f"/api/lead-exports/{made['id']}/cancel").status_code == 409


def test_it_is_gone_after_a_day(owner: TestClient, acme: World, installation: Installation) -> None:
    made = ask(owner)
    installation.run_jobs("maintenance")
    assert fetch(owner, made).status_code == 200
    with clock.frozen_at(clock.now() + timedelta(days=1, seconds=1)):
        find = pytest.raises(exports.ExportNotReady)
        with find, unit_of_work(acme.scope) as session:
            exports.find(session, acme.business_id, UUID(made["id"]), actor="test")
    with unit_of_work(acme.scope) as session:
        (job,) = session.scalars(select(Job).where(Job.name == "drop_lead_export"))
        assert timedelta(hours=23) < job.run_at - clock.now() <= timedelta(days=1)
        session.execute(update(Job).where(Job.id == job.id).values(run_at=clock.now()))
    installation.run_jobs("maintenance")
    assert look(owner, made)["state"] == "gone"
    assert installed_storage().find(f"exports/{acme.business_id}/{made['id']}.csv") is None
    assert fetch(owner, made).status_code == 409


def test_a_list_or_status_that_is_gone_fails_it_in_words(
    owner: TestClient, installation: Installation
) -> None:
    status = owner.post("/api/lead-statuses", json={"name": "Short"}).json()["id"]
    made = ask(owner, filter={"status_id": [status]})
    assert owner.delete(f"/api/lead-statuses/{status}").status_code == 204
    installation.run_jobs("maintenance")
    failed = look(owner, made)
    assert (failed["state"], failed["error"]) == ("failed", "There is no such status.")


def test_admins_alone_export_three_at_once(owner: TestClient, acme: World) -> None:
    for _ in range(3):
        ask(owner)
    assert owner.post("/api/lead-exports", json={}).status_code == 429
    assert len(owner.get("/api/lead-exports").json()) == 3
    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="agent@acme.example", name="Agent",
            password=PASSWORD, role=Role.AGENT, actor="test",
        )  # fmt: skip
        assert session.scalars(select(Lead.id)).all()
    sign_in(owner, "agent@acme.example")
    assert owner.post("/api/lead-exports", json={}).status_code == 403
    assert owner.get("/api/lead-exports").status_code == 403
