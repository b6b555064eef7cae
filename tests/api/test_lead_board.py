"""Leads on the board and in lists: statuses, places, filters, orders, cursors, edits and bulk changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.world import BY_TEST, PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.core.errors import TrunklineError
from trunkline.domain.leads import board, listing, places, statuses
from trunkline.domain.leads.lead_schemas import LeadsQuery
from trunkline.domain.leads.models import Lead, LeadStatus
from trunkline.domain.people import service as people
from trunkline.kit import clock


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def got(owner: TestClient, path: str, **query: Any) -> Any:
    answer = owner.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def columns(owner: TestClient, **query: Any) -> dict[str, list[str]]:
    """Return the phones on the board by the name of their status, as far as there are any."""
    shown = got(owner, "/api/leads/board", **query)["columns"]
    assert all(column["count"] >= len(column["leads"]) for column in shown)
    return {
        column["status"]["name"]: [lead["phone"][-3:] for lead in column["leads"]]
        for column in shown
        if column["count"]
    }


def ids(owner: TestClient) -> dict[str, str]:
    return {lead["phone"][-3:]: lead["id"] for lead in got(owner, "/api/leads", limit=200)["leads"]}


def status(owner: TestClient, name: str) -> str:
    return next(row["id"] for row in got(owner, "/api/lead-statuses") if row["name"] == name)


def moved(owner: TestClient, lead: str, to: str, after: str | None = None) -> Any:
    answer = owner.post(f"/api/leads/{lead}/move", json={"status_id": to, "after": after})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: Any, status_code: int, code: str) -> Any:
    assert (answer.status_code, answer.json()["error"]["code"]) == (status_code, code), answer.text
    return answer.json()["error"]["data"]


# --- Statuses ----------------------------------------------------------------------------------


def test_a_business_begins_with_seven_statuses_in_its_language(owner: TestClient, acme: World) -> None:
    rows = got(owner, "/api/lead-statuses")
    assert [row["name"] for row in rows][:2] == ["New", "Attempting"]
    assert [row["position"] for row in rows] == list(range(1, 8))
    assert [row["is_initial"] for row in rows] == [True, *[False] * 6]
    assert [row["name"] for row in rows if row["is_closed"]] == ["Won", "Lost", "Unqualified"]
    assert got(owner, "/api/lead-statuses") == rows


def test_two_who_ask_first_at_once_make_them_once(acme: World) -> None:
    def ask(_: int) -> list[UUID]:
        with unit_of_work(acme.scope) as session:
            return [row.id for row in statuses.of_business(session, acme.business_id).rows]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert all(len(rows) == 7 for rows in found)
    assert len({tuple(rows) for rows in found}) == 1


def test_statuses_are_renamed_reordered_made_and_removed(owner: TestClient) -> None:
    lost = status(owner, "Lost")
    answer = owner.patch(f"/api/lead-statuses/{lost}", json={"name": "Gone", "colour": "pink", "position": 1})
    assert answer.status_code == 200, answer.text
    made = owner.post("/api/lead-statuses", json={"name": "Asked twice", "colour": "lime"}).json()
    rows = got(owner, "/api/lead-statuses")
    assert [row["name"] for row in rows] == [
        "Gone", "New", "Attempting", "Contacted", "Qualified", "Won", "Unqualified", "Asked twice"
    ]  # fmt: skip
    assert [row["position"] for row in rows] == list(range(1, 9))
    refused(owner.post("/api/lead-statuses", json={"name": "New"}), 422, "invalid_input")
    refused(owner.patch(f"/api/lead-statuses/{lost}", json={"name": "New"}), 422, "invalid_input")
    refused(owner.post("/api/lead-statuses", json={"name": "X", "colour": "#f00"}), 422, "invalid_input")
    refused(owner.delete(f"/api/lead-statuses/{status(owner, 'New')}"), 409, "conflict")
    (lead, *_) = ids(owner).values()
    moved(owner, lead, made["id"])
    assert refused(owner.delete(f"/api/lead-statuses/{made['id']}"), 409, "conflict") == {
        "leads": 1,
        "reason": "status_in_use",
    }
    moved(owner, lead, lost)
    assert owner.delete(f"/api/lead-statuses/{made['id']}").status_code == 204
    assert [row["position"] for row in got(owner, "/api/lead-statuses")] == list(range(1, 8))


# --- The board ---------------------------------------------------------------------------------


@given(st.lists(st.integers(min_value=0, max_value=1_000), max_size=80))
def test_between_any_two_places_there_is_room(wishes: list[int]) -> None:
    given_out = ["000000000001", "999999999990"]
    for wish in wishes:
        at = wish % len(given_out)
        below = given_out[at + 1] if at + 1 < len(given_out) else None
        place = places.between(given_out[at], below)
        assert place > given_out[at]
        assert below is None or place < below
        given_out.insert(at + 1, place)
    assert given_out == sorted(set(given_out))


@given(st.text("0123456789", min_size=12, max_size=80), st.integers(min_value=1, max_value=300))
def test_places_are_spread_between_two_or_not_at_all(digits: str, count: int) -> None:
    above = digits[:12] + digits[12:].rstrip("0")
    for below in (None, places.between(above, None), places.between(above, places.between(above, None))):
        spread = places.spread(above, below, count)
        if spread is not None:
            assert [above, *spread, below or ":"] == sorted({above, *spread, below or ":"})
            assert len(spread) == count
            assert max(map(len, spread)) <= places.LONG


def test_places_stay_short_however_often_cards_are_dropped_at_the_same_spot(
    owner: TestClient, acme: World
) -> None:
    with unit_of_work(acme.scope) as session:
        session.add_all(
            Lead(business_id=acme.business_id, phone=f"+1212555{number}", name="", source="fair")
            for number in range(3000, 3060)
        )
    won = UUID(status(owner, "Won"))
    with unit_of_work(acme.scope) as session:
        order = list(session.scalars(select(Lead.id)).all())
        board.change_status(session, acme.business_id, order, won, cause=BY_TEST)
        # As it was after drops at the end of a column before: nearly one, and hardly room behind.
        for lead_id, nines in ((order[-2], 66), (order[-1], 67)):
            session.execute(update(Lead).where(Lead.id == lead_id).values(place="9" * nines + "5"))
        order = list(session.scalars(select(Lead.id).order_by(Lead.place)).all())

    def put(at: int, behind: int) -> None:
        lead_id = order.pop(at)
        after = order[behind]
        order.insert(order.index(after) + 1, lead_id)
        board.move(session, acme.business_id, lead_id, status_id=won, after=after, cause=BY_TEST)

    with unit_of_work(acme.scope) as session:
        for _ in range(60):
            put(0, -1)
        assert len(session.scalar(select(func.max(Lead.place))) or "") <= places.LONG
        for _ in range(200):
            put(-1, 30)
        shown = session.execute(
            select(Lead.id, Lead.place).where(Lead.status_id == won).order_by(Lead.place)
        ).all()
    assert [row.id for row in shown] == order
    assert max(len(row.place) for row in shown) <= places.LONG


def test_a_neighbour_that_somebody_changes_now_is_not_waited_for(acme: World, owner: TestClient) -> None:
    lead, won = {phone: UUID(found) for phone, found in ids(owner).items()}, UUID(status(owner, "Won"))
    long = "9" * 60
    with unit_of_work(acme.scope) as session:
        for phone, place in (("101", long + "5"), ("102", long + "7")):
            session.execute(update(Lead).where(Lead.id == lead[phone]).values(status_id=won, place=place))

    def put(first: bool) -> str:
        with unit_of_work(acme.scope) as session:
            after = None if first else lead["101"]
            return board.move(
                session, acme.business_id, lead["103"], status_id=won, after=after, cause=BY_TEST
            ).place

    with unit_of_work(acme.scope) as session, ThreadPoolExecutor(1) as pool:
        session.scalars(select(Lead.id).where(Lead.id == lead["102"]).with_for_update()).all()
        assert long + "5" < pool.submit(put, False).result(timeout=20) < long + "7"
    put(True)
    assert len(put(False)) <= places.LONG
    assert columns(owner) == {"Won": ["101", "103", "102"]}


def test_cards_stand_where_they_are_put(owner: TestClient, acme: World) -> None:
    lead, contacted, new = ids(owner), status(owner, "Contacted"), status(owner, "New")
    assert columns(owner) == {"New": ["103", "102", "101"]}
    moved(owner, lead["102"], contacted)
    moved(owner, lead["103"], contacted)
    assert columns(owner) == {"New": ["101"], "Contacted": ["103", "102"]}
    moved(owner, lead["101"], contacted, after=lead["103"])
    assert columns(owner) == {"Contacted": ["103", "101", "102"]}
    moved(owner, lead["103"], contacted, after=lead["102"])
    assert columns(owner) == {"Contacted": ["101", "102", "103"]}
    assert moved(owner, lead["102"], new)["status_id"] == new
    # Behind somebody who has left the column meanwhile: the move holds all the same.
    moved(owner, lead["103"], new, after=lead["101"])
    assert columns(owner) == {"New": ["103", "102"], "Contacted": ["101"]}
    refused(
        owner.post(f"/api/leads/{lead['101']}/move", json={"status_id": new, "after": lead["101"]}),
        422, "invalid_input",
    )  # fmt: skip


def test_many_who_move_at_once_lose_no_card_and_make_no_tie(acme: World, owner: TestClient) -> None:
    with unit_of_work(acme.scope) as session:
        session.add_all(
            Lead(business_id=acme.business_id, phone=f"+1212555{number}", name="", source="fair")
            for number in range(3000, 3020)
        )
    won, anchor = UUID(status(owner, "Won")), UUID(ids(owner)["101"])
    with unit_of_work(acme.scope) as session:
        board.move(session, acme.business_id, anchor, status_id=won, after=None, cause=BY_TEST)
        others = session.scalars(select(Lead.id).where(Lead.source == "fair")).all()

    def put(lead_id: UUID) -> None:
        with unit_of_work(acme.scope) as session:
            board.move(session, acme.business_id, lead_id, status_id=won, after=anchor, cause=BY_TEST)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(put, [*others, *others[:5]]))
    with unit_of_work(acme.scope) as session:
        places = session.scalars(select(Lead.place).where(Lead.status_id == won).order_by(Lead.place)).all()
        first = session.scalar(select(Lead.id).where(Lead.place == places[0]))
    assert len(set(places)) == 21
    assert first == anchor


def test_a_board_s_column_goes_on_behind_a_cursor(owner: TestClient) -> None:
    (column, *_) = got(owner, "/api/leads/board", cards=2)["columns"]
    assert [lead["phone"][-3:] for lead in column["leads"]] == ["103", "102"]
    query = {"order": "board", "status_id": column["status"]["id"], "cursor": column["next_cursor"]}
    more = got(owner, "/api/leads", **query)
    assert [lead["phone"][-3:] for lead in more["leads"]] == ["101"]
    assert more["next_cursor"] is None
    refused(owner.get("/api/leads", params={"order": "board"}), 422, "invalid_input")
    assert columns(owner, search="555-0102") == {"New": ["102"]}


# --- Lists -------------------------------------------------------------------------------------


def pages(owner: TestClient, **query: Any) -> list[str]:
    """Read every page of two leads."""
    phones: list[str] = []
    while True:
        page = got(owner, "/api/leads", limit=2, **query)
        phones += [lead["phone"][-3:] for lead in page["leads"]]
        if page["next_cursor"] is None:
            return phones
        assert len(page["leads"]) == 2
        query["cursor"] = page["next_cursor"]


def test_leads_are_found_by_each_condition_and_in_each_order(
    owner: TestClient, acme: World, umbrella: World
) -> None:
    at = clock.now() - timedelta(days=3)
    with unit_of_work(acme.scope) as session:
        for number, name in enumerate(["dana Levi", "", "Avi 100%", "דנה לוי"], 201):
            session.add(
                Lead(
                    business_id=acme.business_id,
                    phone=f"+12125550{number}",
                    name=name,
                    source="fair",
                    tags=["hot"] if number < 203 else [],
                    created_at=at + timedelta(seconds=number),
                    email=f"{number}@Example.com",
                    consent="express" if number == 204 else "none",
                )
            )
            session.flush()
    assert pages(owner) == ["103", "102", "101", "204", "203", "202", "201"]
    by_name = pages(owner, order="name")
    assert by_name[:2] + sorted(by_name[2:5]) == ["203", "201", "101", "102", "103"]
    assert by_name[5:] == ["204", "202"]
    assert set(pages(owner, tag="hot")) == {"201", "202"}
    assert pages(owner, consent="express") == ["204"]
    assert pages(owner, search="LEVI") == ["201"]
    assert pages(owner, search="דנה") == ["204"]
    assert pages(owner, search="100%") == ["203"]
    assert pages(owner, search="(555) 0-20") == ["204", "203", "202", "201"]
    assert pages(owner, search="203@example") == ["203"]
    assert set(pages(owner, list_id=str(acme.list_id))) == {"101", "102", "103"}
    moved(owner, ids(owner)["204"], status(owner, "Won"))
    assert pages(owner, status_id=status(owner, "Won")) == ["204"]
    both = [status(owner, "Won"), status(owner, "New")]
    assert len(pages(owner, status_id=both)) == 7
    assert got(owner, "/api/leads/count", status_id=both[1], source="fair") == {"count": 3}
    assert pages(owner, created_before=(at + timedelta(hours=1)).isoformat(), tag="hot") == ["202", "201"]
    assert got(owner, "/api/lead-tags") == {"tags": ["hot"]}
    for wrong in ({"status": "x"}, {"order": "size"}, {"cursor": "nowhere"}, {"limit": 0}):
        refused(owner.get("/api/leads", params=wrong), 422, "invalid_input")  # type: ignore[arg-type]
    refused(owner.get("/api/leads", params={"list_id": str(umbrella.list_id)}), 404, "not_found")


def test_no_page_of_many_leads_reads_them_all(acme: World, installation: Installation) -> None:
    with unit_of_work(acme.scope) as session:
        session.execute(
            text(
                "insert into leads (id, business_id, phone, name, source, created_at) select"
                " gen_random_uuid(), :business, '+1999' || n, 'Somebody ' || md5(n::text), 'seed',"
                " now() - n * interval '1 minute' from generate_series(1, 20000) n"
            ),
            {"business": acme.business_id},
        )
    with installation.owner.begin() as connection:
        connection.execute(text("analyze leads"))
    with unit_of_work(acme.scope) as session:
        known = statuses.of_business(session, acme.business_id)
        for query in (
            {"order": "newest"}, {"order": "name"}, {"order": "board", "status_id": [known.initial.id]}
        ):  # fmt: skip
            cursor = None
            for _ in range(3):
                wanted = LeadsQuery.model_validate({**query, "limit": 50, "cursor": cursor})
                before = session.execute(_ROWS_READ).scalar_one()
                page = listing.list_leads(session, acme.business_id, wanted)
                assert len(page.rows) == 50
                # The statuses are read besides.
                assert session.execute(_ROWS_READ).scalar_one() - before <= 60, query
                cursor = page.next_cursor


_ROWS_READ = text(
    "select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) from pg_stat_xact_user_tables"
)


# --- One lead ----------------------------------------------------------------------------------


def test_somebody_new_is_made_once(owner: TestClient, acme: World) -> None:
    wish = {
        "phone": "(212) 555-0150", "name": " Dana ", "tags": ["b", "a", "b"],
        "status_id": status(owner, "Qualified"), "list_id": str(acme.list_id),
    }  # fmt: skip
    answer = owner.post("/api/leads", json=wish)
    assert answer.status_code == 201, answer.text
    lead = answer.json()
    assert (lead["phone"], lead["name"], lead["tags"]) == ("+12125550150", "Dana", ["a", "b"])
    assert [row["name"] for row in lead["lists"]] == ["Everybody"]
    assert columns(owner)["Qualified"] == ["150"]
    again = refused(owner.post("/api/leads", json=wish), 409, "number_known")
    assert again == {"lead_id": lead["id"]}
    refused(owner.post("/api/leads", json={"phone": "12"}), 422, "invalid_input")


def test_who_saves_over_another_s_change_is_told(owner: TestClient, installation: Installation) -> None:
    lead = got(owner, f"/api/leads/{ids(owner)['101']}")
    path = f"/api/leads/{lead['id']}"
    changed = owner.patch(path, json={"version": lead["version"], "name": "Dana", "email": None}).json()
    assert (changed["name"], changed["version"]) == ("Dana", lead["version"] + 1)
    assert refused(owner.patch(path, json={"version": lead["version"], "name": "Avi"}), 409, "outdated") == {
        "version": changed["version"]
    }
    # Moving a card is no change of what is edited; a bulk change is.
    moved(owner, lead["id"], status(owner, "Won"))
    assert owner.patch(path, json={"version": changed["version"], "notes": "x"}).status_code == 200
    owner.post("/api/leads/bulk-update", json={"lead_ids": [lead["id"]], "changes": {"add_tag": "hot"}})
    installation.run_jobs("maintenance")
    refused(owner.patch(path, json={"version": changed["version"] + 1}), 409, "outdated")


def test_statuses_and_tags_are_given_to_all_who_match(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    won = status(owner, "Won")
    moved(owner, ids(owner)["103"], won)
    body = {
        "filter": {"list_id": str(acme.list_id)},
        "changes": {"status_id": won, "add_tag": "hot"},
    }
    for _ in range(2):
        run = owner.post("/api/leads/bulk-update", json=body)
        assert run.status_code == 202, run.text
        installation.run_jobs("maintenance")
        assert got(owner, f"/api/leads/bulk-runs/{run.json()['id']}")["progress"]["done"] == 3
    assert [len(rows) for rows in columns(owner).values()] == [3]
    assert {tuple(lead["tags"]) for lead in got(owner, "/api/leads")["leads"]} == {("hot",)}
    told = [
        entry["data"]["before_name"]
        for lead in ids(owner).values()
        for entry in got(owner, f"/api/leads/{lead}/timeline")["entries"]
        if entry["kind"] == "status"
    ]
    assert told == ["New"] * 3
    owner.post("/api/leads/bulk-update", json={"filter": {"tag": "hot"}, "changes": {"remove_tag": "hot"}})
    installation.run_jobs("maintenance")
    assert got(owner, "/api/lead-tags") == {"tags": []}


def test_a_bulk_change_to_a_status_that_is_removed_meanwhile_leaves_leads_as_they_are(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    made = owner.post("/api/lead-statuses", json={"name": "Soon gone"}).json()
    body = {"list_id": str(acme.list_id), "changes": {"status_id": made["id"], "notes": "x"}}
    run = owner.post("/api/leads/bulk-update", json=body).json()
    assert owner.delete(f"/api/lead-statuses/{made['id']}").status_code == 204
    installation.run_jobs("maintenance")
    now = got(owner, f"/api/leads/bulk-runs/{run['id']}")
    assert (now["state"], now["progress"]["reasons"]) == ("completed", {"no_status": 3})
    assert {lead["notes"] for lead in got(owner, "/api/leads")["leads"]} == {None}


def test_who_may_only_look_changes_nothing_and_who_calls_changes_no_statuses(
    owner: TestClient, acme: World
) -> None:
    lead, new = ids(owner)["101"], status(owner, "New")
    with unit_of_work(acme.scope) as session:
        for role in (Role.VIEWER, Role.AGENT):
            people.create_user(
                session, business_id=acme.business_id, email=f"{role}@acme.example", name="X",
                password=PASSWORD, role=role, actor="test",
            )  # fmt: skip
    sign_in(owner, "viewer@acme.example")
    assert columns(owner)
    for method, path, body in (
        ("POST", "/api/leads", {"phone": "+12125550150"}),
        ("PATCH", f"/api/leads/{lead}", {"version": 1}),
        ("POST", f"/api/leads/{lead}/move", {"status_id": new}),
        ("POST", f"/api/leads/{lead}/notes", {"text": "x"}),
    ):
        refused(owner.request(method, path, json=body), 403, "forbidden")
    sign_in(owner, "agent@acme.example")
    moved(owner, lead, new)
    refused(owner.post("/api/lead-statuses", json={"name": "X"}), 403, "forbidden")
    refused(owner.patch(f"/api/lead-statuses/{new}", json={"name": "X"}), 403, "forbidden")
    refused(owner.delete(f"/api/lead-statuses/{new}"), 403, "forbidden")


def test_of_very_many_tags_those_of_most_leads_are_named(acme: World, owner: TestClient) -> None:
    many = [f"t{number:04}" for number in range(1_002)]
    with unit_of_work(acme.scope) as session:
        for phone, tags in (("+12125553001", many), ("+12125553002", many[-2:])):
            session.add(Lead(business_id=acme.business_id, phone=phone, name="", source="fair", tags=tags))
    assert got(owner, "/api/lead-tags")["tags"] == [*many[:998], *many[-2:]]


def test_a_move_that_names_what_is_gone_is_refused(acme: World, owner: TestClient) -> None:
    lead, new = UUID(ids(owner)["101"]), UUID(status(owner, "New"))
    with unit_of_work(acme.scope) as session, pytest.raises(TrunklineError, match="no such status"):
        board.move(session, acme.business_id, lead, status_id=lead, after=None, cause=BY_TEST)
    with unit_of_work(acme.scope) as session, pytest.raises(TrunklineError, match="no such lead"):
        board.move(session, acme.business_id, new, status_id=new, after=None, cause=BY_TEST)
    with unit_of_work(acme.scope) as session:
        assert session.query(LeadStatus).count() == 7
