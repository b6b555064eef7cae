"""Calendars: keeping them, which takes whom, and what is free in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.doorway import TestClient, sign_in
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.toolbox import ToolCaller, run_tool
from trunkline.domain.leads.models import Lead
from trunkline.kit import clock
from trunkline.kit.ids import new_id

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
TOOLS = (
    "find_free_slots", "book_appointment", "move_appointment", "cancel_appointment", "list_my_appointments"
)  # fmt: skip


@pytest.fixture(autouse=True)
def _on_a_monday() -> Any:
    with clock.frozen_at(MONDAY):
        yield


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def made(owner: TestClient, **wish: Any) -> dict[str, Any]:
    answer = owner.post("/api/calendars", json=wish)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def refused(answer: Any, status: int, reason: str) -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["data"].get("reason", error["code"])) == (status, reason), answer.text


def free(owner: TestClient, **query: Any) -> list[str]:
    answer = owner.get("/api/free-slots", params=query)
    assert answer.status_code == 200, answer.text
    return [slot["starts_at"] for slot in answer.json()["slots"]]


def test_a_business_has_a_calendar_from_the_first_and_makes_more(owner: TestClient, acme: World) -> None:
    (first,) = owner.get("/api/calendars").json()["calendars"]
    assert (first["name"], first["is_default"], first["working_hours"]) == ("Main calendar", True, None)
    second = made(owner, name="Dana", colour="violet", slot_minutes=45, visits=["Check-up"])
    assert (second["position"], second["colour"], second["active"]) == (2, "violet", True)
    refused(owner.post("/api/calendars", json={"name": "Dana"}), 422, "calendar_name_taken")
    refused(owner.post("/api/calendars", json={"name": "X", "slot_minutes": 10}), 422, "form")
    overlapping = {"monday": [["09:00", "12:00"], ["11:00", "13:00"]]}
    refused(owner.post("/api/calendars", json={"name": "X", "working_hours": overlapping}), 422, "form")
    path = f"/api/calendars/{second['id']}"
    changed = owner.patch(path, json={"version": 1, "buffer_after": 15, "working_hours": None}).json()
    assert (changed["version"], changed["buffer_after"], changed["slot_minutes"]) == (2, 15, 45)
    refused(owner.patch(path, json={"version": 1, "buffer_after": 5}), 409, "outdated")
    refused(owner.patch(path, json={"version": 2, "name": None}), 422, "form")
    default = f"/api/calendars/{first['id']}"
    refused(owner.patch(default, json={"version": 1, "active": False}), 409, "calendar_default")
    refused(owner.delete(default), 409, "calendar_default")
    assert owner.delete(path).status_code == 204
    assert [row["id"] for row in owner.get("/api/calendars").json()["calendars"]] == [first["id"]]


def test_what_is_free_heeds_breaks_buffers_notice_days_off_and_holidays(owner: TestClient) -> None:
    hours = {day: [["09:00", "12:00"], ["13:00", "15:00"]] for day in ("monday", "tuesday", "thursday")}
    row = made(
        owner, name="Dana", working_hours=hours, slot_minutes=60, buffer_before=15, notice_minutes=25 * 60,
        days_off=[{"from": "2026-11-09", "to": "2026-11-10", "name": "Fair"}], public_holidays=True,
        ahead_days=60,
    )  # fmt: skip
    of_hers: dict[str, Any] = {"calendar_id": row["id"], "limit": 500}
    tuesday = [f"2026-11-03T{hour:02}:00:00Z" for hour in (9, 10, 11, 13, 14)]
    assert free(owner, **of_hers, **{"from": "2026-11-02", "to": "2026-11-03"}) == tuesday, "a day ahead"
    ten = datetime(2026, 11, 3, 10, tzinfo=UTC)
    wish = {"starts_at": ten.isoformat(), "ends_at": (ten + timedelta(hours=1)).isoformat()}
    booked = owner.post("/api/appointments", json={**wish, "calendar_id": row["id"]})
    assert booked.status_code == 201, booked.text
    # Each needs a quarter of an hour before it: nine is too near to who comes at ten, and eleven to them.
    left = [start for start in tuesday if "T13" in start or "T14" in start]
    assert free(owner, **of_hers, **{"from": "2026-11-03", "to": "2026-11-03"}) == left
    days = {start[:10] for start in free(owner, **of_hers, **{"from": "2026-11-05", "to": "2026-12-31"})}
    assert {"2026-11-09", "2026-11-10", "2026-11-26"} & days == set(), "the fair, and Thanksgiving"
    assert {"2026-11-05", "2026-11-12", "2026-11-16"} <= days
    assert max(days) == "2026-12-31"
    assert free(owner, **{**of_hers, "limit": 3, "from": "2026-11-06"}) == [
        f"2026-11-12T{hour:02}:00:00Z" for hour in (9, 10, 11)
    ], "the next ones there are, over a weekend and the fair"
    # The other calendar has the same time free, and an hour of the same lead in both is told.
    assert owner.post("/api/appointments", json=wish).status_code == 201


def test_a_person_s_own_double_booking_is_told(owner: TestClient) -> None:
    other = made(owner, name="Dana")
    lead = owner.get("/api/leads").json()["leads"][0]["id"]
    ten = datetime(2026, 11, 3, 10, tzinfo=UTC)
    wish = {
        "starts_at": ten.isoformat(), "ends_at": (ten + timedelta(minutes=30)).isoformat(), "lead_id": lead
    }  # fmt: skip
    first = owner.post("/api/appointments", json=wish).json()
    again = owner.post("/api/appointments", json={**wish, "calendar_id": other["id"]})
    refused(again, 409, "lead_busy")
    assert again.json()["error"]["data"]["appointment_id"] == first["id"]
    beside = owner.post("/api/appointments", json={**wish, "calendar_id": other["id"], "beside": True})
    assert beside.status_code == 201, beside.text


def test_whether_somebody_came_is_marked_once_it_has_begun(acme: World, owner: TestClient) -> None:
    nine = datetime(2026, 11, 3, 9, tzinfo=UTC)
    wish = {"starts_at": nine.isoformat(), "ends_at": (nine + timedelta(minutes=30)).isoformat()}
    row = owner.post("/api/appointments", json=wish).json()
    path = f"/api/appointments/{row['id']}"
    refused(owner.post(f"{path}/mark", json={"state": "no_show", "version": 1}), 409, "appointment_ahead")
    with clock.frozen_at(nine + timedelta(hours=1)):
        sign_in(owner, acme.email)
        unmarked = owner.get("/api/appointments", params={"unmarked": True}).json()["appointments"]
        assert [one["id"] for one in unmarked] == [row["id"]]
        marked = owner.post(f"{path}/mark", json={"state": "no_show", "version": 1}).json()
        assert (marked["state"], marked["version"]) == ("no_show", 2)
        refused(owner.post(f"{path}/mark", json={"state": "arrived", "version": 1}), 409, "outdated")
        refused(owner.post(f"{path}/cancel", json={"version": 2}), 409, "appointment_marked")
        assert (
            owner.post(f"{path}/mark", json={"state": "arrived", "version": 2}).json()["state"] == "arrived"
        )
        assert owner.get("/api/appointments", params={"unmarked": True}).json()["appointments"] == []
        assert owner.get(path).json()["state"] == "arrived"


class Line:
    """The person on the line, and the agent's tools in their call."""

    def __init__(self, world: World, place: int = 0) -> None:
        with unit_of_work(world.scope) as session:
            lead = session.query(Lead).filter_by(phone=world.phones[place]).one()
        self.caller = ToolCaller(world.business_id, new_id(), world.agent_id, lead.id, lead.phone)

    def use(self, name: str, **said: Any) -> Any:
        # No call's row stands behind this one: what is booked names none.
        result = run_tool(name, said, caller=self.caller, allowed=TOOLS)
        return result.data if result.ok else (result.data["error"], result.data)


def test_an_agent_finds_moves_and_cancels_for_the_person_on_the_line(acme: World, owner: TestClient) -> None:
    line = Line(acme)
    lead = str(line.caller.lead_id)
    found = line.use("find_free_slots", weekday="tuesday", at_most=3)
    assert found["free"] == ["09:00", "09:30", "10:00"]
    assert found["days"] == [{"date": "2026-11-03", "weekday": "tuesday", "times": found["free"]}]
    assert line.use("find_free_slots", date="2026-11-08")["free"] == [], "a Sunday"
    span = line.use("find_free_slots", date="2026-11-06", until="2026-11-10", at_most=50)
    assert [day["date"] for day in span["days"]] == ["2026-11-06", "2026-11-09", "2026-11-10"]
    assert line.use("find_free_slots", at_most=1)["days"][0]["date"] == "2026-11-02", "whatever is next"
    assert line.use("move_appointment", date="2026-11-04", time="11:00")[0] == "invalid_input", (
        "there is none"
    )
    nine = datetime(2026, 11, 3, 9, tzinfo=UTC)
    wish = {"starts_at": nine.isoformat(), "ends_at": (nine + timedelta(minutes=30)).isoformat()}
    row = owner.post("/api/appointments", json={**wish, "lead_id": lead}).json()
    (mine,) = line.use("list_my_appointments")["appointments"]
    assert (mine["appointment_id"], mine["weekday"]) == (row["id"], "tuesday")
    assert Line(acme, 1).use("list_my_appointments") == {"appointments": []}
    moved = line.use("move_appointment", date="2026-11-04", time="11:00")
    assert moved["starts_at_local"].startswith("2026-11-04T11:00")
    blocker = {"starts_at": "2026-11-05T11:00:00Z", "ends_at": "2026-11-05T11:30:00Z"}
    assert owner.post("/api/appointments", json=blocker).status_code == 201
    code, data = line.use("move_appointment", weekday="thursday", time="11:00")
    assert (code, data["free"]) == ("slot_taken", ["09:30", "10:00", "10:30", "11:30", "12:00"])
    assert line.use("move_appointment", date="2026-11-04", time="03:00")[0] == "outside_hours"
    assert line.use("book_appointment", time="12:00")[0] == "invalid_arguments", "no day was said"
    assert line.use("cancel_appointment")["state"] == "cancelled"
    assert line.use("list_my_appointments") == {"appointments": []}
    assert owner.get(f"/api/appointments/{row['id']}").json()["version"] == 3


def test_whoever_calls_from_a_second_number_has_their_own_appointments(
    acme: World, owner: TestClient
) -> None:
    known, second = Line(acme), "+12125550177"
    address = {"channel": "phone", "address": second}
    assert owner.post(f"/api/leads/{known.caller.lead_id}/addresses", json=address).status_code == 201
    line = Line(acme)
    line.caller = ToolCaller(acme.business_id, new_id(), acme.agent_id, None, second)
    nine = datetime(2026, 11, 3, 9, tzinfo=UTC)
    wish = {"starts_at": nine.isoformat(), "ends_at": (nine + timedelta(minutes=30)).isoformat()}
    row = owner.post("/api/appointments", json={**wish, "lead_id": str(known.caller.lead_id)}).json()
    (theirs,) = line.use("list_my_appointments")["appointments"]
    assert theirs["appointment_id"] == row["id"]
    assert line.use("move_appointment", date="2026-11-04", time="11:00")["appointment_id"] == row["id"]
    assert line.use("cancel_appointment")["state"] == "cancelled"
    leads = owner.get("/api/leads/count").json()["count"]
    assert leads == len(acme.phones), "nobody was made anew"


def test_a_lead_s_tags_a_visit_and_the_agent_say_which_calendar(acme: World, owner: TestClient) -> None:
    line = Line(acme)
    saturday = {"saturday": [["10:00", "11:00"]]}
    made(owner, name="For regulars", lead_tags=["regular"], working_hours=saturday)
    made(owner, name="Surgery", visits=["Surgery"], working_hours={"sunday": [["10:00", "10:30"]]})
    made(owner, name="Switched off", visits=["Surgery"], active=False)

    def days(**said: Any) -> set[str]:
        return {day["weekday"] for day in line.use("find_free_slots", at_most=50, **said)["days"]}

    assert "saturday" not in days()
    assert days(visit="surgery") == {"sunday"}
    lead = owner.get(f"/api/leads/{line.caller.lead_id}").json()
    tagged = owner.patch(f"/api/leads/{lead['id']}", json={"version": lead["version"], "tags": ["regular"]})
    assert tagged.status_code == 200, tagged.text
    assert days() == {"saturday"}
    somebody_else = made(owner, name="Of the agent", agent_ids=[str(acme.agent_id)])
    assert days(date="2026-11-07") | days(date="2026-11-09") == {"saturday", "monday"}, "both take them"
    assert somebody_else["agent_ids"] == [str(acme.agent_id)]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_days_at_the_ends_of_time_are_answered(owner: TestClient, day: str) -> None:
    for query in ({"from": day}, {"to": day}, {"from": day, "to": day}):
        assert owner.get("/api/free-slots", params=query).status_code in {200, 422}, query
    for moment in (f"{day}T00:00:00Z", f"{day}T23:59:00Z", f"{day}T12:00:00-14:00", f"{day}T12:00:00+14:00"):
        for name in ("from", "to"):
            answer = owner.get("/api/appointments", params={name: moment})
            assert answer.status_code in {200, 422}, (name, moment, answer.text)
    for starts, ends in (("00:00", "00:30"), ("23:00", "23:30")):
        wish = {"starts_at": f"{day}T{starts}:00Z", "ends_at": f"{day}T{ends}:00Z", "outside_hours": True}
        answer = owner.post("/api/appointments", json=wish)
        assert answer.status_code == 422, (wish, answer.text)
