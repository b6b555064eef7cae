"""Jobs as a business's people and system admins meet them: narrowed, stopped, sent back; RQ's own pages."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from browser.dashboard import visiting
from jobs.handlers import fail_until, leave_mark
from support.installation import Installation
from support.processes import eventually
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.domain.people import service as people
from trunkline.kit import clock

ADMIN = "admin@trunkline.example"
_IS_READY = "() => { try { return typeof baseurl === 'string' } catch { return false } }"
"""Whether the script of RQ's dashboard has run as far as the name that all of it uses."""
TRACE = """Traceback (most recent call last):
  File "jobs.py", line 41, in finalize_call_log
    <b>raise</b> RuntimeError(said)
RuntimeError: the printer is on fire
"""


def settle(installation: Installation, job_id: UUID, **columns: Any) -> None:
    """Give a row what a worker would have given it."""
    assert installation.database.relay is not None
    values = ", ".join(f"{name} = :{name}" for name in columns)
    with installation.database.relay.begin() as relay:
        relay.execute(text(f"update jobs set {values} where id = :id"), {**columns, "id": job_id})


@pytest.fixture
def made(installation: Installation, acme: World) -> dict[str, UUID]:
    """A business with jobs that stand in every way."""
    now = clock.now()
    with unit_of_work(acme.scope):
        jobs = {
            "queued": enqueue_job("high", leave_mark, "<i>one</i>"),
            "later": enqueue_job("default", leave_mark, "two", run_in=5400),
            "running": enqueue_job("maintenance", fail_until, 2),
            "dead": enqueue_job("default", leave_mark, "three"),
            "dead too": enqueue_job("recordings", leave_mark, "four"),
        }
    settle(
        installation, jobs["running"], state="running", attempt=1, started_at=now - timedelta(minutes=12),
        progress_done=1250, progress_total=20000, lease_owner="worker-1",
        lease_expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    for dead in ("dead", "dead too"):
        settle(
            installation, jobs[dead], state="failed", attempt=3, error=TRACE,
            run_at=now - timedelta(hours=2), started_at=now, finished_at=now,
        )  # fmt: skip
    return jobs


def listed(page: Page) -> Any:
    return page.get_by_role("region", name="Jobs, newest first").locator("tbody tr")


def test_jobs_are_narrowed_followed_stopped_and_sent_back_together(
    chromium: Browser, url: str, acme: World, made: dict[str, UUID], installation: Installation
) -> None:
    with visiting(chromium, url, acme.email, "/jobs", refusals={409}) as page:
        expect(listed(page)).to_have_count(5)
        running = page.locator(f"tr[data-key='{made['running']}']")
        expect(running).to_contain_text("1,250 of 20,000")
        # A number narrows the list to what it counts, and the name of a job narrows it further.
        page.get_by_role("button", name="1 Failed in recordings").click()
        expect(listed(page)).to_have_count(1)
        expect(listed(page)).to_contain_text("RuntimeError: the printer is on fire")
        page.get_by_role("button", name="Show all").click()
        expect(listed(page)).to_have_count(5)
        page.get_by_role("textbox", name="Job").fill("nothing_is_called_so")
        page.keyboard.press("Enter")
        expect(page.get_by_text("No job matches these filters")).to_be_visible()
        expect(page.get_by_role("textbox", name="Job")).to_be_focused()

        # One that died is sent back and followed to its end.
        page.goto(f"{url}/jobs/{made['dead']}")
        expect(page.get_by_label("What went wrong").last).to_have_text(TRACE)
        page.get_by_role("button", name="Retry").click()
        expect(page.get_by_text("Waiting", exact=True)).to_be_visible()
        installation.run_jobs("default")
        expect(page.get_by_text("Succeeded", exact=True)).to_be_visible()

        # One that runs is told to stop, and what that means is said first.
        page.goto(f"{url}/jobs/{made['running']}")
        page.get_by_role("button", name="Stop", exact=True).click()
        box = page.get_by_role("dialog")
        expect(box).to_contain_text("What it has written stays.")
        expect(box.get_by_role("checkbox")).not_to_be_checked()
        box.get_by_role("button", name="Stop the job").click()
        expect(page.get_by_text("Asked to stop").first).to_be_visible()

        # What is over meanwhile cannot be cancelled, and that is said.
        page.goto(f"{url}/jobs/{made['queued']}")
        page.get_by_role("button", name="Cancel", exact=True).click()
        settle(installation, made["queued"], state="succeeded")
        with page.expect_response(re.compile("/cancel$")) as refused:
            page.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
        assert refused.value.status == 409
        expect(page.get_by_role("alert")).to_be_visible()

        page.goto(f"{url}/jobs?queue=recordings")
        expect(listed(page)).to_have_count(1)
        page.get_by_role("button", name="Retry failed jobs").click()
        expect(page.get_by_role("dialog")).to_contain_text("recordings")
        page.get_by_role("dialog").get_by_role("button", name="Retry them").click()
        expect(page.get_by_text("1 job is queued again.")).to_be_visible()
        expect(listed(page)).to_contain_text("Waiting")


def test_who_may_not_see_jobs_is_not_led_to_them(chromium: Browser, url: str, acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="x@acme.example", name="X", password=PASSWORD,
            role=Role.AGENT, actor="test",
        )  # fmt: skip
    with visiting(chromium, url, "x@acme.example", "/jobs") as page:
        expect(page.get_by_role("heading", name="This page is not for you")).to_be_visible()
        expect(page.get_by_role("link", name="Runs", exact=True)).to_be_visible()
        expect(page.get_by_role("link", name="Jobs", exact=True)).to_have_count(0)
    with visiting(chromium, url, acme.email, "/system") as page:
        expect(page.get_by_role("heading", name="This page is not for you")).to_be_visible()
        expect(page.get_by_role("link", name="Businesses")).to_have_count(0)


def test_rq_s_dashboard_is_for_system_admins_and_works_under_its_policy(
    chromium: Browser, url: str, acme: World
) -> None:
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email=ADMIN, name="A", password=PASSWORD, role=None, actor="test"
        )
    with unit_of_work(acme.scope):
        enqueue_job("default", leave_mark, "one")
    with visiting(chromium, url, acme.email, "/jobs") as owner:
        assert owner.request.get(f"{url}/admin/rq/").status == 403
    # What its policy stops is tried here: so what the page tells is collected by hand.
    with visiting(chromium, url, ADMIN, "/system") as admin:
        session = admin.context.storage_state()
    context = chromium.new_context(storage_state=session)
    page, told = context.new_page(), []
    page.on("console", lambda message: "Security Policy" in message.text and told.append(message.text))
    # On a busy machine Redis may not answer within the 40 ms that it is given; then it is to be asked again.
    eventually(lambda: (answer := page.goto(f"{url}/admin/rq/")) and answer.ok, "Redis answers in time")
    page.wait_for_url(f"{url}/admin/rq/queues")
    expect(page.get_by_role("link", name="Workers")).to_be_visible()
    # Its script begins by naming this; a page that refreshes itself may be between two documents.
    eventually(lambda: page.evaluate(_IS_READY), "the script of the page has run")
    with page.expect_response("**/admin/rq/queues/json") as asked:  # its own refresh
        page.evaluate("updateQueuesData()")
    assert asked.value.status == 200
    page.get_by_role("link", name="Workers").click()
    page.wait_for_url(f"{url}/admin/rq/workers")
    assert told == []
    # What a script that somebody put into Redis would try: to speak to our API, or to open our page.
    assert page.evaluate("fetch('/api/me').then(() => 'answered', () => 'stopped')") == "stopped"
    assert page.evaluate("window.open('/') === null")
    assert "/api/me" in told[0]
    context.close()
