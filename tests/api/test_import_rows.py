"""What an import makes of rows and headers as people, and those who are none, write them."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.lists import as_csv, as_xlsx, imported, send_file
from support.world import World
from trunkline.domain.leads.rules import map_headers
from trunkline.kit import clock


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def faults_of(owner: TestClient, done: dict[str, Any]) -> list[list[str]]:
    answer = owner.get(f"/api/lead-imports/{done['id']}/faults.csv")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))[1:]


IMPOSSIBLE = [
    "0001-01-01T00:00+14:00", "0001-01-01", "1989-12-31", "9999-12-31T23:59-12:00", "9999-12-31",
    "01.01.0001",
]  # fmt: skip


def test_a_time_that_cannot_be_is_its_row_s_fault_and_hides_nobody(
    owner: TestClient, installation: Installation
) -> None:
    times = [*IMPOSSIBLE, (clock.now() + timedelta(days=2)).isoformat()]
    rows = [[f"+121255501{number}", "yes", time] for number, time in enumerate(times, 71)]
    sound = ["+12125550170", "yes", (clock.now() + timedelta(hours=20)).isoformat()]
    done = imported(owner, installation, as_csv([["phone", "consent", "consent at"], *rows, sound]))
    assert (done["imported"], done["faults"]) == (1, len(times))
    assert {row[1].endswith("can have been given") for row in faults_of(owner, done)} == {True}
    shown = owner.get("/api/leads")
    assert shown.status_code == 200
    lead = next(lead for lead in shown.json()["leads"] if lead["phone"] == sound[0])
    for time in ("0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00", times[-1]):
        wish = {"consent": "express", "consent_at": time}
        assert owner.patch(f"/api/leads/{lead['id']}/consent", json=wish).status_code == 422
        bulk = {"lead_ids": [lead["id"]], "changes": wish}
        assert owner.post("/api/leads/bulk-update", json=bulk).status_code == 422
    assert owner.get("/api/leads").status_code == 200


def test_nobody_is_swallowed_by_a_quote_that_is_not_closed(
    owner: TestClient, installation: Installation
) -> None:
    phones = [f"+121255501{number}" for number in range(71, 76)]
    names = ['"Dana', "Bob", "Eve", '"Gil"', "Noa"]
    people = "".join(f"{phone},{name}\n" for phone, name in zip(phones, names, strict=True))
    content = f"phone,name\n{people}".encode()
    seen = send_file(owner, content, path="/api/lead-imports/preview").json()["rows"]
    assert [row["phone"] for row in seen] == [None, *phones[1:]]
    done = imported(owner, installation, content)
    assert (done["rows"], done["imported"], done["faults"]) == (5, 4, 1)
    (fault,) = faults_of(owner, done)
    assert fault[0] == "2"
    assert "quote" in fault[1]


@pytest.mark.parametrize(
    "header",
    [
        "\u200fטלפון", "\u202bטלפון\u202c", "מס' טלפון", "מס׳ טלפון", "מס טלפון", "טלפון 1",  # noqa: RUF001
        "טלפון:", "פלאפון", "סלולארי", "Mobile No.", "Phone 1", "Phone Number*", "PHONE_NUMBER", " tel. ",
        "\ufeffphone", "Phone2", "mobile-number",
    ],
)  # fmt: skip
def test_a_phone_is_found_under_the_headers_that_people_write(header: str) -> None:
    assert map_headers([header, "x"]) == {"phone": 1}


def test_a_header_that_is_another_is_not_taken_for_a_phone() -> None:
    assert map_headers(["1", "", "phonetic", "*", "טלפון בבית ספר"]) == {}
    assert map_headers(["Phone 2", "Phone 1", 'דוא"ל', "E-mail 2"]) == {"phone": 1, "email": 3}


@pytest.mark.parametrize("form", [as_csv, as_xlsx])
def test_what_is_longer_than_a_person_may_write_is_its_row_s_fault(
    form: Any, owner: TestClient, installation: Installation
) -> None:
    header = ["phone", "name", "email", "notes", "consent source"]
    longest = [200, 320, 10_000, 300]
    rows = [header, ["+12125550170", *("x" * most for most in longest)]]
    for number, most in enumerate(longest):
        row = [f"+1212555017{number + 1}", "", "", "", ""]
        row[number + 1] = "x" * (most + 1)
        rows.append(row)
    done = imported(owner, installation, form(rows))
    assert (done["imported"], done["faults"]) == (1, 4)
    assert [row[1].split(" is longer")[0] for row in faults_of(owner, done)] == [
        "name", "email", "notes", "consent_source"
    ]  # fmt: skip


def test_a_workbook_s_faults_and_preview_have_the_columns_that_it_has(
    owner: TestClient, installation: Installation
) -> None:
    content = as_xlsx([["phone", "name"], ["nonsense", "Dana"]])
    assert len(send_file(owner, content, path="/api/lead-imports/preview").json()["columns"]) == 2
    (fault,) = faults_of(owner, imported(owner, installation, content))
    assert fault[2] == "nonsense, Dana"


@pytest.mark.parametrize("mapping", ["[" * 1_900, "{", '{"phone":' * 200])
def test_a_mapping_that_is_no_json_is_refused(mapping: str, owner: TestClient) -> None:
    for path in ("/api/lead-imports", "/api/lead-imports/preview"):
        data = {"name": "A list", "mapping": mapping}
        answer = owner.post(path, data=data, files={"file": ("a.csv", b"phone\n+12125550111\n")})
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["message"] == "The mapping is not JSON."
