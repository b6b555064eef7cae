"""One person's record in the dashboard: fields of the business's own, an owner, addresses, and a merge."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from browser.dashboard import visiting
from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.record_models import LeadAddress


def test_a_field_is_made_filled_shown_and_filtered_by(
    chromium: Browser, url: str, acme: World, installation: Installation
) -> None:
    with visiting(chromium, url, acme.email, "/settings/fields") as page:
        page.get_by_role("button", name="Add field").first.click()
        form = page.get_by_role("dialog")
        form.get_by_label("Name").fill("Plan")
        form.get_by_role("combobox", name="Kind").click()
        page.get_by_role("option", name="Choice").click()
        for choice in ("Basic", "Gold"):
            form.get_by_role("combobox", name="Choices").fill(choice)
            page.keyboard.press("Enter")
        form.get_by_role("button", name="Save").click()
        expect(page.get_by_role("region", name="Lead fields")).to_contain_text("{lead_plan}")

        # Whoever is edited gets a value and an owner; both are columns of the list.
        page.goto(f"{url}/leads?q=5550101")
        page.get_by_role("link", name="Lead", exact=True).click()
        page.get_by_role("button", name="Edit").click()
        form = page.get_by_role("dialog")
        form.get_by_role("combobox", name="Plan").click()
        page.get_by_role("option", name="Gold").click()
        form.get_by_role("combobox", name="Owner").click()
        page.get_by_role("option", name="Owner").click()
        form.get_by_role("button", name="Save").click()
        expect(form).not_to_be_visible()
        expect(page.get_by_role("region", name="Details")).to_contain_text("Gold")
        expect(page.get_by_role("region", name="History")).to_contain_text("Changed: Owner, Plan")

        page.get_by_role("link", name="Leads").first.click()
        table = page.get_by_role("region", name="Leads")
        expect(table.get_by_role("columnheader", name="Plan")).to_be_visible()
        page.get_by_role("button", name="Own field").click()
        page.get_by_role("combobox", name="Value").click()
        page.get_by_role("option", name="Gold").click()
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("1 lead", exact=True)).to_be_visible()
        page.get_by_role("combobox", name="Owner").click()
        page.get_by_role("option", name="Mine").click()
        expect(page).to_have_url(re.compile("owner="))
        expect(table).to_contain_text("+12125550101")

        # Many at once: all three get the other plan, and nobody's they are again.
        page.get_by_role("button", name="Clear filters").click()
        expect(page.get_by_text("3 leads", exact=True)).to_be_visible()
        page.get_by_role("checkbox", name="Select all on this page").check()
        toolbar = page.get_by_role("toolbar")
        toolbar.get_by_role("button", name="Field").click()
        page.get_by_role("combobox", name="New value").click()
        page.get_by_role("option", name="Basic").click()
        page.get_by_role("button", name="Set").click()
        expect(toolbar).not_to_be_visible()
        installation.run_jobs("maintenance")
        expect(table.get_by_text("Basic")).to_have_count(3)


def test_two_leads_of_one_person_become_one(chromium: Browser, url: str, acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        first, second, third = session.query(Lead).order_by(Lead.phone)
        first.name, second.name, third.name = "Dana Levi", "Dana Levi", "Noa"
        first.email, second.notes = "dana@example.com", "Wants Sundays"
        ids = first.id, second.id, third.id
    with visiting(chromium, url, acme.email, f"/leads/{ids[0]}", refusals={404, 409}) as page:
        # Whose number it is already is said, with the way to merge; a new one is theirs.
        region = page.get_by_role("region", name="Numbers and addresses")
        region.get_by_role("button", name="Add").click()
        region.get_by_label("Number or address").fill("+1 212 555 0103")
        region.get_by_role("button", name="Add").click()
        expect(region.get_by_role("alert")).to_contain_text("Another lead has it already.")
        region.get_by_label("Number or address").fill("(212) 555-0177")
        region.get_by_role("button", name="Add").click()
        expect(region).to_contain_text("+12125550177")

        # The other one is offered; of what contradicts the other's number is taken.
        page.get_by_role("button", name="Merge with Dana Levi").click()
        dialog = page.get_by_role("dialog", name="Merge two leads")
        expect(dialog).to_contain_text("Dana Levi is kept")
        expect(dialog.get_by_role("table")).to_contain_text("Lists")
        dialog.get_by_role("radiogroup", name="Number").get_by_label("+12125550102").check()
        dialog.get_by_role("button", name="Merge", exact=True).click()
        expect(dialog).not_to_be_visible()
        details = page.get_by_role("region", name="Details")
        expect(details).to_contain_text("+12125550102")
        expect(details).to_contain_text("Wants Sundays")
        history = page.get_by_role("region", name="History")
        expect(history).to_contain_text("Merged with: Dana Levi +12125550102")
        expect(history).to_contain_text("Not kept as Number: +12125550101")

        # Whoever had a link to the other one comes to the one who was kept.
        page.goto(f"{url}/leads/{ids[1]}")
        expect(page).to_have_url(re.compile(str(ids[0])))
        expect(page.get_by_role("heading", name="Dana Levi")).to_be_visible()
    with unit_of_work(acme.scope) as session:
        rows = session.query(LeadAddress).filter(LeadAddress.lead_id == ids[0])
        assert {row.address for row in rows} == {"+12125550101", "+12125550102", "+12125550177"}
