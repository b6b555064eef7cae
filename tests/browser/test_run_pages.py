"""Runs in the dashboard: made with all that they can be told, driven, and why they wait. Nobody dials."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from playwright.sync_api import Browser, Page, expect
from sqlalchemy import func, select, update

from browser.dashboard import visiting
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.events import announce
from trunkline.core.runs.models import Run
from trunkline.domain.outbound.models import (
    AttemptState,
    ItemState,
    OutboundAttempt,
    OutboundItem,
    OutboundRun,
)
from trunkline.kit import clock
from trunkline.kit.ids import new_id


def run_of(world: World) -> Run:
    """Return the newest run."""
    with unit_of_work(world.scope) as session:
        return session.scalars(select(Run).order_by(Run.created_at.desc())).all()[0]


def set_items(world: World, run_id: UUID, states: list[ItemState], **values: Any) -> None:
    """Give the run's items these states, in their order."""
    with unit_of_work(world.scope) as session:
        for position, state in enumerate(states, 1):
            session.execute(
                update(OutboundItem)
                .where(OutboundItem.run_id == run_id, OutboundItem.position == position)
                .values(state=state, **values)
            )


def set_run(world: World, run_id: UUID, **values: Any) -> None:
    with unit_of_work(world.scope) as session:
        session.execute(update(Run).where(Run.id == run_id).values(**values))


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_run_is_made_with_everything_that_it_can_be_told(chromium: Browser, url: str, acme: World) -> None:
    with visiting(chromium, url, acme.email, "/runs/new") as page:
        page.get_by_label("Name of the run").fill("Reminders")
        page.get_by_label("Calls at the same time").fill("2")
        page.get_by_role("button", name="Pace and priority").click()
        page.get_by_role("textbox", name="Priority").fill("7")
        page.get_by_label("Lines added each minute").fill("4")
        page.get_by_role("button", name="Calling again").click()
        page.get_by_label("Wait before calling again (minutes)").fill("15")
        page.get_by_label("Busy: how often to call again").fill("3")
        page.get_by_label("Busy: after how many minutes").fill("10")
        # A rule raises how often a person is dialled at most.
        expect(page.get_by_label("Maximum dials per person")).to_have_value("4")
        page.get_by_role("button", name="Create run").click()
        expect(page.get_by_role("heading", name="Reminders", level=1)).to_be_visible()
        run = run_of(acme)
        assert run.state == "pending"
        said = {
            "concurrency": 2, "priority": 7, "ramp_up_per_minute": 4, "max_attempts": 4, "retry_delay_s": 900,
            "retries": {"busy": {"times": 3, "delay_s": 600}},
        }  # fmt: skip
        assert {name: run.options[name] for name in said} == said

        # One over somebody who was looked up, that begins by itself.
        page.goto(f"{url}/runs/new")
        page.get_by_label("People you choose").check()
        page.get_by_role("searchbox").last.fill(acme.phones[1])
        page.get_by_role("checkbox", name=acme.phones[1]).check()
        page.get_by_label("Name of the run").fill("One of them")
        page.get_by_label("Automatically, later").check()
        day = clock.now().replace(hour=9, minute=30, second=0, microsecond=0) + timedelta(days=30)
        page.locator("input[type=datetime-local]").fill(f"{day:%Y-%m-%dT%H:%M}")
        # What comes in beside the form pushes the button down.
        expect(page.get_by_text("May be called now: 1")).to_be_visible()
        page.get_by_role("button", name="Create run").click()
        expect(page.locator("[data-waits]")).to_be_visible()
        run = run_of(acme)
        with unit_of_work(acme.scope) as session:
            items = session.scalars(select(OutboundItem).where(OutboundItem.run_id == run.id))
            assert [item.phone for item in items] == [acme.phones[1]]
            starts_at = session.scalars(
                select(OutboundRun.starts_at).where(OutboundRun.run_id == run.id)
            ).one()
        assert (run.state, starts_at) == ("pending", day)


def test_a_refused_start_leads_to_the_active_run_and_up_to_three_are_called_at_once(
    chromium: Browser, url: str, acme: World
) -> None:
    first = acme.make_run()
    with visiting(chromium, url, acme.email, "/runs", refusals={409, 422}) as page:
        page.get_by_role("button", name="Start: A run").click()
        expect(page.get_by_role("progressbar")).to_be_visible()
        second = acme.make_run()
        page.goto(f"{url}/runs/{second.id}")
        page.get_by_role("button", name="Start: A run").click()
        refusal = page.get_by_role("alert").filter(has=page.get_by_role("link"))
        expect(refusal.get_by_role("link")).to_have_attribute("href", f"/runs/{first.id}")
        # So does one that was made only now.
        page.goto(f"{url}/runs/new")
        page.get_by_label("Name of the run").fill("Another")
        page.get_by_label("Now", exact=True).check()
        page.get_by_role("button", name="Create run and start calling").click()
        expect(page.get_by_role("heading", name="Another", level=1)).to_be_visible()
        expect(refusal.get_by_role("link")).to_have_attribute("href", f"/runs/{first.id}")
        refusal.get_by_role("link").click()
        expect(page.get_by_role("progressbar", name="Progress of A run")).to_be_visible()
        # Whatever becomes of its start, a run is made once: its page says what went wrong.
        page.goto(f"{url}/runs/new")
        page.get_by_label("Name of the run").fill("Too late")
        page.get_by_label("Automatically, later").check()
        page.locator("input[type=datetime-local]").fill("2020-01-01T09:30")
        page.get_by_role("button", name="Create run").click()
        expect(page.get_by_role("heading", name="Too late", level=1)).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("in the future")
        set_run(acme, first.id, state="completed", finished_at=clock.now())

        page.goto(f"{url}/runs")
        page.get_by_role("button", name="Call now").click()
        box = page.get_by_role("dialog")
        expect(box.get_by_role("button", name="Call 0 people")).to_be_disabled()
        for phone in acme.phones[:2]:
            box.get_by_role("checkbox", name=phone).check()
        box.get_by_role("button", name="Call 2 people").click()
        rows = page.get_by_role("table", name="People").locator("tbody tr")
        expect(rows).to_have_count(2)
        assert page.url.endswith(str(run_of(acme).id))
        assert run_of(acme).state == "running"


def test_a_run_says_why_it_waits_and_whom_nobody_knows_of_is_released(
    chromium: Browser, url: str, acme: World
) -> None:
    run = acme.make_run()
    soon = clock.now() + timedelta(hours=2)
    set_items(acme, run.id, [ItemState.RETRY_WAIT], not_before=soon, waits_for="calling_hours")
    set_items(acme, run.id, [ItemState.RETRY_WAIT, ItemState.UNKNOWN, ItemState.FAILED])
    with unit_of_work(acme.scope) as session:
        doubtful = session.scalars(
            select(OutboundItem).where(OutboundItem.run_id == run.id, OutboundItem.position == 2)
        ).one()
        session.add(
            OutboundAttempt(
                business_id=acme.business_id, run_id=run.id, item_id=doubtful.id, phone=doubtful.phone,
                from_number=acme.number, state=AttemptState.UNKNOWN, job_id=new_id(), lease_epoch=1,
                created_at=clock.now() - timedelta(days=1),
            )
        )  # fmt: skip
        more = [
            OutboundItem(business_id=acme.business_id, run_id=run.id, phone=f"+1999{n}", position=n)
            for n in range(4, 61)
        ]
        session.add_all(more)
    set_run(acme, run.id, state="running", started_at=clock.now())
    with visiting(chromium, url, acme.email, f"/runs/{run.id}") as page:
        rows = page.get_by_role("table", name="People").locator("tbody tr")
        expect(page.locator("[data-waits]")).to_contain_text("due")
        with unit_of_work(acme.scope) as session:
            held = {"held_until": soon, "held_reason": "too_many_failures"}
            session.execute(update(OutboundRun).where(OutboundRun.run_id == run.id).values(**held))
        page.reload()
        expect(page.locator("[data-waits]")).to_contain_text("too many of its dials failed")
        expect(rows.first).to_contain_text("calling hours")
        # Many people are read in pages.
        expect(rows).to_have_count(50)
        page.get_by_role("button", name="Show more", exact=True).click()
        expect(rows).to_have_count(60)
        choose(page, "Show people who are", "Not reached")
        expect(rows).to_have_count(1)
        with page.expect_download() as download:
            page.get_by_role("link", name="Results (CSV)").click()
        saved = Path(download.value.path()).read_text("utf-8-sig")
        assert [acme.phones[2] in saved, acme.phones[1] in saved] == [True, False]
        doubts = page.locator("[data-doubts]")
        doubts.get_by_role("button", name=f"Release {acme.phones[1]}").click()
        page.get_by_role("dialog").get_by_role("button", name="Release the number").click()
        expect(doubts).to_have_count(0)
        # What the release had asked for again is answered before the next thing happens.
        page.reload()
        expect(rows).to_have_count(1)
        page.wait_for_timeout(1_000)
        with unit_of_work(acme.scope) as session:
            dial = session.scalars(select(OutboundAttempt)).one()
            assert dial.released is True
            # What becomes doubtful while one looks stands there by itself.
            dial.released = False
            announce(
                "item.settled", subject_id=doubtful.id, actor="dialler", run_id=str(run.id), state="unknown"
            )
        expect(doubts).to_be_visible()


def test_a_run_is_changed_and_followed_without_the_stream_and_its_failed_are_called_again(
    chromium: Browser, url: str, acme: World
) -> None:
    run = acme.make_run()
    with visiting(chromium, url, acme.email, f"/runs/{run.id}", refusals={429}) as page:
        # The stream breaks and stays so: the page asks the feed instead.
        expect(page.get_by_role("banner")).to_contain_text("Acme")
        page.route("**/api/events/stream*", lambda route: route.fulfill(status=429, json={}))
        page.reload()
        page.get_by_role("button", name="Start: A run").click()
        bar = page.get_by_role("progressbar", name="Progress of A run")
        expect(bar).to_have_attribute("aria-valuetext", "0 of 3 finished, 0%")
        set_items(acme, run.id, [ItemState.COMPLETED, ItemState.FAILED, ItemState.QUEUED])
        expect(bar).to_have_attribute("aria-valuetext", "2 of 3 finished, 66%")
        page.unroute("**/api/events/stream*")

        page.get_by_role("button", name="More for A run").click()
        page.get_by_role("menuitem", name=re.compile("Change")).click()
        form = page.get_by_role("dialog")
        form.get_by_role("textbox", name="Priority").fill("-5")
        form.get_by_label("Calls at the same time").fill("9")
        form.get_by_role("button", name="Change", exact=True).click()
        expect(form).to_have_count(0)
        options = run_of(acme).options
        assert (options["priority"], options["concurrency"]) == (-5, 9)

        page.get_by_role("button", name="Pause: A run").click()
        expect(page.locator("[data-state=paused]").first).to_be_visible()
        page.get_by_role("button", name="Resume: A run").click()
        expect(page.get_by_role("button", name="Pause: A run")).to_be_visible()
        # Those who may not be called are not offered to be called again.
        again = page.get_by_role("button", name=re.compile("Call again those not reached"))
        set_items(acme, run.id, [ItemState.FAILED] * 3, disposition="suppressed")
        set_run(acme, run.id, state="completed", finished_at=clock.now())
        page.reload()
        expect(page.locator("[data-state=completed]").first).to_be_visible()
        expect(again).to_have_count(0)
        set_items(acme, run.id, [ItemState.FAILED], disposition="busy")
        page.reload()
        again.click()
        page.wait_for_url(lambda address: not address.endswith(str(run.id)))
        another = run_of(acme)
        assert (another.id != run.id, another.state) == (True, "running")
        with unit_of_work(acme.scope) as session:
            count = select(func.count()).where(OutboundItem.run_id == another.id)
            assert session.scalar(count) == 1
