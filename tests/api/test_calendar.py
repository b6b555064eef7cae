"""Appointments as people keep them: a stretch of time in pages, booking, moving and cancelling by hand."""

from __future__ import annotations

import contextvars
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.doorway import TestClient, sign_in
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.errors import SlotTaken
from trunkline.domain.appointments import calendar
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.appointments.schemas import AppointmentIn
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock

# A Tuesday in a zone that left summer time nine days before; business hours are 9 to 17.
MORNING = datetime(2026, 11, 3, 14, tzinfo=UTC)
PATH = "/api/appointments"


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    with unit_of_work(acme.scope) as session:
        session.get_one(Business, acme.business_id).time_zone = "America/New_York"
    sign_in(visitor, acme.email)
    return visitor


@pytest.fixture(autouse=True)
def _in_october() -> Any:
    with clock.frozen_at(datetime(2026, 10, 20, tzinfo=UTC)):
        yield


def wish(start: datetime, minutes: int = 30, **more: Any) -> dict[str, Any]:
    ends = start + timedelta(minutes=minutes)
    return {"starts_at": start.isoformat(), "ends_at": ends.isoformat(), **more}


def booked(owner: TestClient, start: datetime, minutes: int = 30, **more: Any) -> dict[str, Any]:
    answer = owner.post(PATH, json=wish(start, minutes, **more))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def refused(answer: Any, status: int, code: str) -> Any:
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    return answer.json()["error"]["data"]


def test_a_person_books_and_is_told_what_stands_in_the_way(owner: TestClient, acme: World) -> None:
    lead = owner.get("/api/leads").json()["leads"][0]
    first = booked(owner, MORNING, lead_id=lead["id"], note="First visit")
    assert (first["lead_name"], first["note"], first["state"]) == ("Lead", "First visit", "booked")
    named = {"version": owner.get(f"/api/leads/{lead['id']}").json()["version"], "name": ""}
    assert owner.patch(f"/api/leads/{lead['id']}", json=named).status_code == 200
    day = {"from": MORNING.isoformat(), "until": (MORNING + timedelta(hours=1)).isoformat()}
    assert [row["lead_name"] for row in owner.get(PATH, params=day).json()["appointments"]] == [lead["phone"]]
    half = MORNING + timedelta(minutes=15)
    taken = refused(owner.post(PATH, json=wish(half)), 409, "slot_taken")
    free = [slot["starts_at"] for slot in taken.pop("free")]
    assert taken == {
        "appointment_id": first["id"], "starts_at": MORNING.isoformat(),
        "ends_at": (MORNING + timedelta(minutes=30)).isoformat(),
    }  # fmt: skip
    assert free == [
        (MORNING + timedelta(minutes=minutes)).isoformat() for minutes in (30, 60, 90, 120, 150)
    ], "the nearest of that day, and none that is taken or before the business opens"
    booked(owner, MORNING + timedelta(minutes=30))
    early = MORNING - timedelta(minutes=30)  # half past eight in winter time; in summer time nine had passed
    refused(owner.post(PATH, json=wish(early)), 422, "outside_hours")
    booked(owner, early, outside_hours=True)
    for wrong in (
        wish(clock.now() - timedelta(hours=1), outside_hours=True), wish(MORNING, -30), wish(MORNING, 1),
        wish(MORNING, 1_500), {"starts_at": "2026-11-03T10:00:00", "ends_at": "2026-11-03T11:00:00"},
    ):  # fmt: skip
        refused(owner.post(PATH, json=wrong), 422, "invalid_input")


def test_two_who_want_one_time_get_it_once(acme: World, owner: TestClient) -> None:
    def book() -> str:
        asked = AppointmentIn(starts_at=MORNING, ends_at=MORNING + timedelta(minutes=30))
        try:
            with unit_of_work(acme.scope) as session:
                business = tenants.get_business(session, acme.business_id)
                calendar.arrange(session, business, asked, actor="test")
        except SlotTaken as error:
            return str(error.data.get("appointment_id"))
        return "booked"

    with ThreadPoolExecutor(4) as pool:
        contexts = [contextvars.copy_context() for _ in range(4)]
        came = list(pool.map(lambda context: context.run(book), contexts))
    with unit_of_work(acme.scope) as session:
        (row,) = session.query(Appointment).all()
    assert sorted(came) == sorted(["booked", *[str(row.id)] * 3])


def test_an_appointment_is_moved_and_cancelled_as_it_was_read(owner: TestClient) -> None:
    one, other = booked(owner, MORNING), booked(owner, MORNING + timedelta(hours=1))
    path = f"{PATH}/{one['id']}"
    moved = owner.patch(path, json=wish(MORNING + timedelta(minutes=10), version=1, note="Later")).json()
    assert (moved["version"], moved["note"]) == (2, "Later")
    assert moved["starts_at"] == (MORNING + timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
    refused(owner.patch(path, json=wish(MORNING, version=1)), 409, "outdated")
    taken = refused(owner.patch(path, json=wish(MORNING + timedelta(hours=1), version=2)), 409, "slot_taken")
    assert taken["appointment_id"] == other["id"]
    refused(owner.post(f"{path}/cancel", json={"version": 1}), 409, "outdated")
    gone = owner.post(f"{path}/cancel", json={"version": 2}).json()
    assert gone["state"] == "cancelled"
    refused(owner.post(f"{path}/cancel", json={"version": 3}), 409, "conflict")
    refused(owner.patch(path, json=wish(MORNING, version=3)), 409, "conflict")
    again = booked(owner, MORNING)  # its time is free again
    of_state = {
        state: {row["id"] for row in owner.get(PATH, params={"state": state}).json()["appointments"]}
        for state in ("booked", "cancelled")
    }
    assert of_state == {"booked": {other["id"], again["id"]}, "cancelled": {one["id"]}}


def test_a_stretch_of_time_comes_in_pages(owner: TestClient) -> None:
    starts = [MORNING + timedelta(days=day) for day in (0, 1, 2, 3, 6)]
    for start in starts:
        booked(owner, start)
    booked(owner, MORNING + timedelta(hours=11), 600, outside_hours=True)  # over midnight

    def read(**query: Any) -> list[str]:
        found: list[str] = []
        while True:
            page = owner.get(PATH, params={"limit": 2, **query})
            assert page.status_code == 200, page.text
            found += [row["starts_at"] for row in page.json()["appointments"]]
            query["cursor"] = page.json()["next_cursor"]
            if query["cursor"] is None:
                return found

    everything = read()
    assert everything == sorted(everything)
    assert len(everything) == 6
    assert read(newest_first="true") == everything[::-1]
    second_day = datetime(2026, 11, 4, 5, tzinfo=UTC)
    day = {"from": second_day.isoformat(), "to": (second_day + timedelta(days=1)).isoformat()}
    assert read(**day) == everything[1:3], "what began the evening before and goes on is there too"
    refused(owner.get(PATH, params={"from": "2026-11-04T10:00:00"}), 422, "invalid_input")
