"""Outbound in the dashboard, on a whole running system: a file becomes a list, a list is called to its end.

The bar of a run is held to its word at every moment that it is drawn: its parts add up, it never goes
back, it comes to its end, and then it is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.dashboard import visiting
from support.installation import Installation
from support.system import System, fresh_numbers, open_system

_PATIENCE_MS = 60_000
"""Runs are called to their end by processes that share the machine with others."""

_WATCH = """
() => {
  window.samples = [];
  const look = () => {
    const frame = document.querySelector('[data-run-bar]');
    if (!frame) { window.samples.push(null); return; }
    const bar = frame.querySelector('[role=progressbar]');
    const parts = Object.fromEntries(
      [...bar.querySelectorAll('[data-part]')].map(({dataset}) => [dataset.part, Number(dataset.count)]));
    window.samples.push(
      {now: Number(bar.ariaValueNow), most: Number(bar.ariaValueMax), said: bar.ariaValueText, parts});
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true});
  look();
}
"""


@pytest.fixture(scope="module")
def system(servers: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with open_system(servers, tmp_path_factory.mktemp("outbound")) as running:
        yield running


@pytest.fixture(autouse=True)
def at_rest(system: System) -> Iterator[None]:
    """No worker outlives its test."""
    yield
    system.stop_workers()


def make_run(page: Page, *, title: str) -> str:
    """Make a run over the business's list by the form, and start it. Returns its id."""
    page.get_by_role("link", name="New run").first.click()
    expect(page.get_by_role("heading", name="New run", level=1)).to_be_visible()
    expect(page.locator("[data-outlook]")).to_contain_text("May be called now")
    page.get_by_label("Name of the run").fill(title)
    page.get_by_label("Now", exact=True).check()
    page.get_by_role("button", name="Create run and start calling").click()
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    return page.url.rsplit("/", 1)[1]


def judge_bar(samples: list[Any], people: int) -> None:
    """Every sample of a watched bar is true; after the bar was full, it is gone."""
    drawn = [sample for sample in samples if sample]
    assert drawn, "the bar was never drawn"
    for sample in drawn:
        assert sum(sample["parts"].values()) == sample["most"] == people, sample
        settled = sum(sample["parts"][part] for part in ("done", "failed", "cancelled", "unknown"))
        assert settled == sample["now"], sample
    values = [sample["now"] for sample in drawn]
    assert values == sorted(values), "the bar went back"
    assert (values[-1], drawn[-1]["said"]) == (people, f"{people} of {people} finished, 100%")
    last = max(index for index, sample in enumerate(samples) if sample)
    assert samples[last + 1 :], "the bar did not go"


def test_from_sign_in_to_a_finished_run_whose_bar_is_watched_to_its_end(
    chromium: Browser, system: System
) -> None:
    world = system.world("busy", size=12, lines=2)
    with visiting(chromium, system.api_url, path="/runs", refusals={401}) as page:
        page.get_by_label("E-mail address").fill(world.email)
        page.get_by_label("Password", exact=True).fill("correct horse battery")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
        run_id = make_run(page, title="Watched")
        expect(page.get_by_role("progressbar", name="Progress of Watched")).to_have_attribute(
            "aria-valuenow", "0"
        )
        page.evaluate(_WATCH)
        system.start_worker()
        expect(page.locator("[data-state=completed]").first).to_be_visible(timeout=_PATIENCE_MS)
        expect(page.locator("[data-run-bar]")).to_have_count(0)
        judge_bar(page.evaluate("window.samples"), 12)
        expect(page.locator("[data-count=failed]").last).to_have_text("12")

        # Who was dialled when, and what was told of it.
        page.get_by_role("combobox", name="Show people who are").click()
        page.get_by_role("option", name="Done").click()
        expect(page.get_by_text("Nobody in this run is in that state.")).to_be_visible()
        page.get_by_role("combobox", name="Show people who are").click()
        page.get_by_role("option", name="Not reached").click()
        rows = page.get_by_role("table", name="People").locator("tbody tr")
        expect(rows).to_have_count(12)
        rows.first.get_by_role("button").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator("[data-step]").first).to_contain_text("We asked the carrier to dial")
        expect(dialog.locator("[data-step=ended]")).to_be_visible()
        expect(dialog).to_contain_text("Busy")
        assert f"/runs/{run_id}" in page.url
        page.reload()
        expect(page.get_by_role("dialog").locator("[data-step=ended]")).to_be_visible()
        expect(page.locator("[data-run-bar]")).to_have_count(0)


def test_a_file_with_bad_rows_names_them_and_takes_the_others(
    chromium: Browser, system: System, tmp_path: Path
) -> None:
    world = system.world("busy", size=1)
    good = fresh_numbers(3)
    lines = [
        "Mobile;Who",
        f"{good[0]};Ann",
        "nonsense;Bob",
        f"{good[1]};Cid",
        ";Dan",
        f"{good[0]};Twice",
        f"{good[2]};Eve",
    ]
    file = tmp_path / "people.csv"
    file.write_text("\n".join(lines))
    with visiting(chromium, system.api_url, world.email, "/lists/import", refusals={400, 415, 422}) as page:
        # What is no list is refused before anything is sent on.
        page.locator("input[type=file]").set_input_files(
            files=[{"name": "picture.png", "mimeType": "image/png", "buffer": b"\x89PNG\xff\xfe\x01\x02"}]
        )
        expect(page.get_by_role("alert")).to_contain_text("neither CSV nor Excel")
        page.locator("input[type=file]").set_input_files(file)
        # Seen before anything is written: what was guessed, and what could not be read.
        expect(page.get_by_text("Of these 6 rows 2 cannot be used.")).to_be_visible()
        page.get_by_role("combobox", name="Who").click()
        page.get_by_role("option", name="Name", exact=True).click()
        table = page.locator("div[role=region][aria-label^='The first rows']")
        expect(table).to_contain_text("Ann")
        expect(table).to_contain_text("“nonsense” is not a telephone number")
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("Name of the list").fill("From a file")
        page.get_by_label("Everybody in this file agreed").check()
        page.get_by_label("How did they agree?").fill("The fair's form")
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_role("heading", name="From a file", level=1)).to_be_visible()
        system.start_worker()
        expect(page.get_by_text("Completed", exact=True)).to_be_visible(timeout=_PATIENCE_MS)
        expect(page.get_by_text("(Given), as stated on import: The fair's form")).to_be_visible()
        for name, count in {"rows": 6, "imported": 3, "faults": 3}.items():
            expect(page.locator(f"[data-count={name}]")).to_have_text(str(count))
        faults = page.locator("div[role=region][aria-label='Rows that could not be used']").locator(
            "tbody tr"
        )
        expect(faults).to_have_count(3)
        expect(faults.nth(0)).to_contain_text("“nonsense” is not a telephone number")
        expect(faults.nth(1)).to_contain_text("There is no phone number.")
        expect(faults.nth(2)).to_contain_text("is already on line 2")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download with reasons").click()
        assert "nonsense" in Path(download.value.path()).read_text("utf-8-sig")
        page.reload()
        expect(page.locator("[data-count=imported]")).to_have_text("3")
        page.get_by_role("link", name="Call this list").click()
        expect(page.get_by_label("Name of the run")).to_have_value("From a file")


def test_a_run_outlives_the_server_and_its_page_recovers_by_itself(chromium: Browser, system: System) -> None:
    world = system.world("busy", size=10, lines=1)
    with visiting(chromium, system.api_url, world.email, "/runs", refusals={502, 503}) as page:
        make_run(page, title="Through the storm")
        bar = page.get_by_role("progressbar", name="Progress of Through the storm")
        expect(bar).to_be_visible()
        page.evaluate(_WATCH)
        system.kill_api()
        expect(page.locator("[data-banner=away]")).to_be_visible(timeout=_PATIENCE_MS)
        # Calls go on without it as far as they can; their callbacks come when it is back.
        system.start_worker()
        system.start_api()
        expect(page.locator("[data-banner=away]")).to_have_count(0, timeout=_PATIENCE_MS)
        expect(page.locator("[data-state=completed]").first).to_be_visible(timeout=_PATIENCE_MS)
        expect(page.locator("[data-run-bar]")).to_have_count(0)
        drawn = [sample for sample in page.evaluate("window.samples") if sample]
        assert all(sum(sample["parts"].values()) == sample["most"] == 10 for sample in drawn)
        page.goto(re.sub("/runs/.*", "/runs", page.url))
        expect(page.locator("article [data-state=completed]")).to_be_visible()
        expect(page.locator("[data-run-bar]")).to_have_count(0)


def test_numbers_are_put_on_the_list_found_judged_and_logged(chromium: Browser, system: System) -> None:
    world = system.world("busy", size=1)
    with visiting(chromium, system.api_url, world.email, "/do-not-call", refusals={422}) as page:
        number = page.get_by_label("Telephone number")
        number.fill("abc")
        page.get_by_role("button", name="Add to list").click()
        expect(number).to_have_accessible_description("This is not a telephone number that can be called.")
        number.fill("(212) 555-0142")
        page.get_by_role("button", name="Add to list").click()
        expect(number).to_have_accessible_description("")
        rows = page.get_by_role("region", name="Do not call").locator("tbody tr")
        expect(rows).to_contain_text(["+12125550142"])
        page.get_by_label("Find by number or how it begins").fill("+1646")
        expect(page.get_by_text("No number on the list begins like that.")).to_be_visible()
        page.get_by_role("link", name="Calling hours", exact=True).click()
        expect(page.get_by_role("heading", name="Calling hours", level=1)).to_be_visible()
        page.get_by_label("Phone").fill("212 555 0142")
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_text("It is on the do-not-call list.")).to_be_visible()
        page.get_by_role("link", name="Compliance log").click()
        expect(page.get_by_role("region", name="Compliance log")).to_contain_text("Put on do-not-call")
        page.get_by_role("link", name="Do not call", exact=True).click()
        page.get_by_role("button", name="Remove +12125550142 from the list").click()
        page.get_by_role("button", name="Allow calls").click()
        expect(page.get_by_role("heading", name="Nobody is on the list")).to_be_visible()
