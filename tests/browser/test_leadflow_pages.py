"""How leads come, move and go, in the dashboard: a webhook, rules for calls, a file on a note, an export."""

from __future__ import annotations

import re
from typing import Any

import httpx
from playwright.sync_api import Browser, expect

from browser.dashboard import visiting
from support.installation import Installation
from support.lead_papers import a_refusal, first_lead
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.domain.leads.models import Lead
from trunkline.kit.ids import new_id

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf500f0003860180"
    "5a347d6b0000000049454e44ae426082"
)


def send(url: str, hook: str, secret: str, said: dict[str, Any]) -> httpx.Response:
    address = f"{url}/hooks/leads/{hook}"
    return httpx.post(address, json=said, headers={"Authorization": f"Bearer {secret}"}, timeout=20)


def test_a_form_brings_a_lead_by_a_webhook_that_was_made_on_the_page(
    chromium: Browser, url: str, acme: World
) -> None:
    with visiting(chromium, url, acme.email, "/settings/webhooks") as page:
        expect(page.get_by_text("No webhooks yet")).to_be_visible()
        page.get_by_role("button", name="New webhook").first.click()
        form = page.get_by_role("dialog")
        form.get_by_role("textbox", name="Name", exact=True).fill("Website")
        form.get_by_label("Tags", exact=True).first.fill("web")
        form.get_by_label("Tags", exact=True).first.press("Enter")
        form.get_by_role("button", name="Make webhook").click()
        shown = page.get_by_role("dialog", name="Secret")
        secret = shown.get_by_label("Secret", exact=True).inner_text()
        expect(shown.get_by_label("Example", exact=True)).to_contain_text(f"Bearer {secret}")
        shown.get_by_role("button", name="I have copied it").click()
        expect(page.get_by_text(secret)).to_have_count(0)

        card = page.get_by_role("region", name="Website")
        hook = card.get_attribute("data-webhook") or ""
        card.get_by_role("button", name="Deliveries and example of Website").click()
        expect(card.get_by_text("Nothing has come yet")).to_be_visible()
        assert send(url, hook, secret, {"phone": "+12125550177", "name": "Dana"}).status_code == 201
        # It shows by itself.
        expect(card.get_by_text("New lead")).to_be_visible()
        assert send(url, hook, secret, {"name": "Nobody"}).status_code == 422
        expect(card.get_by_text("It was not sent.")).to_be_visible()

        card.get_by_role("tab", name="Try it").click()
        card.get_by_role("textbox", name="Body").fill('{"phone": "12"}')
        card.get_by_role("button", name="Send a test").click()
        expect(page.get_by_test_id("trial")).to_contain_text("Refused")

        card.get_by_role("switch", name="Website takes leads").click(force=True)
        expect(card.get_by_text("Off", exact=True)).to_be_visible()
        assert send(url, hook, secret, {"phone": "+12125550178"}).status_code == 403
        card.get_by_role("tab", name="Deliveries").click()
        card.get_by_role("link", name="Open lead").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Dana")


def test_calls_move_a_lead_by_rules_and_files_hang_on_its_notes(
    chromium: Browser, url: str, acme: World, installation: Installation
) -> None:
    lead_id, call_id = first_lead(acme), new_id()
    with visiting(chromium, url, acme.email, "/settings/statuses") as page:
        page.get_by_role("switch", name="Calls move leads").click(force=True)
        page.get_by_role("combobox", name="Status after: Not interested").click()
        page.get_by_role("option", name="Lost").click()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        page.goto(f"{url}/leads/{lead_id}")
        with unit_of_work(acme.scope):
            enqueue_job("default", "move_lead_by_call", a_refusal(lead_id, call_id))
        installation.run_jobs("default")
        moved = page.locator("[data-kind=status]")
        expect(moved).to_contain_text(re.compile("New.*Lost.*after a call"))
        expect(moved.get_by_role("link", name="after a call")).to_have_attribute("href", f"/calls/{call_id}")

        page.get_by_label("Write a note").fill("The plan")
        page.get_by_role("button", name="Add note").click()
        note = page.locator("[data-kind=note]")
        with page.expect_file_chooser() as chooser:
            note.get_by_role("button", name="Attach a file").click()
        chooser.value.set_files({"name": "plan.png", "mimeType": "image/png", "buffer": PNG})
        picture = note.get_by_role("img", name="plan.png")
        expect(picture).to_be_visible()
        assert picture.evaluate("picture => picture.naturalWidth") == 1
        with page.expect_download() as download:
            note.get_by_role("link", name="plan.png").click()
        assert download.value.path().read_bytes() == PNG
        note.get_by_role("button", name="Remove plan.png").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove file").click()
        expect(picture).to_have_count(0)


def test_leads_are_exported_as_they_are_filtered(
    chromium: Browser, url: str, acme: World, installation: Installation
) -> None:
    with unit_of_work(acme.scope) as session:
        session.query(Lead).filter(Lead.phone == acme.phones[0]).update({"name": "Dana"})
    with visiting(chromium, url, acme.email, "/leads?q=Dana") as page:
        page.get_by_role("button", name="Export").click()
        dialog = page.get_by_role("dialog", name="Export leads")
        expect(dialog.get_by_text("match your filters")).to_be_visible()
        dialog.get_by_label("CSV").check()
        dialog.get_by_role("button", name="Make a file").click()
        expect(dialog.get_by_text("Waiting")).to_be_visible()
        installation.run_jobs("maintenance")
        expect(dialog.get_by_text("Ready")).to_be_visible()
        with page.expect_download() as download:
            dialog.get_by_role("link", name="Download").click()
        rows = download.value.path().read_text("utf-8-sig").splitlines()
        assert [row.split(",")[:2] for row in rows] == [["phone", "name"], [acme.phones[0], "Dana"]]
