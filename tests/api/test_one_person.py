"""One person, one lead: by whichever number or address, with an owner, and with the business's own fields."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.domain.leads import addresses
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.own_values import key_of
from trunkline.domain.leads.record_models import LeadAddress
from trunkline.domain.people import service as people

SECOND = "+12125550177"


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


@pytest.fixture
def ids(acme: World) -> list[str]:
    """Acme's leads in the order of their numbers."""
    with unit_of_work(acme.scope) as session:
        return [str(lead_id) for lead_id in session.scalars(select(Lead.id).order_by(Lead.phone))]


def refused(answer: Any) -> tuple[int, str, dict[str, Any]]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["data"]


def with_address(owner: TestClient, lead: str, channel: str, address: str) -> Any:
    return owner.post(f"/api/leads/{lead}/addresses", json={"channel": channel, "address": address})


def shown(owner: TestClient, lead: str) -> dict[str, Any]:
    answer = owner.get(f"/api/leads/{lead}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def found_by(owner: TestClient, **query: Any) -> list[str]:
    answer = owner.get("/api/leads", params=query)
    assert answer.status_code == 200, answer.text
    counted = owner.get("/api/leads/count", params=query).json()["count"]
    assert counted == len(answer.json()["leads"])
    return sorted(lead["id"] for lead in answer.json()["leads"])


# --- Numbers and addresses ---------------------------------------------------------------


def test_whoever_calls_or_writes_from_any_address_is_that_lead(
    owner: TestClient, acme: World, ids: list[str]
) -> None:
    first = ids[0]
    answer = with_address(owner, first, "phone", "(212) 555-0177")
    assert answer.status_code == 201, answer.text
    assert with_address(owner, first, "whatsapp", "+972 50 234 5678").status_code == 201
    assert with_address(owner, first, "email", " Dana@Example.com ").status_code == 201
    assert [(row["channel"], row["address"]) for row in shown(owner, first)["addresses"]] == [
        ("whatsapp", "+972502345678"), ("phone", acme.phones[0]), ("phone", SECOND),
        ("email", "dana@example.com"),
    ]  # fmt: skip
    with unit_of_work(acme.scope) as session:
        before = session.scalar(select(func.count(Lead.id)))
        for channel, address in (
            ("phone", acme.phones[0]), ("phone", SECOND), ("whatsapp", SECOND), ("phone", "+972502345678"),
            ("whatsapp", "+972502345678"), ("email", "DANA@example.com"),
        ):  # fmt: skip
            found = leads.lead_at(session, acme.business_id, channel, address)  # type: ignore[arg-type]
            assert str(found) == first, (channel, address)
        assert str(leads.lead_of_caller(session, acme.business_id, SECOND)) == first
        assert leads.lead_at(session, acme.business_id, "email", "nobody@example.com") is None
        assert leads.lead_at(session, acme.business_id, "phone", "+12125550178") is None
        assert session.scalar(select(func.count(Lead.id))) == before
    # Pages find them by a further number too, however it is written.
    assert found_by(owner, search="212-555-0177") == [first]
    assert found_by(owner, search="dana@example.com") == [first]


def test_an_address_of_another_lead_is_refused_with_whose_it_is(
    owner: TestClient, acme: World, ids: list[str]
) -> None:
    first, second, third = ids
    owner.patch(f"/api/leads/{third}", json={"version": 1, "email": "third@example.com"})
    assert with_address(owner, first, "phone", SECOND).status_code == 201
    assert with_address(owner, first, "email", "first@example.com").status_code == 201
    # Theirs already: that is no fault.
    assert with_address(owner, first, "phone", SECOND).status_code == 201
    for channel, address, whose in (
        ("phone", acme.phones[0], first), ("phone", SECOND, first), ("whatsapp", SECOND, first),
        ("email", "First@example.com", first), ("email", "third@example.com", third),
    ):  # fmt: skip
        status, code, data = refused(with_address(owner, second, channel, address))
        assert (status, code, data["lead_id"]) == (409, "address_known", whose), address
    status, code, data = refused(owner.post("/api/leads", json={"phone": SECOND}))
    assert (status, code, data["lead_id"]) == (409, "number_known", first)
    wish = {"phone": "+12125550179", "email": "first@example.com"}
    status, code, data = refused(owner.post("/api/leads", json=wish))
    assert (status, code, data["lead_id"]) == (409, "address_known", first)
    wish = {"version": 1, "email": "first@example.com"}
    status, code, data = refused(owner.patch(f"/api/leads/{second}", json=wish))
    assert (status, code, data["lead_id"]) == (409, "address_known", first)
    for email in ("noa@", "noa@example", "noa at example.com", "@example.com"):
        for answer in (
            owner.post("/api/leads", json={"phone": "+12125550179", "email": email}),
            owner.patch(f"/api/leads/{second}", json={"version": 1, "email": email}),
        ):
            status, _, data = refused(answer)
            assert (status, data["reason"], data["field"]) == (422, "not_an_address", "email"), email
    for channel, address, reason in (
        ("phone", "12", "not_a_number"), ("email", "nobody", "not_an_address"),
        ("whatsapp", "x", "not_a_number"),
    ):  # fmt: skip
        status, _, data = refused(with_address(owner, second, channel, address))
        assert (status, data["reason"]) == (422, reason)


def test_the_main_number_changes_only_to_another_of_theirs_and_stays_till_then(
    owner: TestClient, acme: World, ids: list[str]
) -> None:
    first = ids[0]
    with_address(owner, first, "phone", SECOND)
    main = f"/api/leads/{first}/main-number"
    status, _, data = refused(owner.delete(f"/api/leads/{first}/addresses/phone/{acme.phones[0]}"))
    assert (status, data["reason"]) == (409, "main_number")
    assert refused(owner.post(main, json={"phone": acme.phones[1], "version": 2}))[0] == 404
    assert refused(owner.post(main, json={"phone": SECOND, "version": 1}))[1] == "outdated"
    answer = owner.post(main, json={"phone": SECOND, "version": 2})
    assert answer.json()["phone"] == SECOND
    gone = owner.delete(f"/api/leads/{first}/addresses/phone/{acme.phones[0]}")
    assert [row["address"] for row in gone.json()["addresses"]] == [SECOND]
    with unit_of_work(acme.scope) as session:
        assert leads.lead_at(session, acme.business_id, "phone", acme.phones[0]) is None
    again = owner.delete(f"/api/leads/{first}/addresses/phone/{acme.phones[0]}")
    assert again.status_code == 404


def test_of_many_who_claim_one_number_at_once_one_has_it(acme: World, ids: list[str]) -> None:
    def claim(lead: str) -> str:
        try:
            with unit_of_work(acme.scope) as session:
                addresses.add(session, acme.business_id, UUID(lead), "phone", SECOND, actor="test")
        except addresses.AddressKnown as error:
            return str(error.data["lead_id"])
        return lead

    with ThreadPoolExecutor(6) as pool:
        holders = set(pool.map(claim, ids * 2))
    assert len(holders) == 1
    with unit_of_work(acme.scope) as session:
        rows = session.scalars(select(LeadAddress.lead_id).where(LeadAddress.address == SECOND)).all()
        assert [str(row) for row in rows] == list(holders)


def imported(owner: TestClient, installation: Installation, content: str, **form: str) -> dict[str, Any]:
    file = {"file": ("list.csv", io.BytesIO(content.encode()), "text/csv")}
    answer = owner.post("/api/lead-imports", data={"name": "File", **form}, files=file)
    assert answer.status_code == 202, answer.text
    installation.run_jobs("maintenance")
    done: dict[str, Any] = owner.get(f"/api/lead-imports/{answer.json()['id']}").json()
    assert done["state"] == "completed"
    return done


def test_a_file_s_row_with_a_further_number_is_the_lead_that_has_it(
    owner: TestClient, installation: Installation, acme: World, ids: list[str]
) -> None:
    with_address(owner, ids[0], "phone", SECOND)
    done = imported(
        owner, installation, f"phone,email\n{SECOND},second@example.com\n{acme.phones[0]},main@example.com\n"
    )
    assert (done["imported"], done["created"], done["updated"], done["faults"]) == (1, 0, 1, 1)
    faults = owner.get(f"/api/lead-imports/{done['id']}/faults").json()["faults"]
    assert [(row["line"], row["code"], row["facts"]["line"]) for row in faults] == [(3, "phone_twice", "2")]
    lead = shown(owner, ids[0])
    assert (lead["phone"], lead["email"]) == (acme.phones[0], "second@example.com")


# --- Who looks after them ----------------------------------------------------------------


def hired(acme: World, email: str) -> str:
    with unit_of_work(acme.scope) as session:
        user = people.create_user(
            session, business_id=acme.business_id, email=email, name="Noa", password=PASSWORD,
            role=Role.AGENT, actor="test",
        )  # fmt: skip
        return str(user.id)


def test_leads_have_an_owner_who_gives_them_back_on_leaving(
    owner: TestClient, installation: Installation, acme: World, umbrella: World, ids: list[str]
) -> None:
    noa, stranger = hired(acme, "noa@acme.example"), hired(umbrella, "noa@umbrella.example")
    assert {"id": noa, "name": "Noa"} in owner.get("/api/colleagues").json()
    answer = owner.patch(f"/api/leads/{ids[0]}", json={"version": 1, "owner_id": noa})
    assert answer.json()["owner_id"] == noa
    assert owner.patch(f"/api/leads/{ids[1]}", json={"version": 1, "owner_id": stranger}).status_code == 404
    changes = {"lead_ids": ids[1:2], "changes": {"owner_id": stranger}}
    assert owner.post("/api/leads/bulk-update", json=changes).status_code == 404
    changes = {"lead_ids": ids[:2], "changes": {"owner_id": noa}}
    assert owner.post("/api/leads/bulk-update", json=changes).status_code == 202
    installation.run_jobs("maintenance")
    assert found_by(owner, owner_id=noa) == sorted(ids[:2])
    assert found_by(owner, owner_id="nobody") == ids[2:]
    board = owner.get("/api/leads/board", params={"owner_id": noa}).json()["columns"]
    assert sum(column["count"] for column in board) == 2
    assert owner.delete(f"/api/users/{noa}").status_code == 204
    assert found_by(owner, owner_id="nobody") == sorted(ids)
    with unit_of_work(acme.scope) as session:
        told = session.scalars(select(Event).where(Event.kind == "leads.given_back")).one()
        assert (str(told.subject_id), told.data["leads"]) == (noa, 2)


# --- Fields of the business's own --------------------------------------------------------


FIELDS: list[dict[str, Any]] = [
    {"label": "Budget", "kind": "number", "in_table": True},
    {"label": "Plan", "kind": "choice", "choices": ["Basic", "Gold"]},
    {"label": "מועד חידוש", "kind": "date", "key": "renewal"},
    {"label": "Has a car", "kind": "yes_no"},
    {"label": "Remarks", "kind": "text"},
]


@pytest.fixture
def fields(owner: TestClient) -> dict[str, str]:
    made = [owner.post("/api/lead-fields", json=wish) for wish in FIELDS]
    assert all(answer.status_code == 201 for answer in made), [answer.text for answer in made]
    return {answer.json()["key"]: answer.json()["id"] for answer in made}


def test_fields_are_made_ordered_and_put_away(owner: TestClient, fields: dict[str, str]) -> None:
    assert list(fields) == ["budget", "plan", "renewal", "has_a_car", "remarks"]
    for wish, reason in (
        ({"label": "budget", "kind": "text"}, "field_label_taken"),
        ({"label": "Other", "kind": "text", "key": "budget"}, "field_key_taken"),
        ({"label": "Other", "kind": "choice"}, "field_choices"),
        ({"label": "Other", "kind": "text", "choices": ["a"]}, "field_choices"),
        ({"label": "Other", "kind": "choice", "choices": ["a", "a"]}, "field_choices_twice"),
    ):
        status, _, data = refused(owner.post("/api/lead-fields", json=wish))
        assert (status, data["reason"]) == (422, reason)
    change = f"/api/lead-fields/{fields['remarks']}"
    assert owner.patch(change, json={"position": 1}).status_code == 200
    assert owner.patch(f"/api/lead-fields/{fields['plan']}", json={"is_archived": True}).status_code == 200
    rows = owner.get("/api/lead-fields").json()
    assert [(row["key"], row["position"]) for row in rows if not row["is_archived"]] == [
        ("remarks", 1), ("budget", 2), ("renewal", 3), ("has_a_car", 4),
    ]  # fmt: skip
    assert owner.patch(change, json={"kind": "number"}).status_code == 422
    assert key_of("תקציב", []) == "field"
    assert key_of("2nd car", ["field"]) == "field_2"


def test_values_are_checked_kept_emptied_and_found(
    owner: TestClient, ids: list[str], fields: dict[str, str], installation: Installation
) -> None:
    good = {"budget": 1500.5, "plan": "Gold", "renewal": "2027-01-31", "has_a_car": True, "remarks": "a"}
    lead = owner.patch(f"/api/leads/{ids[0]}", json={"version": 1, "fields": good}).json()
    assert lead["fields"] == good
    for key, wrong in (
        ("budget", "much"), ("budget", True), ("plan", "Silver"), ("renewal", "2027-02-30"),
        ("has_a_car", "yes"), ("remarks", ""), ("remarks", 5), ("nothing", "x"),
    ):  # fmt: skip
        answer = owner.patch(f"/api/leads/{ids[0]}", json={"version": 2, "fields": {key: wrong}})
        assert refused(answer)[0] == 422, (key, wrong)
        assert refused(answer)[2]["field"] == key
    lead = owner.patch(f"/api/leads/{ids[0]}", json={"version": 2, "fields": {"remarks": None}}).json()
    assert lead["fields"] == {key: value for key, value in good.items() if key != "remarks"}
    told = owner.get(f"/api/leads/{ids[0]}/timeline").json()["entries"]
    assert told[0]["data"]["fields"] == ["field:remarks"]
    made = owner.post("/api/leads", json={"phone": "+12125550171", "fields": {"plan": "Gold"}}).json()
    assert found_by(owner, field="plan=gold") == sorted([ids[0], made["id"]])
    assert found_by(owner, field=["plan=Gold", "budget=1500.50"]) == [ids[0]]
    assert found_by(owner, field="has_a_car=yes") == [ids[0]]
    assert found_by(owner, field="renewal=31.01.2027") == [ids[0]]
    for wrong in ("plan=Silver", "nothing=1", "budget=", "Budget=1"):
        assert owner.get("/api/leads", params={"field": wrong}).status_code == 422, wrong
    changes = {"own_fields": {"plan": "Basic", "budget": None}}
    body = {"filter": {"field": ["plan=Gold"]}, "changes": changes}
    assert owner.post("/api/leads/bulk-update", json=body).status_code == 202
    installation.run_jobs("maintenance")
    assert found_by(owner, field="plan=Basic") == sorted([ids[0], made["id"]])
    assert shown(owner, ids[0])["fields"] == {"plan": "Basic", "renewal": "2027-01-31", "has_a_car": True}
    body = {"lead_ids": ids, "changes": {"own_fields": {"plan": "Silver"}}}
    assert owner.post("/api/leads/bulk-update", json=body).status_code == 422
    # A choice that is no more may stay where it stands, and comes to nobody else.
    path = f"/api/lead-fields/{fields['plan']}"
    assert owner.patch(path, json={"choices": ["Gold"]}).status_code == 200
    kept = {"version": shown(owner, ids[0])["version"], "fields": {"plan": "Basic", "budget": 7}}
    assert owner.patch(f"/api/leads/{ids[0]}", json=kept).json()["fields"]["budget"] == 7
    other = {"version": 1, "fields": {"plan": "Basic"}}
    assert owner.patch(f"/api/leads/{ids[1]}", json=other).status_code == 422


def test_files_fill_own_fields_by_their_labels(
    owner: TestClient, installation: Installation, acme: World, ids: list[str], fields: dict[str, str]
) -> None:
    owner.patch(f"/api/leads/{ids[0]}", json={"version": 1, "fields": {"budget": 5}})
    content = (
        "phone,Budget,מועד חידוש,Has a car,Plan\n"
        f"{acme.phones[0]},70,31.1.2027,כן,gold\n"
        '+12125550171,"1,200",2027-03-01,no,\n'
        "+12125550172,plenty,,,\n"
    )
    file = {"file": ("list.csv", io.BytesIO(content.encode()), "text/csv")}
    preview = owner.post("/api/lead-imports/preview", files=file).json()
    assert {row["field"] for row in preview["columns"]} == {
        "phone", "field:budget", "field:renewal", "field:has_a_car", "field:plan",
    }  # fmt: skip
    assert "field:remarks" in preview["fields"]
    assert preview["rows"][0]["own"]["plan"] == "Gold"
    done = imported(owner, installation, content)
    assert (done["imported"], done["faults"]) == (2, 1)
    fault = owner.get(f"/api/lead-imports/{done['id']}/faults").json()["faults"][0]
    assert (fault["line"], fault["code"], fault["facts"]["label"]) == (4, "field_unclear", "Budget")
    # Blanks only.
    assert shown(owner, ids[0])["fields"] == {
        "budget": 5, "renewal": "2027-01-31", "has_a_car": True, "plan": "Gold",
    }  # fmt: skip
    (new,) = found_by(owner, search="+12125550171")
    assert shown(owner, new)["fields"] == {"budget": 1200, "renewal": "2027-03-01", "has_a_car": False}
    mapping = json.dumps({"phone": 1, "field:nothing": 2})
    file = {"file": ("list.csv", io.BytesIO(content.encode()), "text/csv")}
    answer = owner.post("/api/lead-imports", data={"name": "Other", "mapping": mapping}, files=file)
    assert refused(answer)[2]["reason"] == "mapping_unknown_field"


def test_prompts_can_say_what_stands_in_own_fields(
    owner: TestClient, acme: World, ids: list[str], fields: dict[str, str]
) -> None:
    owner.patch(f"/api/leads/{ids[0]}", json={"version": 1, "fields": {"budget": 5, "has_a_car": False}})
    with unit_of_work(acme.scope) as session:
        lead = leads.get_lead(session, acme.business_id, UUID(ids[0]))
        words = leads.own_words(session, acme.business_id, lead)
        assert words == {
            "lead_budget": "5", "lead_plan": "", "lead_renewal": "", "lead_has_a_car": "no",
            "lead_remarks": "",
        }  # fmt: skip
        assert set(leads.own_words(session, acme.business_id, None).values()) == {""}


# --- Among many --------------------------------------------------------------------------


def test_owners_addresses_and_rare_values_are_found_by_index(
    acme: World, installation: Installation, fields: dict[str, str], ids: list[str]
) -> None:
    make = text(
        "insert into leads (id, business_id, phone, name, source, fields)"
        " select gen_random_uuid(), :business, '+1' || (6000000000 + n), 'Lead ' || n, 'x',"
        " jsonb_build_object('budget', n)"
        " from generate_series(1, 20000) n"
    )
    with unit_of_work(acme.scope) as session:
        session.execute(make, {"business": acme.business_id})
    with installation.administrator.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze leads"))
        connection.execute(text("vacuum analyze lead_addresses"))

    def plan(sql: str, **values: Any) -> str:
        with unit_of_work(acme.scope) as session:
            rows = session.execute(
                text(f"explain (analyze, buffers) {sql}"), {"b": acme.business_id, **values}
            )
            return "\n".join(rows.scalars())

    by_number = plan(
        "select l.id from leads l join lead_addresses a on a.business_id = l.business_id and a.lead_id = l.id"
        " where a.business_id = :b and a.channel in ('phone', 'whatsapp') and a.address = '+16000007000'"
    )
    assert "pk_lead_addresses" in by_number
    assert "Seq Scan" not in by_number
    by_owner = plan(
        "select id from leads where business_id = :b and owner_id = :o and version > 0"
        " order by created_at desc, id desc limit 50",
        o=acme.business_id,
    )
    assert "ix_leads_owner" in by_owner
    with unit_of_work(acme.scope) as session:
        session.execute(text("set local plan_cache_mode = force_custom_plan"))
        found = session.scalars(text("select id from leads_with_fields('{\"budget\": 7000}', 10)")).all()
        assert len(found) == 1
