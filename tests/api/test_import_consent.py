"""What an import makes of consents: one that was withdrawn stays so, and every change is told."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.lists import as_csv, imported
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.rules import Said, merge
from trunkline.kit import clock

MOMENT = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BEFORE, AFTER = MOMENT - 9 * DAY, MOMENT - DAY


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def lead_of(world: World, phone: str) -> Lead:
    with unit_of_work(world.scope) as session:
        return session.scalars(select(Lead).where(Lead.phone == phone)).one()


def told(world: World) -> list[Event]:
    with unit_of_work(world.scope) as session:
        return list(session.scalars(select(Event).where(Event.kind == "consent.changed").order_by(Event.id)))


@pytest.mark.parametrize(
    ("known", "given", "stands"),
    [
        (Said(), Said(), None),
        (Said(), Said("express"), Said("express", MOMENT)),
        (Said(), Said("written", BEFORE, "form"), Said("written", BEFORE, "form")),
        (Said(), Said("withdrawn"), Said("withdrawn", MOMENT)),
        (Said("express", AFTER), Said(), None),
        (Said("express", AFTER), Said("written", MOMENT), None),
        (Said("express", AFTER), Said("withdrawn"), Said("withdrawn", MOMENT)),
        (Said("express", AFTER), Said("withdrawn", AFTER), Said("withdrawn", AFTER)),
        (Said("written", AFTER), Said("withdrawn", BEFORE), None),
        (Said("written"), Said("withdrawn", BEFORE), Said("withdrawn", BEFORE)),
        (Said("withdrawn", AFTER), Said(), None),
        (Said("withdrawn", AFTER), Said("express"), None),
        (Said("withdrawn", AFTER), Said("express", BEFORE), None),
        (Said("withdrawn", AFTER), Said("express", AFTER), None),
        (Said("withdrawn", BEFORE), Said("express", AFTER, "form"), Said("express", AFTER, "form")),
        (Said("withdrawn"), Said("express", AFTER), None),
        (Said("withdrawn", AFTER), Said("withdrawn", MOMENT), None),
    ],
)
def test_a_file_is_weighed_against_what_is_known(known: Said, given: Said, stands: Said | None) -> None:
    assert merge(known, given, moment=MOMENT) == stands


def test_an_old_file_gives_no_consent_back_that_was_withdrawn(
    acme: World, owner: TestClient, installation: Installation
) -> None:
    phone = "+12125550171"
    old = as_csv([["phone", "consent", "consent source"], [phone, "yes", "web form"]])
    imported(owner, installation, old, name="one")
    lead = lead_of(acme, phone)
    assert (lead.consent, lead.consent_source) == ("express", "web form")
    changes = {"consent": "withdrawn", "consent_source": "by phone"}
    asked = owner.post("/api/leads/bulk-update", json={"lead_ids": [str(lead.id)], "changes": changes})
    assert asked.status_code == 202, asked.text
    installation.run_jobs()

    done = imported(owner, installation, old, name="two")
    assert (done["imported"], done["updated"]) == (1, 0)
    lead = lead_of(acme, phone)
    assert (lead.consent, lead.consent_source) == ("withdrawn", "by phone")

    later = clock.now() + timedelta(hours=1)
    for name, time, consent in (("older", "2020-01-31 14:30", "withdrawn"), ("newer", later, "express")):
        rows = [["phone", "consent", "consent date"], [phone, "yes", time]]
        imported(owner, installation, as_csv(rows), name=name)
        assert lead_of(acme, phone).consent == consent, name


def test_a_no_in_a_file_withdraws_and_a_blank_says_nothing(
    acme: World, owner: TestClient, installation: Installation
) -> None:
    phones = [f"+121255501{n}" for n in range(71, 75)]
    header = ["phone", "consent"]
    imported(owner, installation, as_csv([header, *([phone, "yes"] for phone in phones)]), name="one")
    said = ["no", "לא", "", "none"]
    done = imported(
        owner, installation, as_csv([header, *map(list, zip(phones, said, strict=True))]), name="two"
    )
    assert done["updated"] == 2
    assert [lead_of(acme, phone).consent for phone in phones] == [
        "withdrawn", "withdrawn", "express", "express"
    ]  # fmt: skip


def test_each_consent_of_an_import_is_told_with_its_moment(
    acme: World, owner: TestClient, installation: Installation
) -> None:
    known, fresh, silent = acme.phones[0], "+12125550171", "+12125550172"
    rows = [["phone", "consent", "consent source"], [known, "written", "fair"], [fresh, "yes", ""]]
    before = clock.now() - timedelta(seconds=5)
    imported(owner, installation, as_csv([*rows, [silent, "", "fair"]]), name="one")
    facts = {row.data["phone"]: row for row in told(acme)}
    assert {phone: row.data["consent"] for phone, row in facts.items()} == {
        known: "written", fresh: "express"
    }  # fmt: skip
    for phone, row in facts.items():
        lead = lead_of(acme, phone)
        assert (row.actor, row.data["before"], row.data["lead_id"]) == (acme.email, "none", str(lead.id))
        assert row.data["consent_source"] == lead.consent_source
        assert lead.consent_at is not None
        assert lead.consent_at.isoformat() == datetime.fromisoformat(row.data["consent_at"]).isoformat()
        assert before < lead.consent_at < clock.now() + timedelta(seconds=5)
    silent_lead = lead_of(acme, silent)
    assert (silent_lead.consent, silent_lead.consent_at, silent_lead.consent_source) == ("none", None, None)

    imported(owner, installation, as_csv(rows), name="two")
    assert len(told(acme)) == 2, "what is so already is not told again"
    imported(owner, installation, as_csv([["phone", "consent"], [known, "no"]]), name="three")
    assert [row.data["before"] for row in told(acme)] == ["none", "none", "written"]
    log = csv.DictReader(io.StringIO(owner.get("/api/compliance-log.csv").content.decode("utf-8-sig")))
    assert [(row["event"], row["consent"]) for row in log][-1] == ("consent.changed", "withdrawn")


def test_who_brings_a_file_says_that_all_in_it_agreed(
    acme: World, owner: TestClient, installation: Installation
) -> None:
    silent, own, gone = "+12125550181", "+12125550182", "+12125550183"
    imported(owner, installation, as_csv([["phone", "consent"], [gone, "no"]]), name="Before")
    file = as_csv(
        [["phone", "consent", "consent source"], [silent, "", ""], [own, "written", "paper"], [gone, "", ""]]
    )
    day = (clock.now() - 3 * DAY).date().isoformat()

    def send(**said: str) -> Any:
        return owner.post("/api/lead-imports", data={"name": "All", **said}, files={"file": ("a.csv", file)})

    for said, reason in (
        ({"consent": "express"}, "consent_unproven"),
        ({"consent": "express", "consent_on": day, "consent_source": " "}, "consent_unproven"),
        ({"consent_on": day, "consent_source": "fair"}, "consent_unsaid"),
        ({"consent": "express", "consent_on": "2150-01-01", "consent_source": "fair"}, "consent_day"),
    ):
        answer = send(**said)
        assert (answer.status_code, answer.json()["error"]["data"]["reason"]) == (422, reason)
    assert send(consent="withdrawn", consent_on=day, consent_source="fair").status_code == 422
    today = clock.now().date().isoformat()
    answer = send(consent="express", consent_on=today, consent_source="The fair's form")
    assert answer.status_code == 202, answer.text
    installation.run_jobs("maintenance")
    seen = owner.get(f"/api/lead-imports/{answer.json()['id']}").json()
    assert (seen["state"], seen["faults"], seen["said_of_all"]["consent_source"]) == (
        "completed", 0, "The fair's form"
    )  # fmt: skip
    found = {phone: lead_of(acme, phone) for phone in (silent, own, gone)}
    assert {phone: (lead.consent, lead.consent_source) for phone, lead in found.items()} == {
        silent: ("express", "The fair's form"), own: ("written", "paper"), gone: ("withdrawn", None)
    }  # fmt: skip
    assert found[silent].consent_at is not None
    assert found[silent].consent_at.date().isoformat() <= today
    assert (
        merge(Said("withdrawn", BEFORE), Said("express", AFTER, "form", of_all=True), moment=MOMENT) is None
    )
