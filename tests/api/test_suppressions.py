"""Numbers that are not to be called: a business's own list, and the one that holds for all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.lists import Table, as_csv, as_xlsx
from support.processes import grown_mb
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.events import Event
from trunkline.domain.outbound import dialling, suppressions
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.claim import Claim, claim_next
from trunkline.domain.outbound.models import OutboundItem, Suppression
from trunkline.domain.outbound.options import installed_limits
from trunkline.domain.people import service as people
from trunkline.kit import clock
from trunkline.kit.ids import new_id


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def started(world: World) -> None:
    run = world.make_run()
    with unit_of_work(world.scope) as session:
        outbound.start_run(session, world.business_id, run.id, actor="test")


def claimed(world: World) -> Claim:
    with unit_of_work(world.scope) as session:
        claim = claim_next(
            session, world.business_id, limits=installed_limits(), job_id=new_id(), lease_epoch=1
        )
    assert isinstance(claim, Claim), claim
    return claim


def items(world: World) -> dict[str, tuple[str, str | None]]:
    with unit_of_work(world.scope) as session:
        return {item.phone: (item.state, item.disposition) for item in session.scalars(select(OutboundItem))}


def test_a_number_that_a_person_types_is_called_no_more_from_then_on(acme: World, owner: TestClient) -> None:
    started(acme)
    typed = owner.post("/api/suppressions", json={"phone": "(212) 555-0102", "reason": "wrote to us"})
    assert (typed.status_code, typed.json()["phone"]) == (201, "+12125550102")
    assert items(acme)["+12125550102"] == ("failed", "suppressed")
    (listed,) = owner.get("/api/suppressions").json()["suppressions"]
    assert (listed["phone"], listed["reason"], listed["source"]) == ("+12125550102", "wrote to us", "person")
    # Once more changes nothing, and off the list it is gone.
    assert owner.post("/api/suppressions", json={"phone": "+12125550102"}).json()["reason"] == "wrote to us"
    assert owner.delete("/api/suppressions/+12125550102").status_code == 204
    assert owner.get("/api/suppressions").json() == {"suppressions": [], "next_cursor": None}
    assert owner.delete("/api/suppressions/+12125550102").status_code == 404


def test_what_is_no_number_is_told_so(owner: TestClient) -> None:
    refused = owner.post("/api/suppressions", json={"phone": "nobody"})
    assert refused.status_code == 422
    assert "nobody" in refused.text


def test_a_dial_that_is_committed_and_not_made_is_taken_back(acme: World, owner: TestClient) -> None:
    started(acme)
    claim = claimed(acme)
    assert owner.post("/api/suppressions", json={"phone": claim.phone}).status_code == 201
    with unit_of_work(acme.scope) as session:
        assert not dialling.run_allows(session, acme.business_id, claim.run_id, claim.attempt_id)
    assert items(acme)[claim.phone] == ("queued", None)
    with clock.frozen_at(clock.now() + timedelta(minutes=1)):
        assert claimed(acme).phone != claim.phone
    assert items(acme)[claim.phone] == ("failed", "suppressed")


def test_the_list_of_all_holds_for_every_business(
    acme: World, umbrella: World, installation: Installation
) -> None:
    shared = acme.phones[0]
    with unit_of_work(SYSTEM) as session:
        suppressions.suppress_everywhere(session, shared, reason="a court's order", actor="test")
    for number, world in enumerate((acme, umbrella), 1):
        # The account's pace is shared: the second business dials a little later.
        with clock.frozen_at(clock.now() + timedelta(minutes=number)):
            started(world)
            assert claimed(world).phone != shared
        assert items(world)[shared] == ("failed", "suppressed")
    with unit_of_work(SYSTEM) as session:
        ((row,), _) = suppressions.listed_everywhere(session, limit=10)
        assert (row.phone, row.reason) == (shared, "a court's order")
        suppressions.allow_everywhere(session, shared, actor="test")
    with unit_of_work(SYSTEM) as session:
        assert suppressions.listed_everywhere(session, limit=10) == ([], None)


# --- Many at once ---------------------------------------------------------------------------


def upload(client: TestClient, content: bytes | str, **data: str) -> Any:
    return client.post("/api/suppressions/upload", files={"file": ("list.csv", content)}, data=data)


def numbers(world: World) -> dict[str, tuple[str, str]]:
    with unit_of_work(world.scope) as session:
        return {row.phone: (row.reason, row.source) for row in session.scalars(select(Suppression))}


@pytest.mark.parametrize(
    ("count", "most_mb"), [(20_000, 15), pytest.param(100_000, 40, marks=pytest.mark.soak)]
)
def test_a_long_list_of_numbers_is_taken_in_little_memory(
    count: int, most_mb: float, acme: World, owner: TestClient
) -> None:
    started(acme)
    lines = [f"(646) {n // 10_000 + 200}-{n % 10_000:04},x" for n in range(count)]
    content = "\n".join(["phone,name", *lines, acme.phones[1], "nobody", lines[0]]).encode()
    answers = []
    grown = grown_mb(lambda: answers.append(upload(owner, content, reason="national registry")))
    (answer,) = answers
    assert answer.status_code == 201, answer.text
    assert answer.json() == {
        "read": count + 3, "added": count + 1, "unusable": 1,
        "faults": [
            {
                "line": count + 3, "reason": "'nobody' is not a telephone number", "code": "phone_wrong",
                "facts": {"text": "nobody"},
            }
        ],
    }  # fmt: skip
    # The client of this process holds the file too, which is less than 2 MB.
    assert grown < most_mb
    assert items(acme)[acme.phones[1]] == ("failed", "suppressed")
    with unit_of_work(acme.scope) as session:
        assert session.scalar(select(func.count()).select_from(Suppression)) == count + 1
        told = select(func.count()).select_from(Event).where(Event.kind == "number.suppressed")
        assert session.scalar(told) == count + 1
    again = upload(owner, content).json()
    assert (again["read"], again["added"]) == (count + 3, 0)


@pytest.mark.parametrize(
    "content",
    [
        "+12125550102\n+12125550103\n", "name;טלפון\nDana;+12125550102\nNoa;(212) 555-0103\n",
        "\ufeffPhone Number\r\n2125550102\r\n\r\n2125550103", "tel\tname\n+12125550102\tA\n+12125550103\tB",
    ],
)  # fmt: skip
def test_a_file_has_a_heading_or_none(content: str, acme: World, owner: TestClient) -> None:
    assert upload(owner, content).json() == {"read": 2, "added": 2, "unusable": 0, "faults": []}
    assert numbers(acme) == dict.fromkeys(("+12125550102", "+12125550103"), ("list", "import"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"), (b"+12125550102\n\xff", "UTF-8"), (b"+12125550102,a\0b\n", "NUL"),
        # What cannot be read on behind its second thousand: nothing of it is written.
        (b"+12125550102\n" * 2_500 + b"9" * 140_000, "behind line 2500"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_list_changes_nothing(
    content: bytes, said: str, acme: World, owner: TestClient
) -> None:
    refused = upload(owner, content)
    assert (refused.status_code, said in refused.text) == (422, True)
    assert numbers(acme) == {}


@pytest.mark.parametrize(
    "form", [as_xlsx, partial(as_csv, encoding="cp1255"), partial(as_csv, encoding="utf-16")]
)
@pytest.mark.parametrize("heading", [[["שם", "טלפון"]], []])
def test_a_file_comes_as_hebrew_excel_saves_it(
    form: Callable[[Table], bytes], heading: list[list[str]], acme: World, owner: TestClient
) -> None:
    rows = [["דנה", "+12125550102"], ["נועה", "(212) 555-0103"]]
    content = form([*heading, *(row if heading else row[1:] + row[:1] for row in rows)])
    assert upload(owner, content).json() == {"read": 2, "added": 2, "unusable": 0, "faults": []}
    assert set(numbers(acme)) == {"+12125550102", "+12125550103"}


def test_each_thousand_is_a_transaction_of_its_own(acme: World, owner: TestClient) -> None:
    # Who takes the business's lock, and who reads events in commit order, waits for a thousand at most.
    assert upload(owner, "".join(f"+1646555{n:04}\n" for n in range(3_200))).json()["added"] == 3_200
    with unit_of_work(acme.scope) as session:
        told = (
            select(func.count())
            .where(Event.kind == "number.suppressed")
            .group_by(Event.transaction_id)
            .order_by(Event.transaction_id)
        )
        assert list(session.scalars(told)) == [1_000, 1_000, 1_000, 200]


def test_lines_that_cannot_be_used_are_told_a_hundred_of_them(acme: World, owner: TestClient) -> None:
    answer = upload(owner, "phone\n" + "what\n" * 150 + "+12125550102\n").json()
    assert (answer["read"], answer["added"], answer["unusable"], len(answer["faults"])) == (151, 1, 150, 100)
    assert [fault["line"] for fault in answer["faults"][:2]] == [2, 3]


def test_the_list_is_read_page_by_page_though_all_came_at_one_moment(acme: World, owner: TestClient) -> None:
    phones = [f"+1646555{n:04}" for n in range(100, 125)]
    moment = clock.now()
    with unit_of_work(acme.scope) as session:
        for phone in phones:
            session.add(
                Suppression(
                    business_id=acme.business_id, phone=phone, reason="r", source="import", created_at=moment
                )
            )
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 10}
    while True:
        page = owner.get("/api/suppressions", params=query).json()
        seen += [row["phone"] for row in page["suppressions"]]
        query["cursor"] = page["next_cursor"]
        if query["cursor"] is None:
            break
    assert seen == sorted(phones, reverse=True)
    # A cursor of the list is none of what is found by a search, nor is any other text.
    first = owner.get("/api/suppressions", params={"limit": 10}).json()["next_cursor"]
    for wrong in ({"cursor": first, "search": "+1646"}, {"cursor": "+12125550101"}):
        assert owner.get("/api/suppressions", params=wrong).status_code == 422


# --- Who may ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "answers"),
    [(Role.VIEWER, (403, 403, 403)), (Role.AGENT, (201, 403, 403)), (Role.ADMIN, (201, 201, 204))],
)
def test_what_each_role_may_do(
    role: Role, answers: tuple[int, int, int], acme: World, visitor: TestClient
) -> None:
    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="one@acme.example", name="One", password=PASSWORD,
            role=role, actor="test",
        )  # fmt: skip
        suppressions.suppress(
            session, acme.business_id, "+12125550102", reason="asked", source="call", actor="test"
        )
    sign_in(visitor, "one@acme.example")
    assert visitor.get("/api/suppressions").status_code == 200
    asked = (
        visitor.post("/api/suppressions", json={"phone": "+12125550103"}),
        upload(visitor, "+12125550101"),
        visitor.delete("/api/suppressions/+12125550102"),
    )
    assert tuple(answer.status_code for answer in asked) == answers


def test_a_system_admin_keeps_the_list_of_all(acme: World, umbrella: World, visitor: TestClient) -> None:
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email="admin@trunkline.example", name="Admin", password=PASSWORD,
            role=None, actor="test",
        )  # fmt: skip
    sign_in(visitor, "admin@trunkline.example")
    door = "/api/admin/suppressions"
    for n, phone in enumerate(("+12125550101", "+44 20 7946 0000", "+12125550103")):
        answer = visitor.post(door, json={"phone": phone, "reason": f"order {n}"})
        assert answer.status_code == 201, answer.text
    once_more = visitor.post(door, json={"phone": "+12125550101", "reason": "another"})
    assert once_more.json()["reason"] == "order 0"
    assert visitor.post(door, json={"phone": "2125550101"}).status_code == 422
    first = visitor.get(door, params={"limit": 2}).json()
    rest = visitor.get(door, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [row["phone"] for row in first["suppressions"] + rest["suppressions"]] == [
        "+12125550103", "+442079460000", "+12125550101"
    ]  # fmt: skip
    assert rest["next_cursor"] is None
    assert visitor.delete(f"{door}/+12125550101").status_code == 204
    assert visitor.delete(f"{door}/+12125550101").status_code == 404
    with unit_of_work(SYSTEM) as session:
        kinds = select(Event.kind).where(Event.kind.like("number.%")).order_by(Event.id)
        assert list(session.scalars(kinds)) == [
            *["number.suppressed_everywhere"] * 3, "number.allowed_everywhere"
        ]  # fmt: skip
    started(acme)
    assert claimed(acme).phone == "+12125550101"  # allowed again


def test_nobody_of_a_business_sees_or_changes_the_list_of_all(owner: TestClient) -> None:
    door = "/api/admin/suppressions"
    asked = (
        owner.get(door), owner.post(door, json={"phone": "+12125550101"}),
        owner.delete(f"{door}/+12125550101"),
    )  # fmt: skip
    assert [answer.status_code for answer in asked] == [403, 403, 403]
