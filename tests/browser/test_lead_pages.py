"""Leads and appointments in the dashboard: the board, bulk work, a lead's history, the calendar."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Locator, Page, expect

from browser.dashboard import visiting
from support.diary import note_down
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.leads.models import Lead
from trunkline.domain.outbound import hearing
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.claim import Claim, claim_next
from trunkline.domain.outbound.options import installed_limits
from trunkline.domain.people import service as people
from trunkline.domain.tenants.models import Business
from trunkline.kit import barriers, clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import CallReport, CallStatus

JERUSALEM = ZoneInfo("Asia/Jerusalem")


def column(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=re.compile(f"^{name}, "))


def numbers(within: Locator) -> list[str]:
    return [text[-3:] for text in within.locator("[data-card] a").all_inner_texts()]


def test_a_card_is_carried_by_keyboard_and_stands_there_on_another_s_page(
    chromium: Browser, url: str, acme: World
) -> None:
    with unit_of_work(acme.scope) as session:
        for lead in session.query(Lead):
            lead.name = f"Lead {lead.phone[-3:]}"
    with (
        visiting(chromium, url, acme.email, "/leads/board") as mine,
        visiting(chromium, url, acme.email, "/leads/board") as theirs,
    ):
        expect(column(theirs, "New")).to_contain_text("Lead 103")
        mine.get_by_role("button", name="Move Lead 102").focus()
        for key in ("Space", "ArrowRight", "ArrowRight"):
            mine.keyboard.press(key)
        expect(mine.get_by_role("status").filter(has_text="Contacted, place")).to_be_attached()
        with mine.expect_response(re.compile("/move$")) as moved:
            mine.keyboard.press("Space")
        assert moved.value.ok
        expect(column(theirs, "Contacted")).to_contain_text("Lead 102")
        expect(column(theirs, "New")).not_to_contain_text("Lead 102")

        # Escape puts back what was lifted; and within a column the arrows change the order.
        mine.get_by_role("button", name="Move Lead 103").focus()
        for key in ("Space", "ArrowRight", "Escape"):
            mine.keyboard.press(key)
        assert numbers(column(mine, "New")) == ["103", "101"]
        with mine.expect_response(re.compile("/move$")):
            for key in ("Space", "ArrowDown", "Space"):
                mine.keyboard.press(key)
        expect(column(theirs, "New").locator("[data-card] a").first).to_have_text("Lead 101")
        mine.reload()
        expect(column(mine, "Contacted")).to_contain_text("Lead 102")
        assert numbers(column(mine, "New")) == ["101", "103"]

        # By mouse, onto another column.
        card, onto = mine.locator("[data-card]", has_text="Lead 103"), column(mine, "Qualified")
        card.hover()
        mine.mouse.down()
        onto.hover()
        onto.hover(position={"x": 30, "y": 60})
        with mine.expect_response(re.compile("/move$")):
            mine.mouse.up()
        expect(column(theirs, "Qualified")).to_contain_text("Lead 103")

        # A long column says how much of it is there, and shows more where it is asked to.
        with unit_of_work(acme.scope) as session:
            session.add_all(
                Lead(business_id=acme.business_id, phone=f"+1999{number:07}", name="", source="fair")
                for number in range(70)
            )
        mine.reload()
        expect(column(mine, "New")).to_contain_text("50 of 71")
        column(mine, "New").get_by_role("button", name="Show more of New").click()
        expect(column(mine, "New").locator("[data-card]")).to_have_count(71)
        expect(column(mine, "New")).not_to_contain_text("of 71")


def test_a_bulk_change_shows_how_far_it_is_and_is_stopped(
    chromium: Browser, url: str, acme: World, installation: Installation
) -> None:
    with unit_of_work(acme.scope) as session:
        session.add_all(
            Lead(business_id=acme.business_id, phone=f"+1999{number:07}", name="", source="fair")
            for number in range(1_200)
        )
    with visiting(chromium, url, acme.email, "/lists") as page:
        # A list leads to those who are in it.
        page.get_by_role("link", name="Everybody", exact=True).click()
        expect(page.get_by_text("3 leads", exact=True)).to_be_visible()
        page.goto(f"{url}/leads?q=%2B1999")
        expect(page.get_by_text("1,200 leads")).to_be_visible()
        page.get_by_role("checkbox", name="Select all on this page").check()
        page.get_by_role("button", name="Select all 1,200 that match").click()
        toolbar = page.get_by_role("toolbar")
        expect(toolbar).to_contain_text("1,200 selected")
        toolbar.get_by_role("button", name="Status").click()
        page.get_by_role("menuitem", name="Won").click()
        bar = page.get_by_role("progressbar", name="Changing leads")
        expect(bar).to_have_attribute("aria-valuenow", "0")

        def stop_behind_the_first(reached: str) -> None:
            if reached == "slice.done":
                barriers.install(None)
                expect(bar).to_have_attribute("aria-valuenow", "500")
                expect(page.get_by_text("500 of 1,200")).to_be_visible()
                page.get_by_role("button", name="Stop", exact=True).click()
                expect(bar).to_have_count(0)

        barriers.install(stop_behind_the_first)
        try:
            installation.run_jobs("maintenance")
        finally:
            barriers.install(None)
        expect(page.get_by_role("alert").filter(has_text="Stopped")).to_contain_text(
            "500 changed, 0 left out"
        )
        page.get_by_role("combobox", name="Status").click()
        page.get_by_role("option", name="Won").click()
        expect(page.get_by_text("500 leads")).to_be_visible()


def test_a_lead_s_page_tells_of_a_call_as_it_happens_and_keeps_notes(
    chromium: Browser, url: str, acme: World
) -> None:
    run = acme.make_run()
    with unit_of_work(acme.scope) as session:
        outbound.start_run(session, acme.business_id, run.id, actor="test")
    with clock.frozen_at(clock.now() + timedelta(seconds=10)), unit_of_work(acme.scope) as session:
        claim = claim_next(
            session, acme.business_id, limits=installed_limits(), job_id=new_id(), lease_epoch=1
        )
        assert isinstance(claim, Claim)
        lead = session.query(Lead).filter_by(phone=claim.phone).one().id

    def report(status: CallStatus) -> None:
        with unit_of_work(acme.scope) as session:
            told = CallReport(
                f"CA{claim.attempt_id.hex}", status, claim.phone, claim.from_number, "outbound-api"
            )
            hearing.hear_report(session, acme.business_id, claim.attempt_id, told)

    with visiting(chromium, url, acme.email, f"/leads/{lead}", refusals={409}) as page:
        line = page.get_by_role("listitem")
        history = page.locator("ol > li[data-kind]")
        expect(history).to_have_count(1)
        report(CallStatus.IN_PROGRESS)
        expect(history.first).to_contain_text("Was called · in progress")
        report(CallStatus.COMPLETED)
        expect(history.first).not_to_contain_text("in progress")
        expect(line.get_by_role("link", name="Was called")).to_have_attribute("href", re.compile("^/calls/"))

        page.get_by_role("textbox", name="Write a note").fill("Wants a quote")
        page.get_by_role("button", name="Add note").click()
        expect(history.first).to_contain_text("Wants a quote")
        expect(history.first).to_contain_text(acme.email)

        # Somebody else saves while the form is open: it is said, and nothing is written over.
        page.get_by_role("button", name="Edit", exact=True).click()
        page.get_by_role("textbox", name="Name").fill("Dana")
        with unit_of_work(acme.scope) as session:
            row = session.get_one(Lead, lead)
            row.name, row.version = "Avi", row.version + 1
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text(
            "Somebody else has changed this"
        )
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text("Avi")

        page.get_by_role("button", name="Do not call").click()
        page.get_by_role("dialog").get_by_role("button", name="Do not call").click()
        expect(page.get_by_text("This number is not called")).to_be_visible()
        expect(page.get_by_role("button", name="Call now")).to_be_disabled()
        expect(history.first).to_contain_text("Asked not to be called")


def monday_at_ten(world: World) -> datetime:
    """Let a business in Jerusalem have an appointment on Monday week, and an owner who reads Hebrew."""
    today = datetime.now(JERUSALEM).date()
    monday = today + timedelta(days=8 - (today.weekday() + 1) % 7)
    at = datetime.combine(monday, datetime.min.time(), JERUSALEM).replace(hour=10)
    hours = {day: [["09:00", "17:00"]] for day in ("sunday", "monday", "tuesday", "wednesday", "thursday")}
    with unit_of_work(world.scope) as session:
        business = session.get_one(Business, world.business_id)
        business.time_zone, business.working_hours = "Asia/Jerusalem", hours
        lead = session.query(Lead).filter_by(phone=world.phones[0]).one()
        lead.name = "רות מזרחי"
        note_down(session, world.business_id, at, at + timedelta(minutes=45), lead_id=lead.id)
        people.create_user(
            session, business_id=world.business_id, email="he@acme.example", name="דנה", password=PASSWORD,
            role=Role.OWNER, language="he", actor="test",
        )  # fmt: skip
    return at


def told_of_in_hebrew(page: Page, url: str, world: World) -> None:
    """A consent that was taken back is called so, and the system's own reasons have words too."""
    with unit_of_work(world.scope) as session:
        lead = session.query(Lead).filter_by(phone=world.phones[1]).one()
        lead.consent = "withdrawn"
        lead_id = lead.id
    page.goto(f"{url}/leads/{lead_id}")
    expect(page.get_by_role("button", name="הסכמה לשיחות: בוטלה")).to_be_visible()
    page.get_by_role("button", name="לא להתקשר", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="לא להתקשר").click()
    expect(page.locator("ol > li[data-kind]").first).to_contain_text("ביקש שלא להתקשר")


def test_the_week_is_the_business_s_in_hebrew(chromium: Browser, url: str, acme: World) -> None:
    """In a browser far away: Sunday first, at the right, each hour where the business's clock shows it."""
    at = monday_at_ten(acme)
    sunday = at.date() - timedelta(days=1)
    far: Any = {"language": "he", "timezone_id": "Pacific/Honolulu", "refusals": {409, 422}}
    with visiting(chromium, url, "he@acme.example", f"/appointments?date={sunday}", **far) as page:
        expect(page.get_by_role("heading", name="פגישות")).to_be_visible()
        days = page.locator("[data-day]")
        expect(days).to_have_count(7)
        assert days.first.get_attribute("data-day") == str(sunday)
        first, last = days.first.bounding_box(), days.last.bounding_box()
        assert first
        assert last
        assert first["x"] > last["x"], "the week goes from right to left"
        booked = page.locator(f"[data-day='{at.date()}'] [data-appointment]")
        expect(booked).to_have_text("10:00 רות מזרחי")
        box, day = booked.bounding_box(), days.nth(1).bounding_box()
        assert box
        assert day
        # Shown are the hours from 8 to 18, one around those of work.
        assert abs((box["y"] - day["y"]) / day["height"] - 2 / 10) < 0.01

        # Where somebody stands the server says who; beside, it is booked.
        page.get_by_role("button", name="קביעת פגישה", exact=True).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("יום").fill(str(at.date()))
        # A number's plus stays before it, also among words from right to left.
        dialog.get_by_role("combobox", name="עם").click()
        page.get_by_role("option").filter(has_text=f"\u2066{acme.phones[1]}\u2069").click()
        dialog.get_by_label("שעה").fill("10:30")
        dialog.get_by_role("button", name="קביעה").click()
        expect(dialog.get_by_role("alert")).to_contain_text("10:00 עד 10:45")
        dialog.get_by_label("שעה").fill("18:00")
        dialog.get_by_role("button", name="קביעה").click()
        expect(dialog.get_by_role("alert")).to_contain_text("היומן סגור בשעה הזו")
        dialog.get_by_role("button", name="לקבוע בכל זאת").click()
        expect(dialog).to_have_count(0)
        expect(page.locator(f"[data-day='{at.date()}'] [data-appointment]")).to_have_count(2)

        booked.filter(has_text="רות").click()
        dialog.get_by_label("שעה").fill("12:00")
        dialog.get_by_role("button", name="שמירה").click()
        expect(page.locator("[data-appointment]", has_text="רות")).to_contain_text("12:00")
        page.locator("[data-appointment]", has_text="רות").click()
        dialog.get_by_role("button", name="ביטול הפגישה").click()
        page.get_by_role("dialog").filter(has_text="לבטל את הפגישה").get_by_role(
            "button", name="ביטול הפגישה"
        ).click()
        expect(page.locator("[data-appointment]", has_text="רות")).to_have_count(0)
        told_of_in_hebrew(page, url, acme)
    with unit_of_work(acme.scope) as session:
        rows = {row.state: row.starts_at for row in session.query(Appointment)}
    assert rows["cancelled"] == at.replace(hour=12).astimezone(UTC)
    assert rows["booked"] == at.replace(hour=18).astimezone(UTC)
