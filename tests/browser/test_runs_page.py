"""The pages of runs, as an owner meets them: making one, watching it live, driving it, calling at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select, update

from browser.conftest import serving
from browser.test_first_page import _has_words, _pattern, _strings, _texts
from browser.test_jobs_page import visit
from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
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

_NOBODY = {
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "a token", "TWILIO_BASE_URL": "http://127.0.0.1:9",
}  # fmt: skip
"""A carrier where nobody answers."""


@pytest.fixture(scope="module")
def url(servers: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real API, with a carrier where nobody answers; no worker dials, so rows stay as tests set them."""
    with serving(servers, tmp_path_factory.mktemp("api"), **_NOBODY) as address:
        yield address


@pytest.fixture
def owner(chromium: Browser, url: str, acme: World) -> Iterator[Page]:
    """Acme's owner on the page of runs."""
    with visit(chromium, url, acme.email, "runs") as page:
        expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
        yield page


def run_of(world: World) -> tuple[UUID, dict[str, Any], str]:
    """Return the newest run: its id, its options and its state."""
    with unit_of_work(world.scope) as session:
        run = session.scalars(select(Run).order_by(Run.created_at.desc())).first()
        assert run is not None
        return run.id, run.options, run.state


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


def open_form(page: Page) -> Any:
    page.get_by_role("button", name="New run").click()
    form = page.get_by_role("dialog")
    expect(form).to_be_visible()
    return form


def test_a_run_is_made_with_everything_that_it_can_be_told(owner: Page, acme: World) -> None:
    form = open_form(owner)
    form.get_by_label("Title").fill("Reminders")
    form.get_by_label("Calls at the same time").fill("2")
    form.get_by_text("Retries, priority and more numbers").click()
    form.get_by_label("Priority").fill("7")
    form.get_by_label("Lines that come into use each minute").fill("4")
    form.get_by_label("Dials for each lead at most").fill("5")
    form.get_by_label("Minutes before a lead is dialled again").fill("15")
    form.get_by_label("Busy: how often again").fill("3")
    form.get_by_label("Busy: after how many minutes").fill("10")
    form.get_by_role("button", name="Make the run").click()
    expect(owner.get_by_role("status").filter(has_text="It calls nobody until")).to_be_visible()
    _, options, state = run_of(acme)
    assert state == "pending"
    said = {
        "concurrency": 2, "priority": 7, "ramp_up_per_minute": 4, "max_attempts": 5, "retry_delay_s": 900,
        "retries": {"busy": {"times": 3, "delay_s": 600}},
    }  # fmt: skip
    assert {name: options[name] for name in said} == said


def test_a_run_over_chosen_people_begins_by_itself(owner: Page, acme: World) -> None:
    form = open_form(owner)
    form.get_by_label("Whom to call").select_option("chosen")
    form.get_by_label("Search by name or number").fill(acme.phones[1])
    form.get_by_role("checkbox").locator("visible=true").first.check()
    form.get_by_label("Title").fill("One of them")
    form.get_by_label("Begin").select_option("later")
    day = clock.now().replace(hour=9, minute=30, second=0, microsecond=0) + timedelta(days=30)
    form.get_by_label("When", exact=True).fill(f"{day:%Y-%m-%dT%H:%M}")
    form.get_by_role("button", name="Make the run").click()
    expect(owner.locator(".waits")).to_contain_text("Starts by itself")
    run_id, _, state = run_of(acme)
    with unit_of_work(acme.scope) as session:
        assert [item.phone for item in session.scalars(select(OutboundItem))] == [acme.phones[1]]
        starts_at = session.scalars(select(OutboundRun.starts_at).where(OutboundRun.run_id == run_id)).one()
    assert (state, starts_at) == ("pending", day)


def test_the_bar_follows_the_items_and_goes_with_the_run(owner: Page, acme: World) -> None:
    run = acme.make_run()
    owner.reload()
    owner.get_by_role("button", name="Start: A run").click()
    bar = owner.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuetext", "0 of 3 settled, 0%")
    polls: list[str] = []
    owner.on("request", lambda request: polls.append(request.url) if "/api/events?" in request.url else None)
    set_items(acme, run.id, [ItemState.COMPLETED, ItemState.IN_CALL, ItemState.QUEUED])
    expect(bar).to_have_attribute("aria-valuetext", "1 of 3 settled, 33%")
    expect(owner.locator("[data-count=active]")).to_have_text("1")
    set_items(acme, run.id, [ItemState.COMPLETED] * 3)
    expect(bar).to_have_attribute("aria-valuetext", "3 of 3 settled, 100%")
    set_run(acme, run.id, state="completed", finished_at=clock.now())
    expect(bar).to_have_count(0)
    expect(owner.locator(f"#run-{run.id} .badge")).to_have_text("Completed")
    assert polls == [], "the page asked the feed though it has the stream"


def test_with_the_stream_broken_the_page_asks_the_feed(owner: Page, acme: World) -> None:
    owner.route("**/api/events/stream*", lambda route: route.fulfill(status=429, json={}))
    run = acme.make_run()
    owner.reload()
    owner.get_by_role("button", name="Start: A run").click()
    set_items(acme, run.id, [ItemState.COMPLETED, ItemState.FAILED, ItemState.QUEUED])
    bar = owner.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuetext", "2 of 3 settled, 66%")


def test_a_refused_start_from_the_form_leads_to_the_active_run(owner: Page, acme: World) -> None:
    first = acme.make_run()
    owner.reload()
    owner.get_by_role("button", name="Start: A run").click()
    expect(owner.get_by_role("progressbar")).to_be_visible()
    form = open_form(owner)
    form.get_by_label("Title").fill("Another")
    form.get_by_label("Begin").select_option("now")
    form.get_by_role("button", name="Make the run").click()
    alert = owner.get_by_role("alert")
    expect(alert).to_contain_text("This list is being worked on already.")
    expect(alert.get_by_role("link", name="A run")).to_have_attribute("href", f"#/runs/{first.id}")


def test_a_run_s_page_says_why_it_waits_filters_turns_pages_and_releases(owner: Page, acme: World) -> None:
    run = acme.make_run()
    soon = clock.now() + timedelta(hours=2)
    with unit_of_work(acme.scope) as session:
        items = list(session.scalars(select(OutboundItem).order_by(OutboundItem.position)))
        items[0].state, items[0].not_before, items[0].waits_for = "retry_wait", soon, "calling_hours"
        items[1].state = "unknown"
        session.add(
            OutboundAttempt(
                business_id=acme.business_id, run_id=run.id, item_id=items[1].id, phone=items[1].phone,
                from_number=acme.number, state=AttemptState.UNKNOWN, job_id=new_id(), lease_epoch=1,
                created_at=clock.now() - timedelta(days=1),
            )
        )  # fmt: skip
        items[2].state = "failed"
    set_run(acme, run.id, state="running", started_at=clock.now())
    owner.goto(re.sub("#.*", f"#/runs/{run.id}", owner.url))
    expect(owner.locator(".waits")).to_contain_text("Of those who wait, the first is due")
    with unit_of_work(acme.scope) as session:
        held = {"held_until": soon, "held_reason": "too_many_failures"}
        session.execute(update(OutboundRun).where(OutboundRun.run_id == run.id).values(**held))
    owner.reload()
    expect(owner.locator(".waits")).to_contain_text("too many of its dials failed")
    rows = owner.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("calling hours")
    owner.get_by_label("Show").select_option("failed")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(acme.phones[2])
    link = owner.get_by_role("link", name="Download results")
    expect(link).to_have_attribute("href", f"/api/runs/{run.id}/results.csv?language=en&state=failed")
    with owner.expect_download() as download:
        link.click()
    assert acme.phones[2] in Path(download.value.path()).read_text()
    owner.get_by_label("Show").select_option("unknown")
    owner.get_by_role("button", name=re.compile("dialled again")).click()
    expect(owner.get_by_role("status").filter(has_text="may be dialled again")).to_be_visible()
    with unit_of_work(acme.scope) as session:
        assert session.scalars(select(OutboundAttempt.released)).one() is True


def test_a_run_of_many_leads_is_read_in_pages(owner: Page, acme: World) -> None:
    run = acme.make_run()
    with unit_of_work(acme.scope) as session:
        session.add_all(
            OutboundItem(business_id=acme.business_id, run_id=run.id, phone=f"+1999{n}", position=n)
            for n in range(4, 121)
        )
    owner.goto(re.sub("#.*", f"#/runs/{run.id}", owner.url))
    rows = owner.locator("tbody tr")
    expect(rows).to_have_count(50)
    owner.get_by_role("button", name="Later").click()
    expect(rows.first).to_contain_text("+199951")
    owner.get_by_role("button", name="Later").click()
    expect(rows).to_have_count(20)
    expect(owner.get_by_role("button", name="Later")).to_be_disabled()
    owner.get_by_role("button", name="Earlier").click()
    expect(rows.first).to_contain_text("+199951")


def test_priority_and_lines_are_changed_and_the_failed_called_again(owner: Page, acme: World) -> None:
    run = acme.make_run()
    set_run(acme, run.id, state="running", started_at=clock.now())
    owner.reload()
    owner.get_by_role("button", name="Change: A run").click()
    form = owner.get_by_role("dialog")
    form.get_by_label("Priority").fill("-5")
    form.get_by_label("Calls at the same time").fill("9")
    form.get_by_role("button", name="Change", exact=True).click()
    expect(owner.get_by_role("status").filter(has_text="next dial on")).to_be_visible()
    _, options, _ = run_of(acme)
    assert (options["priority"], options["concurrency"]) == (-5, 9)
    set_items(acme, run.id, [ItemState.COMPLETED, ItemState.FAILED, ItemState.FAILED], disposition="busy")
    set_run(acme, run.id, state="completed", finished_at=clock.now())
    owner.reload()
    owner.get_by_role("button", name="Call the failed again: A run").click()
    expect(owner.get_by_role("status").filter(has_text="calls them again")).to_be_visible()
    again, _, state = run_of(acme)
    assert (again != run.id, state) == (True, "running")


def test_what_a_card_says_of_the_last_act_goes_when_the_run_has_gone_on(owner: Page, acme: World) -> None:
    run = acme.make_run()
    owner.reload()
    owner.get_by_role("button", name="Start: A run").click()
    expect(owner.locator(".notice")).to_be_visible()
    owner.get_by_role("button", name="Pause: A run").click()
    expect(owner.locator(".notice")).to_contain_text("paused")
    set_items(acme, run.id, [ItemState.FAILED] * 3, disposition="suppressed")
    set_run(acme, run.id, state="completed", finished_at=clock.now())
    owner.get_by_role("link", name="Lists", exact=True).click()
    owner.get_by_role("link", name="Runs", exact=True).click()
    expect(owner.locator(f"#run-{run.id} .badge")).to_have_text("Completed")
    expect(owner.locator(".notice")).to_have_count(0)
    # Nor is it offered to call again those who may not be called.
    expect(owner.get_by_role("button", name="Call the failed again: A run")).to_have_count(0)


def test_everybody_is_chosen_by_name_and_a_rule_raises_the_dials(owner: Page, acme: World) -> None:
    form = open_form(owner)
    title = form.get_by_label("Title")
    expect(title).to_have_value("Everybody")
    form.get_by_label("Whom to call").select_option("filter")
    expect(title).to_have_value("")
    title.fill("All of them")
    make = form.get_by_role("button", name="Make the run")
    make.click()  # nothing is searched for, so nobody is meant
    expect(form).to_be_visible()
    form.get_by_label("Whom to call").select_option("chosen")
    make.click()
    expect(form.get_by_role("alert")).to_have_text("Nobody is chosen yet. Tick whom to call.")
    form.get_by_label("Whom to call").select_option("everybody")
    expect(title).to_have_value("All of them")
    form.get_by_text("Retries, priority and more numbers").click()
    form.get_by_label("Busy: how often again").fill("3")
    form.get_by_label("Busy: how often again").blur()
    expect(form.get_by_label("Dials for each lead at most")).to_have_value("4")
    make.click()
    expect(form).to_have_count(0)
    run_id, options, _ = run_of(acme)
    assert (options["max_attempts"], options["retries"]["busy"]["times"]) == (4, 3)
    with unit_of_work(acme.scope) as session:
        assert session.query(OutboundItem).where(OutboundItem.run_id == run_id).count() == len(acme.phones)


def test_up_to_three_people_are_called_at_once(owner: Page, acme: World) -> None:
    owner.get_by_role("link", name="Lists", exact=True).click()
    owner.get_by_role("button", name="Call now").click()
    form = owner.get_by_role("dialog")
    form.get_by_role("button", name="Call", exact=True).click()
    expect(form.get_by_role("alert")).to_have_text("Nobody is chosen yet. Tick whom to call.")
    for phone in acme.phones[:2]:
        form.get_by_role("checkbox", name=phone).check()
    form.get_by_role("button", name="Call", exact=True).click()
    expect(owner.get_by_role("progressbar")).to_be_visible()
    run_id, _, state = run_of(acme)
    assert state == "running"
    assert str(run_id) in owner.url
    expect(owner.locator("tbody tr")).to_have_count(2)


def test_hebrew_leaves_no_english_and_nothing_sticks_out(owner: Page, acme: World) -> None:
    run = acme.make_run()
    set_items(
        acme, run.id, [ItemState.RETRY_WAIT] * 3,
        waits_for="retry", not_before=clock.now() + timedelta(hours=1), disposition="no_consent",
    )  # fmt: skip
    set_run(acme, run.id, state="running", started_at=clock.now())
    english, hebrew = (_strings(owner, language) for language in ("en", "he"))
    owner.get_by_label("Language").select_option("he")
    owner.set_viewport_size({"width": 360, "height": 740})
    ours = [_pattern(text) for key, text in english.items() if text != hebrew[key] and _has_words(text)]

    def judge(where: str) -> None:
        left = [text for text in _texts(owner) if any(pattern.fullmatch(text) for pattern in ours)]
        assert left == [], f"English is left {where}"
        assert owner.evaluate("document.documentElement.scrollWidth") <= 360, where

    owner.goto(re.sub("#.*", f"#/runs/{run.id}", owner.url))
    expect(owner.locator("tbody tr")).to_have_count(3)
    judge("on the run's page")
    owner.goto(re.sub("#.*", "#/runs", owner.url))
    owner.get_by_role("button", name=hebrew["runs.new"]).click()
    owner.locator("summary").click()
    judge("in the form")
