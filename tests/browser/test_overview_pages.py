"""The overview, the jobs and the system admin's pages, as those who work with them meet them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import text, update

from browser.dashboard import visiting
from jobs.handlers import leave_mark
from support.call_book import had_call
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.core.runs import service as runs
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import CallState
from trunkline.domain.leads import bulk
from trunkline.domain.leads.schemas import BulkUpdateIn, LeadChanges, LeadFilter
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.models import OutboundItem
from trunkline.domain.people import service as people
from trunkline.kit import clock
from trunkline.providers.ports import CallStatus

ADMIN = "admin@trunkline.example"


@pytest.fixture
def admin(installation: Installation) -> str:
    """A system admin."""
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email=ADMIN, name="A", password=PASSWORD, role=None, actor="test"
        )
    return ADMIN


def kill_job(installation: Installation, world: World) -> None:
    """Put a job of the business into the dead letter."""
    with unit_of_work(world.scope):
        job_id = enqueue_job("default", leave_mark, "dead")
    assert installation.database.relay is not None
    with installation.database.relay.begin() as relay:
        relay.execute(
            text(
                "update jobs set state = 'failed', attempt = 3, started_at = now(), finished_at = now(),"
                " error = 'RuntimeError: the printer is on fire' where id = :id"
            ),
            {"id": job_id},
        )


def test_the_overview_follows_a_run_and_a_call_to_their_ends(
    chromium: Browser, url: str, acme: World, umbrella: World
) -> None:
    had_call(umbrella, clock.now(), talked_s=5, disposition="booked")
    with visiting(chromium, url, acme.email, "/overview") as page:
        expect(page.get_by_role("heading", name="No calls yet")).to_be_visible()
        # A run begins: its bar comes by itself, with counts that add up.
        run = acme.make_run()
        with unit_of_work(acme.scope) as session:
            outbound.start_run(session, acme.business_id, run.id, actor="test")
        shown = page.locator(f"[data-run='{run.id}']")
        expect(shown).to_contain_text("0 of 3 finished")
        with unit_of_work(acme.scope) as session:
            session.execute(
                update(OutboundItem)
                .where(OutboundItem.run_id == run.id, OutboundItem.position < 3)
                .values(state="completed", disposition="booked")
            )
        expect(shown).to_contain_text("2 of 3 finished")
        expect(shown.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "2")
        # A call is on the line, and its time goes on.
        call_id = had_call(acme, clock.now(), talked_s=1, disposition=None, state=CallState.LIVE)
        with unit_of_work(acme.scope) as session:
            session.execute(
                update(OutboundItem).where(OutboundItem.run_id == run.id).values(state="completed")
            )
            assert runs.complete(session, runs.get(session, acme.business_id, run.id), actor="test")
        expect(shown).to_have_count(0)
        expect(page.locator("[data-part=live]")).to_contain_text("Talking")
        with unit_of_work(acme.scope) as session:
            call = calls.lock_call(session, acme.business_id, call_id)
            call.disposition = "booked"
            calls.note_status(session, call, CallStatus.COMPLETED)
        expect(page.get_by_text("Nobody is on the line.")).to_be_visible()
        expect(page.locator("[data-part=outcomes]")).to_contain_text("Appointment booked")
        expect(page.get_by_role("group", name="Calls")).to_contain_text("1 out, 0 in")
        expect(page.get_by_role("img", name=re.compile(r"^1 call today"))).to_be_visible()


def test_a_dead_job_leads_from_the_overview_to_where_it_is_sent_back(
    chromium: Browser, url: str, acme: World, installation: Installation
) -> None:
    had_call(acme, clock.now() - timedelta(minutes=1))
    kill_job(installation, acme)
    with unit_of_work(acme.scope) as session:
        wish = BulkUpdateIn(filter=LeadFilter(everybody=True), changes=LeadChanges(source="fair"))
        failed = bulk.begin_update(session, acme.business_id, wish, actor="test")
        runs.fail(session, failed, error="the worker was lost", actor="test")
    with visiting(chromium, url, acme.email, "/overview") as page:
        # A failed change of many leads leads to itself, and goes on from there.
        page.get_by_role("link", name="A bulk change of leads failed").click()
        expect(page.get_by_role("alert")).to_contain_text("the worker was lost")
        page.get_by_role("button", name="Continue from there").click()
        expect(page.get_by_role("progressbar", name="Changing leads")).to_be_visible()
        installation.run_jobs("maintenance")
        page.go_back()
        page.get_by_role("link", name="1 background job has failed").click()
        expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
        page.get_by_role("link", name="leave_mark").click()
        expect(page.get_by_role("region", name="What went wrong")).to_contain_text("the printer is on fire")
        page.get_by_role("button", name="Retry").click()
        expect(page.get_by_text("The job is queued again.")).to_be_visible()
        page.get_by_role("button", name="Cancel", exact=True).click()
        page.get_by_role("button", name="Cancel the job").click()
        expect(page.get_by_text("The job is cancelled.")).to_be_visible()
        page.get_by_role("link", name="All jobs").click()
        expect(page.get_by_text("Nothing is waiting, running or failed.")).to_be_visible()


def test_a_system_admin_founds_a_business_enters_it_and_sees_the_machinery(
    chromium: Browser, url: str, acme: World, admin: str, installation: Installation
) -> None:
    kill_job(installation, acme)
    with visiting(chromium, url, admin, "/system/businesses") as page:
        page.get_by_role("button", name="Create a business").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("textbox", name="Name").fill("Globex")
        dialog.get_by_role("button", name="Create a business").click()
        expect(dialog).to_have_count(0)
        page.get_by_role("button", name="Enter Globex").click()
        expect(page.locator("[data-banner=inside]")).to_contain_text("inside Globex")
        page.get_by_role("link", name="System", exact=True).click()
        expect(page.get_by_text("No worker is running: background work is not being done.")).to_be_visible()
        who = page.get_by_role("region", name="Waiting by business").first
        expect(who).to_contain_text("Acme")
        page.get_by_role("link", name="Never called").click()
        page.get_by_role("textbox", name="Number").fill("+12125550177")
        page.get_by_role("textbox", name="Reason").fill("Asked by letter")
        page.get_by_role("button", name="Add a number").click()
        expect(page.get_by_role("table")).to_contain_text("+12125550177")
        page.get_by_role("button", name="Remove +12125550177 from the list").click()
        page.get_by_role("button", name="Remove", exact=True).click()
        expect(page.get_by_text("No numbers are blocked for everyone")).to_be_visible()
