"""What somebody does by the link that they were sent, without signing in, and what programs read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.doorway import HEADERS, TestClient, sign_in
from support.world import World
from trunkline.domain.appointments import customers
from trunkline.kit import clock

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)  # a Monday
TEN = datetime(2026, 11, 3, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _on_a_monday() -> Any:
    with clock.frozen_at(NOW):
        yield


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


@pytest.fixture
def row(owner: TestClient) -> dict[str, Any]:
    """An appointment, and the secret of its link."""
    lead = owner.get("/api/leads").json()["leads"][0]["id"]
    ends = TEN + timedelta(minutes=30)
    wish = {"starts_at": TEN.isoformat(), "ends_at": ends.isoformat(), "lead_id": lead, "visit": "Check-up"}
    made = dict(owner.post("/api/appointments", json=wish).json())
    link = owner.post(f"/api/appointments/{made['id']}/link").json()["link"]
    assert owner.post(f"/api/appointments/{made['id']}/link").json()["link"] == link
    return {**made, "secret": link.partition("#")[2]}


def by_link(client: TestClient, act: str, secret: str, **more: Any) -> Any:
    client.cookies.clear()
    return client.post(f"/api/my-appointment{act}", json={"secret": secret, **more}, headers=HEADERS)


def reason(answer: Any) -> tuple[int, str]:
    error = answer.json()["error"]
    return answer.status_code, error["data"].get("reason", error["code"])


def test_a_person_moves_and_cancels_by_the_link(visitor: TestClient, row: dict[str, Any]) -> None:
    secret = row["secret"]
    mine = by_link(visitor, "", secret).json()
    assert mine == {
        "standing": "open", "starts_at": "2026-11-03T10:00:00Z", "ends_at": "2026-11-03T10:30:00Z",
        "visit": "Check-up", "version": 1, "business": "Acme", "language": "en", "time_zone": "UTC",
    }, "and nothing of who it is"  # fmt: skip
    free = by_link(visitor, "/slots", secret, **{"from": "2026-11-03", "to": "2026-11-03"}).json()["slots"]
    starts = [slot["starts_at"] for slot in free]
    assert len(starts) == 16
    assert "2026-11-03T10:00:00Z" in starts, "one's own time is free to oneself"
    moved = by_link(visitor, "/move", secret, starts_at=starts[-1], version=1).json()
    assert (moved["starts_at"], moved["version"], moved["standing"]) == ("2026-11-03T16:30:00Z", 2, "open")
    assert reason(by_link(visitor, "/move", secret, starts_at=starts[0], version=1)) == (409, "outdated")
    night = "2026-11-04T03:00:00Z"
    assert reason(by_link(visitor, "/move", secret, starts_at=night, version=2)) == (422, "closed")
    gone = by_link(visitor, "/cancel", secret, version=2).json()
    assert gone["standing"] == "cancelled"
    assert by_link(visitor, "", secret).json()["standing"] == "cancelled"
    for act, more in (("/cancel", {"version": 3}), ("/move", {"version": 3, "starts_at": starts[0]})):
        assert reason(by_link(visitor, act, secret, **more)) == (409, "appointment_cancelled")
    assert reason(by_link(visitor, "/slots", secret)) == (409, "link_closed")


def test_by_the_link_only_times_are_had_that_are_offered_and_people_may_write_down_any(
    owner: TestClient, row: dict[str, Any]
) -> None:
    odd = TEN + timedelta(minutes=7)
    wish = {"starts_at": odd.isoformat(), "ends_at": (odd + timedelta(minutes=30)).isoformat(), "version": 1}
    assert owner.patch(f"/api/appointments/{row['id']}", json=wish).status_code == 200
    again = (odd + timedelta(hours=3)).isoformat()
    answer = by_link(owner, "/move", row["secret"], starts_at=again, version=2)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "slot_taken")
    first = answer.json()["error"]["data"]["free"][0]["starts_at"]
    assert by_link(owner, "/move", row["secret"], starts_at=first, version=2).status_code == 200


def test_a_link_says_when_it_is_too_late_or_over(owner: TestClient, row: dict[str, Any], acme: World) -> None:
    (calendar,) = owner.get("/api/calendars").json()["calendars"]
    change = {"version": 1, "notice_minutes": 120}
    assert owner.patch(f"/api/calendars/{calendar['id']}", json=change).status_code == 200
    for at, standing in (
        (TEN - timedelta(hours=3), "open"), (TEN - timedelta(hours=1), "too_late"), (TEN, "over")
    ):  # fmt: skip
        with clock.frozen_at(at):
            assert by_link(owner, "", row["secret"]).json()["standing"] == standing
            if standing != "open":
                assert reason(by_link(owner, "/cancel", row["secret"], version=1)) == (409, "link_closed")


def test_who_tries_secrets_out_finds_nothing_and_is_slowed_down(
    visitor: TestClient, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reason(by_link(visitor, "", "a" * 43)) == (404, "link_over")
    assert reason(by_link(visitor, "", row["secret"] + "a")) == (404, "link_over")
    monkeypatch.setattr(customers, "ASKED_A_MINUTE", 4)
    assert by_link(visitor, "", row["secret"]).status_code == 200
    assert by_link(visitor, "", row["secret"]).status_code == 200
    late = by_link(visitor, "", row["secret"])
    assert (late.status_code, late.headers["retry-after"]) == (429, "60")


def test_programs_read_appointments_and_calendars(owner: TestClient, row: dict[str, Any]) -> None:
    path = f"/api/calendars/{row['calendar_id']}/feed"
    assert owner.get(path).json() == {"address": None}
    address = owner.post(path).json()["address"]
    assert owner.get(path).json() == {"address": address}
    place = address.removeprefix("http://127.0.0.1:8000")
    assert owner.patch(
        f"/api/appointments/{row['id']}",
        json={"starts_at": "2026-11-03T11:00:00Z", "ends_at": "2026-11-03T11:30:00Z", "version": 1},
    ).json()["version"] == 2  # fmt: skip

    def events(text: str) -> list[Any]:
        import icalendar

        found = icalendar.Calendar.from_ical(text)
        assert found["method"] == "PUBLISH"
        return list(found.walk("VEVENT"))

    single = owner.get(f"/api/appointments/{row['id']}/ics")
    assert single.headers["content-type"] == "text/calendar; charset=utf-8"
    (event,) = events(single.text)
    assert (str(event["uid"]), event["sequence"]) == (f"{row['id']}@trunkline", 1)
    assert event["dtstart"].dt == datetime(2026, 11, 3, 11, tzinfo=UTC)
    assert str(event["summary"]) == "Lead · Check-up"
    (of_theirs,) = events(by_link(owner, "/ics", row["secret"]).text)
    assert (str(of_theirs["summary"]), str(of_theirs["uid"])) == ("Acme", str(event["uid"]))
    (fed,) = events(owner.get(place).text)  # signed out since: the address is enough
    assert str(fed["uid"]) == str(event["uid"])
    assert owner.get(place + "a").status_code == 404


def test_a_new_address_ends_the_one_before(owner: TestClient, row: dict[str, Any]) -> None:
    path = f"/api/calendars/{row['calendar_id']}/feed"
    first, second = (
        owner.post(path).json()["address"].removeprefix("http://127.0.0.1:8000") for _ in range(2)
    )
    assert (owner.get(first).status_code, owner.get(second).status_code) == (404, 200)
    assert owner.delete(path).status_code == 204
    assert owner.get(second).status_code == 404


def test_a_taken_time_tells_a_person_what_is_free_and_nothing_of_who_holds_it(
    owner: TestClient, row: dict[str, Any]
) -> None:
    other = TEN + timedelta(hours=2)
    wish = {"starts_at": other.isoformat(), "ends_at": (other + timedelta(minutes=30)).isoformat()}
    held = owner.post("/api/appointments", json=wish).json()["id"]
    answer = by_link(owner, "/move", row["secret"], starts_at=other.isoformat(), version=1)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], set(error["data"])) == (409, "slot_taken", {"free"})
    assert len(error["data"]["free"]) == 5
    assert held not in answer.text


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_days_at_the_ends_of_time_are_no_fault_of_ours(
    row: dict[str, Any], owner: TestClient, day: str
) -> None:
    for more in ({"from": day}, {"from": day, "to": day}, {"to": day}):
        assert by_link(owner, "/slots", row["secret"], **more).status_code in {200, 422}
    at = f"{day}T23:50:00Z"
    assert by_link(owner, "/move", row["secret"], starts_at=at, version=1).status_code == 422
