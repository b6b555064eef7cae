"""Importing lists: what becomes of each row, of the file, and of an import that is stopped."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, func, select, text, update

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.lists import as_csv, as_xlsx, imported, send_file
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.jobs.models import Job
from trunkline.domain.leads import import_store, import_work, imports, store
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.import_models import ImportChunk
from trunkline.domain.leads.models import Lead, LeadListEntry
from trunkline.domain.leads.rules import LeadRow
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock

_ROWS_READ = text(
    "select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) from pg_stat_xact_user_tables"
)


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def people(world: World, list_id: str) -> list[Lead]:
    """Return the list's leads in their order."""
    with unit_of_work(world.scope) as session:
        return list(
            session.scalars(
                select(Lead)
                .join(LeadListEntry, LeadListEntry.lead_id == Lead.id)
                .where(LeadListEntry.list_id == list_id)
                .order_by(LeadListEntry.position)
            )
        )


def faults_of(owner: TestClient, done: dict[str, Any]) -> list[list[str]]:
    answer = owner.get(f"/api/lead-imports/{done['id']}/faults.csv")
    assert answer.status_code == 200, answer.text
    header, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert header == ["line", "reason", "row"]
    return rows


def kept_pieces(world: World) -> int:
    with unit_of_work(world.scope) as session:
        return session.scalar(select(func.count()).select_from(ImportChunk)) or 0


def counts(done: dict[str, Any]) -> tuple[int, ...]:
    return tuple(done[name] for name in ("rows", "imported", "created", "updated", "faults"))


@contextmanager
def statements(installation: Installation) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(installation.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(installation.database.engine, "before_cursor_execute", note)


ROWS = [
    ["Phone", "First name", "Last name", "Company", "Notes", "Consent", "Consent date", "Consent source"],
    ["+12125550171", "Dana", "Levi", "Acme Ltd", "in the morning", "yes", "2026-01-31 14:30", "web form"],
    ["nonsense", "Nobody", "", "", "", "", "", ""],
    ["(212) 555-0172", "Noa", "", "", "", "written", "31.01.2026", ""],
    ["", "", "", "", "", "", "", ""],
    ["+12125550171", "=1+1", "", "", "", "", "", ""],
    ["+12125550173", "Tal", "", "", "", "perhaps", "", ""],
    ["+12125550174", "Gil", "", "", "", "yes", "soon", ""],
    ["+12125550101", "Known", "", "", "a note", "no", "2026-01-31", ""],
]


@pytest.mark.parametrize("form", [as_csv, as_xlsx])
def test_a_file_becomes_leads_and_faults(
    form: Any, acme: World, owner: TestClient, installation: Installation
) -> None:
    done = imported(owner, installation, form(ROWS))
    assert (done["state"], done["error"]) == ("completed", None)
    assert counts(done) == (7, 3, 2, 1, 4)
    dana, noa, known = people(acme, done["list_id"])
    assert (dana.name, dana.notes) == ("Dana Levi", "Acme Ltd\nin the morning")
    assert (dana.consent, dana.consent_source) == ("express", "web form")
    assert dana.consent_at is not None
    assert dana.consent_at.utcoffset() is not None
    assert (noa.phone, noa.name, noa.consent) == ("+12125550172", "Noa", "written")
    # A known lead keeps what it has; its blanks are filled.
    assert (known.name, known.notes, known.consent) == ("Lead", "a note", "withdrawn")
    rows = faults_of(owner, done)
    assert [row[0] for row in rows] == ["3", "6", "7", "8"]
    assert rows[0][1] == "''nonsense' is not a telephone number"[1:]
    assert rows[1][1].endswith("stands on line 2 already")
    assert "consent" in rows[2][1]
    assert "'soon' is not a time" in rows[3][1]
    # A number alone is no formula; with more behind it, it could be one, and is marked as text.
    assert rows[1][2] == "+12125550171" or rows[1][2].startswith("'+12125550171, ")
    assert kept_pieces(acme) == 0


def test_a_number_cell_of_a_workbook_is_read_as_it_looks(
    acme: World, owner: TestClient, installation: Installation
) -> None:
    rows = [["mobile", "name", "opt in", "opt in date"], [2125550171.0, 7, True, datetime(2026, 1, 31, 9, 0)]]
    with unit_of_work(acme.scope) as session:
        session.execute(update(Business).values(time_zone="Asia/Jerusalem"))
    done = imported(owner, installation, as_xlsx(rows))
    assert counts(done) == (1, 1, 1, 0, 0)
    (lead,) = people(acme, done["list_id"])
    assert (lead.phone, lead.name, lead.consent) == ("+12125550171", "7", "express")
    assert lead.consent_at == datetime(2026, 1, 31, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [("utf-8", ","), ("utf-8-sig", ";"), ("utf-16", "\t"), ("utf-16-le", ","), ("cp1255", ",")],
)
def test_hebrew_is_read_in_every_encoding_in_which_it_comes(
    encoding: str, delimiter: str, acme: World, owner: TestClient, installation: Installation
) -> None:
    rows = [["שם פרטי", "שם משפחה", "טלפון נייד", "הסכמה"], ["דנה", "לוי", "+12125550171", "כן"]]
    done = imported(owner, installation, as_csv(rows, encoding=encoding, delimiter=delimiter))
    (lead,) = people(acme, done["list_id"])
    assert (lead.name, lead.consent) == ("דנה לוי", "express")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe\x01\x02", "neither CSV nor Excel"),
        (b"PK\x03\x04 and nothing behind it", "neither CSV nor Excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xlsx"),
        (b"phone,name\n+12125550111,Jos\xe9\xff\n", "neither CSV nor Excel"),
        (b"phone,name\n+12125550111,A\0B\n", "NUL characters"),
        (b"name,street\nDana,Main\n", "No column holds telephone numbers"),
    ],
)
def test_what_is_no_list_is_refused_and_leaves_nothing(
    content: bytes, says: str, acme: World, owner: TestClient
) -> None:
    for path in ("/api/lead-imports", "/api/lead-imports/preview"):
        answer = send_file(owner, content, path=path)
        if path.endswith("preview") and says.startswith("No column"):
            assert answer.status_code == 200
            continue
        assert answer.status_code == 422, answer.text
        assert says in answer.json()["error"]["message"]
    assert owner.get("/api/lead-imports").json() == []
    assert [row["name"] for row in owner.get("/api/lead-lists").json()] == ["Everybody"]
    assert kept_pieces(acme) == 0


def test_a_file_that_is_too_large_is_refused(owner: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "_largest_mb", 0)
    answer = send_file(owner, b"phone\n+12125550111\n")
    assert answer.status_code == 422
    assert "larger than" in answer.json()["error"]["message"]


def test_a_name_is_given_once(owner: TestClient) -> None:
    answer = send_file(owner, b"phone\n+12125550111\n", name="Everybody")
    assert answer.status_code == 422
    assert "already" in answer.json()["error"]["message"]


def test_a_person_corrects_the_mapping_that_the_preview_shows(
    acme: World, owner: TestClient, installation: Installation
) -> None:
    content = as_csv([["Who", "Reach", "Name"], *([f"P{n}", f"+121255504{n:02}", "x"] for n in range(30))])
    seen = send_file(owner, content, path="/api/lead-imports/preview").json()
    assert [(column["header"], column["field"]) for column in seen["columns"]] == [
        ("Who", None), ("Reach", None), ("Name", "name")
    ]  # fmt: skip
    assert {row["reason"] for row in seen["rows"]} == {"no column holds telephone numbers"}
    mapping = {"name": 1, "phone": 2}
    seen = send_file(owner, content, path="/api/lead-imports/preview", mapping=mapping).json()
    assert len(seen["rows"]) == 20
    assert (seen["rows"][0]["line"], seen["rows"][0]["name"], seen["rows"][0]["phone"]) == (
        2, "P0", "+12125550400"
    )  # fmt: skip
    assert len(owner.get("/api/lead-lists").json()) == 1, "a preview writes nothing"
    done = imported(owner, installation, content, mapping=mapping)
    assert [lead.name for lead in people(acme, done["list_id"])] == [f"P{n}" for n in range(30)]


@pytest.mark.parametrize(
    "mapping", [{"name": 1}, {"phone": 9}, {"phone": 0}, {"phone": 1, "name": 1}, {"fon": 1}, {"phone": "1"}]
)
def test_a_mapping_that_cannot_be_is_refused(mapping: dict[str, Any], owner: TestClient) -> None:
    assert send_file(owner, b"phone,name\n+12125550111,A\n", mapping=mapping).status_code == 422


def test_a_list_longer_than_a_batch_keeps_its_order_in_few_statements(
    acme: World, owner: TestClient, installation: Installation
) -> None:
    # Backwards, so that the order of the file is not the order of the numbers; three are known leads.
    phones = [f"+1212555{number:04}" for number in range(2_600, 100, -1)]
    rows = [["phone", "name"], *([phone, f"Person {phone[-4:]}"] for phone in phones)]
    with statements(installation) as seen:
        done = imported(owner, installation, as_csv([*rows, ["nonsense", "Nobody"], rows[1]]))
    known = set(acme.phones) & set(phones)
    assert counts(done) == (2_502, 2_500, 2_500 - len(known), 0, 2)
    assert [lead.phone for lead in people(acme, done["list_id"])] == phones
    # A duplicate is found though its first row was in another batch.
    assert faults_of(owner, done)[1][1] == f"'{phones[0]} stands on line 2 already"
    assert len(seen) <= 120, f"{len(seen)} statements"


def test_a_file_that_cannot_be_read_on_fails_with_its_line_and_keeps_what_was_before(
    acme: World, owner: TestClient, installation: Installation
) -> None:
    content = b"phone,notes\n+12125550111,ok\n+12125550112," + b"x" * 200_000
    done = imported(owner, installation, content)
    assert done["state"] == "failed"
    assert "behind line 2" in done["error"]
    assert counts(done) == (1, 1, 1, 0, 0)
    assert kept_pieces(acme) == 0


def test_an_import_is_paused_resumed_and_cancelled_between_batches(
    acme: World, owner: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_work, "_ROWS_A_BATCH", 10)
    content = as_csv([["phone"], *([f"+121255504{n:02}"] for n in range(35))])
    path = f"/api/lead-imports/{send_file(owner, content).json()['id']}"

    stop_after(monkeypatch, 1, lambda: owner.post(f"{path}/pause"))
    installation.run_jobs("maintenance")
    paused = owner.get(path).json()
    assert (paused["state"], counts(paused)) == ("paused", (10, 10, 10, 0, 0))
    assert owner.post(f"{path}/pause").status_code == 409

    assert owner.post(f"{path}/resume").status_code == 202
    stop_after(monkeypatch, 2, lambda: owner.post(f"{path}/cancel"))
    installation.run_jobs("maintenance")
    over = owner.get(path).json()
    assert (over["state"], counts(over)) == ("cancelled", (30, 30, 30, 0, 0))
    assert len(people(acme, over["list_id"])) == 30, "what is in stays in"
    assert kept_pieces(acme) == 0
    assert owner.post(f"{path}/resume").status_code == 409
    with unit_of_work(acme.scope) as session:
        assert set(session.scalars(select(Job.state))) == {"succeeded"}


def stop_after(monkeypatch: pytest.MonkeyPatch, batches: int, act: Any) -> None:
    """Let a person do something when so many more batches are in."""
    left = batches

    def reached(name: str) -> None:
        nonlocal left
        if name == "import.batch_done":
            left -= 1
            if left == 0:
                assert act().status_code == 202

    monkeypatch.setattr("trunkline.kit.barriers._hook", reached)


def test_a_file_that_kills_its_workers_is_not_read_for_ever(acme: World, owner: TestClient) -> None:
    import_id = UUID(send_file(owner, as_csv([["phone"], ["+12125550401"]])).json()["id"])

    def begin_and_die() -> imports.Reading | None:
        with unit_of_work(acme.scope) as session, io.BytesIO() as file:
            return imports.open_file(session, acme.business_id, import_id, file)

    assert [begin_and_die() is not None for _ in range(4)] == [True, True, True, False]
    over = owner.get(f"/api/lead-imports/{import_id}").json()
    assert (over["state"], kept_pieces(acme)) == ("failed", 0)
    assert "the worker died of them" in over["error"]


def test_a_batch_that_fails_three_times_fails_the_import(
    acme: World, owner: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(import_store, "note_faults", broken)
    answer = send_file(owner, b"phone\n+12125550111\nnonsense\n").json()
    for _ in range(3):
        with unit_of_work(acme.scope) as session:
            session.execute(update(Job).where(Job.state == "queued").values(run_at=func.clock_timestamp()))
        installation.run_jobs("maintenance")
    now = owner.get(f"/api/lead-imports/{answer['id']}").json()
    assert now["state"] == "failed"
    assert "RuntimeError" in now["error"]
    assert people(acme, answer["list_id"]) == [], "a batch is in whole or not at all"
    assert kept_pieces(acme) == 0


def test_whom_of_a_batch_the_list_has_is_found_without_reading_the_list(acme: World) -> None:
    phones = [f"+1212{number}" for number in range(5_000_000, 5_008_000)]
    with unit_of_work(acme.scope) as session:
        list_id = leads.make_list(session, acme.business_id, "Long").id
        rows = [LeadRow(line, phone) for line, phone in enumerate(phones, 2)]
        leads.put_people(
            session, acme.business_id, list_id, rows, source="import", moment=clock.now(), actor="test"
        )
    for seen in ([], phones[-100:]):
        with unit_of_work(acme.scope) as session:
            before = session.execute(_ROWS_READ).scalar_one()
            batch = [*seen, *(f"+1213{number}" for number in range(5_000_000, 5_000_100))]
            assert list(store.lines_in_list(session, acme.business_id, list_id, batch)) == seen
            assert session.execute(_ROWS_READ).scalar_one() - before <= 3 * len(batch)
