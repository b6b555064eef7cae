"""Calendars, reminders and a customer's own page: from making a calendar to what is moved by the link."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.dashboard import visiting
from support.post_office import open_post_office
from support.world import World
from trunkline.core import registry
from trunkline.core.db import unit_of_work
from trunkline.domain.appointments import links
from trunkline.domain.appointments.models import Appointment, Calendar
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock
from trunkline.providers.smtp import SmtpMailer


@pytest.fixture
def found(url: str, tmp_path: Path) -> Iterator[None]:
    """Links lead to the server under test, and there is mail."""
    before = links.installed()
    links.install_links(links.AppointmentLinks(url, before.token_key, "Acme <calls@acme.example>"))
    with open_post_office(tmp_path / "post") as post:
        registry.register_mailer(SmtpMailer(post.url, "Acme <calls@acme.example>"))
        yield
    registry.register_mailer(None)
    links.install_links(before)


def monday() -> datetime:
    """Nine on Monday week."""
    today = clock.now().astimezone(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    return today + timedelta(days=14 - today.weekday())


def standing(world: World, note: str) -> Appointment:
    with unit_of_work(world.scope) as session:
        return session.query(Appointment).filter_by(note=note).one()


def book(page: Page, day: str, at: str, note: str) -> None:
    page.get_by_role("button", name="Book", exact=True).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Calendar").click()
    page.get_by_role("option", name="Dana").click()
    dialog.get_by_label("Day").fill(day)
    dialog.get_by_label("Time").fill(at)
    dialog.get_by_label("Note").fill(note)
    dialog.get_by_role("button", name="Book", exact=True).click()


def test_a_calendar_is_made_booked_and_moved_by_its_customer(
    chromium: Browser, url: str, acme: World, found: None
) -> None:
    with unit_of_work(acme.scope) as session:
        session.get_one(Business, acme.business_id).language = "he"
    at = monday()
    with visiting(chromium, url, acme.email, "/appointments/calendars", refusals={409}) as page:
        expect(page.get_by_role("article", name="יומן ראשי")).to_contain_text("Open as the business is")
        page.get_by_role("button", name="Add a calendar").click()
        form = page.get_by_role("dialog")
        form.get_by_label("Name").fill("Dana")
        form.get_by_role("radio", name="Orange").click()
        form.get_by_label("Break after each (minutes)").fill("30")
        form.get_by_role("button", name="Add days off").click()
        form.get_by_role("button", name="Save").click()
        expect(page.get_by_role("article", name="Dana")).to_contain_text("30 min after")
        with unit_of_work(acme.scope) as session:
            made = session.query(Calendar).filter_by(name="Dana").one()
            assert (made.colour, made.buffer_after, len(made.days_off)) == ("orange", 30, 1)

        # Two at one time: the other is told what is free, and takes it by a click.
        page.goto(f"{url}/appointments?view=week&date={at.date()}")
        book(page, str(at.date()), "09:00", "First")
        expect(page.locator("[data-appointment]", has_text="First")).to_be_visible()
        book(page, str(at.date()), "09:15", "Second")
        refusal = page.get_by_role("dialog").get_by_role("alert")
        expect(refusal).to_contain_text("is taken by another appointment")
        refusal.get_by_role("button").first.click()
        page.get_by_role("dialog").get_by_role("button", name="Book", exact=True).click()
        expect(page.locator("[data-appointment]", has_text="Second")).to_be_visible()
        assert standing(acme, "Second").starts_at >= at + timedelta(hours=1), "the break is kept"

        # Shown or not, by calendar.
        page.get_by_role("checkbox", name="Dana").uncheck()
        expect(page.locator("[data-appointment]")).to_have_count(0)
        page.get_by_role("checkbox", name="Dana").check()

        page.locator("[data-appointment]", has_text="First").click()
        page.get_by_role("button", name="Link for the customer").click()
        link = page.get_by_test_id("customer-link").inner_text()

        # What is proposed has not begun.
        page.clock.set_fixed_time(at + timedelta(days=1, hours=1, seconds=20))
        page.goto(f"{url}/appointments?view=day&date={(at + timedelta(days=1)).date()}")
        page.get_by_role("button", name="Book", exact=True).first.click()
        expect(page.get_by_role("dialog").get_by_label("Time")).to_have_value("10:30")

    first = standing(acme, "First")
    with visiting(chromium, url, None, link[link.index("/appointment#") :], language="he") as page:
        expect(page.get_by_role("heading", level=1)).to_contain_text("Acme")
        assert page.evaluate("document.documentElement.dir") == "rtl", "in the business's language"
        page.get_by_role("button", name="בחירת מועד אחר").click()
        page.get_by_role("group").get_by_role("button").first.click()
        expect(page.get_by_role("status")).to_contain_text("הפגישה שלך הוזזה")
        moved = standing(acme, "First")
        assert moved.starts_at != first.starts_at
        page.get_by_role("button", name="ביטול הפגישה").click()
        page.get_by_role("dialog").get_by_role("button", name="ביטול הפגישה").click()
        expect(page.get_by_role("status")).to_contain_text("בוטלה")
        assert standing(acme, "First").state == "cancelled"


def test_a_reminder_is_made_and_switched_off(chromium: Browser, url: str, acme: World, found: None) -> None:
    with visiting(chromium, url, acme.email, "/appointments/automations") as page:
        expect(page.get_by_role("heading", name="Nothing is sent by itself yet")).to_be_visible()
        page.get_by_role("button", name="Add a reminder").first.click()
        form = page.get_by_role("dialog")
        form.get_by_label("Name").fill("A day before")
        form.get_by_role("combobox", name="By", exact=True).click()
        expect(page.get_by_role("option", name="WhatsApp (not set up here)")).to_be_disabled()
        page.get_by_role("option", name="E-mail").click()
        form.get_by_role("button", name="Save").click()
        card = page.get_by_role("article", name="A day before")
        expect(card).to_contain_text("1 day before it begins")
        card.get_by_role("switch").press("Space")
        expect(card.get_by_role("switch")).not_to_be_checked()
