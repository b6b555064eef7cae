"""Consent, calling rules, and the log that says why each number was called or not."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event, announce
from trunkline.domain.leads.models import Lead
from trunkline.domain.outbound import dialling, suppressions
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.claim import Claim, claim_next
from trunkline.domain.outbound.compliance_log import COLUMNS
from trunkline.domain.outbound.options import installed_limits
from trunkline.domain.people import service as people
from trunkline.kit import clock
from trunkline.kit.ids import new_id


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def leads_of(world: World) -> dict[str, Lead]:
    with unit_of_work(world.scope) as session:
        return {lead.phone: lead for lead in session.scalars(select(Lead))}


def events_of(world: World, kind: str) -> list[Event]:
    with unit_of_work(world.scope) as session:
        return list(session.scalars(select(Event).where(Event.kind == kind).order_by(Event.id)))


def log_of(client: TestClient, **params: str) -> list[dict[str, str]]:
    answer = client.get("/api/compliance-log.csv", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


# --- Calling rules ---------------------------------------------------------------------------


def test_rules_are_shown_and_changed(owner: TestClient) -> None:
    rules = owner.get("/api/business").json()["calling_rules"]
    assert (rules["attempts_per_day"], rules["consent_required"], rules["disclosure"]) == (3, False, "")
    changed = {
        "calling_window": {"from": "09:30", "to": "24:00"},
        "calling_rules": {
            "days": ["monday", "sunday"], "holidays": ["2026-12-25"], "public_holidays": True,
            "attempts_per_day": None, "attempts_in_all": 9, "minimum_gap_minutes": 90,
            "consent_required": True, "disclosure": "An AI speaks.",
        },
    }  # fmt: skip
    answer = owner.patch("/api/business", json=changed)
    assert answer.status_code == 200, answer.text
    shown = owner.get("/api/business").json()
    assert {name: shown[name] for name in changed} == changed


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"calling_window": {"from": "21:00", "to": "08:00"}}, "body.calling_window"),
        ({"calling_window": {"from": "08:00", "to": "08:00"}}, "body.calling_window"),
        ({"calling_window": {"from": "8", "to": "21:00"}}, "body.calling_window.from"),
        ({"calling_window": {"from": "08:00", "to": "25:00"}}, "body.calling_window.to"),
        ({"calling_window": {"from": "08:00"}}, "body.calling_window.to"),
        ({"calling_rules": {"days": []}}, "body.calling_rules.days"),
        ({"calling_rules": {"days": ["caturday"]}}, "body.calling_rules.days.0"),
        ({"calling_rules": {"holidays": ["2026-02-30"]}}, "body.calling_rules.holidays.0"),
        ({"calling_rules": {"attempts_per_day": 0}}, "body.calling_rules.attempts_per_day"),
        ({"calling_rules": {"minimum_gap_minutes": -1}}, "body.calling_rules.minimum_gap_minutes"),
        ({"calling_rules": {"disclosure": "x" * 501}}, "body.calling_rules.disclosure"),
        ({"calling_rules": {"hollidays": []}}, "body.calling_rules.hollidays"),
    ],
)
def test_a_rule_that_cannot_be_used_is_told_by_its_field(
    change: dict[str, Any], path: str, owner: TestClient
) -> None:
    before = owner.get("/api/business").json()
    refused = owner.patch("/api/business", json=change)
    assert refused.status_code == 422
    assert refused.json()["error"]["data"]["faults"][0]["path"] == path
    assert owner.get("/api/business").json() == before


def test_a_change_of_the_rules_is_told_with_what_they_were_and_are(acme: World, owner: TestClient) -> None:
    begun = owner.get("/api/business").json()
    window = {"from": "10:00", "to": "18:00"}
    change = {"calling_window": window, "calling_rules": {"consent_required": True}}
    for _ in range(2):  # what changes nothing is no change
        assert owner.patch("/api/business", json={"name": "Acme again", **change}).status_code == 200
    assert owner.post("/api/suppressions", json={"phone": acme.phones[0]}).status_code == 201
    changed, listed = log_of(owner)
    assert (changed["event"], changed["actor"], changed["phone"]) == ("rules.changed", acme.email, "")
    before = {name: begun[name] for name in change}
    after = {"calling_window": window, "calling_rules": {**before["calling_rules"], "consent_required": True}}
    assert json.loads(changed["details"]) == {"before": before, "after": after}
    assert listed["event"] == "number.suppressed"


# --- Consent -----------------------------------------------------------------------------------


def test_consent_is_noted_with_its_moment_and_source_and_told(acme: World, owner: TestClient) -> None:
    lead = leads_of(acme)[acme.phones[0]]
    door = f"/api/leads/{lead.id}/consent"
    shown = owner.get(f"/api/leads/{lead.id}").json()
    assert (shown["consent"], shown["consent_at"], shown["consent_source"]) == ("none", None, None)
    wish = {"consent": "written", "consent_at": "2026-05-01T10:00:00Z", "consent_source": "web form"}
    for _ in range(2):  # said twice, it is told once
        assert {name: owner.patch(door, json=wish).json()[name] for name in wish} == wish
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    with clock.frozen_at(now):
        assert owner.patch(door, json={"consent": "express"}).json()["consent"] == "express"
    assert owner.patch(door, json={"consent": "withdrawn", "consent_source": "letter"}).status_code == 200
    told = [
        (row.data["before"], row.data["consent"], row.actor) for row in events_of(acme, "consent.changed")
    ]
    assert told == [
        ("none", "written", acme.email), ("written", "express", acme.email),
        ("express", "withdrawn", acme.email),
    ]  # fmt: skip
    lead = leads_of(acme)[acme.phones[0]]
    assert (lead.consent, lead.consent_source) == ("withdrawn", "letter")
    assert lead.consent_at is not None
    # What was said cannot be unsaid: an older file would bring it back.
    for wrong in (
        {"consent": "none"},
        {"consent": "maybe"},
        {},
        {"consent": "express", "consent_at": "2026-05-01T10:00:00"},
    ):
        assert owner.patch(door, json=wrong).status_code == 422


def test_consent_of_many_is_changed_by_a_bulk_run(
    acme: World, owner: TestClient, installation: Installation
) -> None:
    changes = {"consent": "express", "consent_source": "trade fair"}
    asked = owner.post("/api/leads/bulk-update", json={"list_id": str(acme.list_id), "changes": changes})
    assert asked.status_code == 202, asked.text
    installation.run_jobs()
    told = {(row.consent, row.consent_source) for row in leads_of(acme).values()}
    assert told == {("express", "trade fair")}
    events = events_of(acme, "consent.changed")
    assert sorted(event.data["phone"] for event in events) == sorted(acme.phones)
    assert {event.actor for event in events} == {acme.email}
    without = {"list_id": str(acme.list_id), "changes": {"consent_source": "trade fair"}}
    assert owner.post("/api/leads/bulk-update", json=without).status_code == 422


# --- The log -------------------------------------------------------------------------------------


def test_the_log_says_why_each_number_was_called_or_not(
    acme: World, umbrella: World, owner: TestClient, visitor: TestClient
) -> None:
    rules = {"consent_required": True, "disclosure": "=An AI speaks"}
    assert owner.patch("/api/business", json={"calling_rules": rules}).status_code == 200
    refused, called, dropped = acme.phones
    for phone in (called, dropped):
        lead = leads_of(acme)[phone]
        assert owner.patch(f"/api/leads/{lead.id}/consent", json={"consent": "express"}).status_code == 200
    run = acme.make_run()
    claims = []
    with unit_of_work(acme.scope) as session:
        outbound.start_run(session, acme.business_id, run.id, actor="test")
    for minute in range(2):
        with clock.frozen_at(clock.now() + timedelta(minutes=minute)), unit_of_work(acme.scope) as session:
            claim = claim_next(
                session, acme.business_id, limits=installed_limits(), job_id=new_id(), lease_epoch=1
            )
            assert isinstance(claim, Claim), claim
            claims.append(claim)
    with unit_of_work(acme.scope) as session:
        suppressions.suppress(
            session, acme.business_id, dropped, reason="=cmd|calc", source="whatsapp", actor="whatsapp"
        )
    with unit_of_work(acme.scope) as session:
        assert not dialling.run_allows(session, acme.business_id, run.id, claims[1].attempt_id)
        suppressions.allow(session, acme.business_id, dropped, actor="test")
    rows = log_of(owner)
    assert [(row["event"], row["phone"], row["rule"], row["consent"]) for row in rows] == [
        ("rules.changed", "", "", ""),
        ("consent.changed", called, "", "express"),
        ("consent.changed", dropped, "", "express"),
        ("dial.refused", refused, "no_consent", "none"),
        ("dial.allowed", called, "", "express"),
        ("dial.allowed", dropped, "", "express"),
        ("number.suppressed", dropped, "'=cmd|calc", ""),
        ("dial.taken_back", dropped, "suppressed", ""),
        ("number.allowed", dropped, "", ""),
    ]
    dial = rows[4]
    assert (dial["from_number"], dial["disclosure"], dial["zones"], dial["run_id"], dial["attempt_id"]) == (
        acme.number, "'=An AI speaks", "America/New_York", str(run.id), str(claims[0].attempt_id),
    )  # fmt: skip
    local = datetime.fromisoformat(dial["local_time"])
    assert abs(local - datetime.fromisoformat(dial["at_utc"])) < timedelta(seconds=1)
    assert local.utcoffset() in {timedelta(hours=-5), timedelta(hours=-4)}
    assert [row["at_utc"] for row in rows] == sorted(row["at_utc"] for row in rows)
    sign_in(visitor, umbrella.email)
    assert log_of(visitor) == []


def test_a_long_log_comes_whole_in_order_and_only_of_its_time(acme: World, owner: TestClient) -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    with unit_of_work(acme.scope) as session:
        session.execute(
            insert(Event),
            [
                {
                    "business_id": acme.business_id, "actor": "dialler", "subject_id": None,
                    "kind": {9: "run.progressed", 5: "rules.changed"}.get(n % 10, "dial.refused"),
                    # Forty to a moment, so that pages end in the middle of one.
                    "at": begin + timedelta(seconds=n // 40), "data": {"phone": f"+1212555{n:04}", "n": n},
                }
                for n in range(6_000)
            ],
        )  # fmt: skip
    rows = log_of(owner, **{"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"})
    assert [row["phone"] for row in rows] == [f"+1212555{n:04}" for n in range(6_000) if n % 10 != 9]
    some = log_of(owner, **{"from": "2026-03-01T00:00:10Z", "to": "2026-03-01T00:00:12Z"})
    assert [row["phone"] for row in some] == [f"+1212555{n:04}" for n in range(400, 480) if n % 10 != 9]
    # What a page is asked for, a file can be asked for too.
    day = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}
    changed = log_of(owner, **day, kind="rules.changed")
    assert [row["phone"] for row in changed] == [f"+1212555{n:04}" for n in range(5, 6_000, 10)]
    assert [row["phone"] for row in log_of(owner, **day, phone="+12125550042")] == ["+12125550042"]
    assert log_of(owner, **day, phone="+12125550042", kind="rules.changed") == []
    assert log_of(owner, **day, run_id=str(new_id())) == []
    backwards = {"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}
    assert owner.get("/api/compliance-log.csv", params=backwards).status_code == 422
    assert owner.get("/api/compliance-log.csv", params={"from": "2026-03-02T00:00:00"}).status_code == 422


def test_only_admins_read_it(acme: World, visitor: TestClient) -> None:
    with unit_of_work(acme.scope) as session:
        for role in (Role.AGENT, Role.ADMIN):
            people.create_user(
                session, business_id=acme.business_id, email=f"{role}@acme.example", name="One",
                password=PASSWORD, role=role, actor="test",
            )  # fmt: skip
    for role, status in ((Role.AGENT, 403), (Role.ADMIN, 200)):
        sign_in(visitor, f"{role}@acme.example")
        assert visitor.get("/api/compliance-log.csv").status_code == status


def test_every_row_has_every_column(acme: World, owner: TestClient) -> None:
    assert owner.post("/api/suppressions", json={"phone": acme.phones[0]}).status_code == 201
    (row,) = log_of(owner)
    assert tuple(row) == COLUMNS
    assert None not in row.values()


def test_a_row_about_what_is_no_number_breaks_no_file_off(owner: TestClient, acme: World) -> None:
    with unit_of_work(acme.scope):
        for phone in ("dana@acme.example", "+12125550777"):
            announce(
                "number.suppressed", subject_id=None, actor="test", phone=phone, reason="", source="call"
            )
    told = {row["phone"]: row["zones"] for row in log_of(owner)}
    assert told == {"dana@acme.example": "", "+12125550777": "America/New_York"}
