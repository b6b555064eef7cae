"""Files that people download as CSV: all of one form, and none of them runs anything in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from sqlalchemy import update

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.lists import as_csv, imported
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.leads.models import Lead
from trunkline.domain.outbound import service as outbound

FORMULAS = ["=1+1", " =1+1", "\uff1d1+1", "\u00a0@SUM(A1)", "\u200f=1+1", "-2+3"]
PHONE = "+12125550171"


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def file_of(answer: Any) -> list[list[str]]:
    """Return a file's rows below its header, once its form is found to be right."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))[1:]


def test_the_log(owner: TestClient) -> None:
    for number, text in enumerate(FORMULAS):
        wish = {"phone": f"+1212555010{number}", "reason": text}
        assert owner.post("/api/suppressions", json=wish).status_code == 201
    rows = file_of(owner.get("/api/compliance-log.csv"))
    assert [row[5] for row in rows] == [f"'{text}" for text in FORMULAS]
    assert [row[4] for row in rows] == [f"+1212555010{number}" for number in range(len(FORMULAS))]


def test_an_import_s_faults(owner: TestClient, installation: Installation) -> None:
    rows = [["phone"], *([text] for text in FORMULAS), ['"\n=1+1"'], [PHONE], [PHONE]]
    done = imported(owner, installation, as_csv(rows))
    told = [row[2] for row in file_of(owner.get(f"/api/lead-imports/{done['id']}/faults.csv"))]
    # A number that stands twice is a fault as well; it computes nothing, and stays.
    assert (len(told), told[-1]) == (len(FORMULAS) + 2, PHONE)
    assert all(cell.startswith("'") for cell in told[:-1]), told


def test_a_run_s_results(acme: World, owner: TestClient) -> None:
    run = acme.make_run()
    with unit_of_work(acme.scope) as session:
        outbound.start_run(session, acme.business_id, run.id, actor="test")
    for text in FORMULAS:
        with unit_of_work(acme.scope) as session:
            session.execute(update(Lead).values(name=text))
        rows = file_of(owner.get(f"/api/runs/{run.id}/results.csv"))
        assert [row[1:3] for row in rows] == [[f"'{text}", phone] for phone in acme.phones]
