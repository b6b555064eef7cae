"""Search and reports in the dashboard: a word that was said opens its call there, and figures lead on."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select, update

from browser.dashboard import visiting
from support.call_book import had_call
from support.installation import Installation
from support.recorded import leave_recording
from support.world import World
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.leads.models import Lead
from trunkline.domain.recordings import service as recordings
from trunkline.kit import clock

SAID = (
    "Hello, this is Rivka from the clinic.", "My shoulder hurts.", "Is Wednesday afternoon good for you?",
    "Yes, on Wednesday.",
)  # fmt: skip


@pytest.fixture
def call_id(acme: World, installation: Installation) -> UUID:
    """A recorded call with Dana Cohen, whose words are learnt."""
    began = clock.now() - timedelta(minutes=10)
    made = had_call(acme, began, talked_s=40, disposition="declined")
    with unit_of_work(acme.scope) as session:
        lead = session.scalars(select(Lead).order_by(Lead.phone)).first()
        assert lead is not None
        lead.name = "Dana Cohen"
        session.execute(update(Call).where(Call.id == made).values(lead_id=lead.id))
        said = [
            {
                "sequence": turn, "kind": "agent_said" if turn % 2 else "caller_said",
                "at": (began + timedelta(seconds=5 + 8 * turn)).isoformat(),
                "data": {"turn": turn, "text": words, "heard_text": words},
            }
            for turn, words in enumerate(SAID, 1)
        ]  # fmt: skip
        calls.record_events(session, acme.business_id, made, said)
    leave_recording(acme.business_id, made, seconds=40, began_at=began + timedelta(seconds=5))
    with unit_of_work(acme.scope) as session:
        recordings.note_begun(session, acme.business_id, made, 1)
        enqueue_job("recordings", "keep_recording", str(made), 1)
    with unit_of_work(SYSTEM):
        enqueue_job("maintenance", "tend_search")
    installation.run_jobs("maintenance", "recordings")
    return made


def test_a_word_that_was_said_opens_its_call_at_that_second_and_reports_lead_on(
    chromium: Browser, url: str, acme: World, call_id: UUID
) -> None:
    with visiting(chromium, url, acme.email, "/overview") as page:
        page.get_by_role("heading", level=1).wait_for()
        page.keyboard.press("Control+k")
        box = page.get_by_role("searchbox").or_(
            page.get_by_placeholder("A page, a command, a name or a number")
        )
        # One letter amiss; marked is what was meant.
        box.fill("wendesday")
        hit = page.get_by_role("button", name=re.compile("Is Wednesday afternoon good"))
        expect(hit.locator("mark")).to_have_text("Wednesday")
        expect(page.get_by_text(re.compile("Nothing is called “wendesday”"))).to_be_visible()
        # The newest is first and marked; the arrow goes from it to the one before.
        expect(page.get_by_role("button", name=re.compile("Yes, on Wednesday"))).to_have_attribute(
            "data-selected", "true"
        )
        box.press("ArrowDown")
        box.press("Enter")
        expect(page).to_have_url(re.compile(rf"/calls/{call_id}\?line=3$"))
        expect(page.locator("li[data-sounding]")).to_contain_text("Is Wednesday afternoon good")
        page.wait_for_function("() => document.querySelector('audio')?.currentTime > 5")
        # Everything that was found, and more of one kind.
        page.keyboard.press("Control+k")
        box.fill("cohen")
        page.get_by_role("button", name=re.compile("Everything found")).click()
        expect(page).to_have_url(re.compile(r"/search\?q=cohen$"))
        expect(page.get_by_role("link", name=re.compile("Dana Cohen")).first).to_be_visible()
        page.get_by_role("group", name="What to look for").get_by_text("Leads", exact=True).click()
        expect(page.locator("main mark")).to_have_text(["Cohen"])
        page.get_by_role("searchbox", name="Search").fill("zzzqq")
        expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
        # Reports: one call out, by its agent, and then that agent's days alone.
        page.goto(f"{url}/reports")
        expect(page.get_by_role("group", name="Calls", exact=True)).to_contain_text("1 out, 0 in")
        page.get_by_role("radiogroup", name="A line for each").get_by_text("Agent", exact=True).click()
        page.get_by_role("button", name="Agent", exact=True).click()
        expect(page).to_have_url(re.compile(rf"agent={acme.agent_id}"))
        expect(page.locator("main tbody tr")).to_have_count(30)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download as CSV").click()
        assert Path(download.value.path()).read_text("utf-8-sig").splitlines()[-1].startswith("total,1,0,1,")
