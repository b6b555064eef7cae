"""Agents in the dashboard: made from a script, written, saved, put right, compared, restored and put away."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Browser, Locator, Page, Route, expect

from browser.dashboard import visiting
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.agents import service as agents
from trunkline.domain.agents.models import Agent


def agent_of(world: World) -> Agent:
    with unit_of_work(world.scope) as session:
        return agents.get_agent(session, world.business_id, world.agent_id)


def step(page: Page, name: str) -> Locator:
    return page.locator(f"[data-step={name}]")


def wait_until(happened: Callable[[], bool], page: Page) -> None:
    """Let the page go on until something has happened here."""
    for _ in range(600):
        if happened():
            return
        page.wait_for_timeout(50)
    raise AssertionError("It has not happened.")


def save(page: Page, note: str = "") -> None:
    page.get_by_label("Why, for the list of versions").fill(note)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as a new version.")).to_be_visible()


def test_a_script_is_read_changed_put_right_compared_and_restored(
    chromium: Browser, url: str, acme: World
) -> None:
    with visiting(chromium, url, acme.email, "/agents") as page:
        page.get_by_role("link", name="Agent", exact=True).click()
        page.get_by_role("tab", name="Script").click()
        # It reads as the conversation goes: what is said, what is expected, where it leads.
        expect(step(page, "interest")).to_contain_text("Would you like to book an appointment?")
        expect(step(page, "interest").get_by_role("row", name=re.compile("^yes"))).to_contain_text("day")
        names = page.locator("[data-step]").evaluate_all("all => all.map((one) => one.dataset.step)")
        assert names[:4] == ["interest", "day", "confirm_day", "hour"]
        step(page, "day").get_by_role("button", name="Edit day").click()
        step(page, "day").get_by_label("Says (English)").fill("Which day, at {place}?")
        # What is wrong is shown where it is, and nothing can be saved until it is right.
        expect(step(page, "day").get_by_role("alert")).to_contain_text("Nothing is called place.")
        expect(page.get_by_role("button", name="Save", exact=True)).to_be_disabled()
        step(page, "day").get_by_label("Says (English)").fill("Which day suits you?")
        expect(page.get_by_role("button", name="Save", exact=True)).to_be_enabled()
        save(page, "Friendlier")
        script = agent_of(acme).script
        assert script is not None
        assert script["states"]["day"]["say"]["en"] == "Which day suits you?"
        page.get_by_role("tab", name="Versions").click()
        page.get_by_role("button", name="Version 2").click()
        page.get_by_role("deletion").get_by_text("Which day of the week would you like?").wait_for()
        expect(page.get_by_role("insertion")).to_have_text("Which day suits you?")
        expect(page.get_by_role("row", name=re.compile("Version 2"))).to_contain_text("Friendlier")
        page.get_by_role("button", name="Version 1").click()
        page.get_by_role("button", name="Restore", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Restore").click()
        expect(page.get_by_role("row", name=re.compile("Version 3"))).to_contain_text("Version 1 again")
        assert agent_of(acme).version == 3


def test_who_saves_meanwhile_is_not_overwritten_unseen(chromium: Browser, url: str, acme: World) -> None:
    with visiting(chromium, url, acme.email, f"/agents/{acme.agent_id}") as page:
        page.get_by_label("Greeting").fill("Good day.")
        expect(page.get_by_text("Not saved yet")).to_be_visible()
        with unit_of_work(acme.scope) as session:
            agents.update_agent(
                session, acme.business_id, acme.agent_id, {"greeting": "Welcome."}, actor="ann@acme.example"
            )
        alert = page.get_by_role("alert").filter(has_text="Somebody saved meanwhile")
        expect(alert).to_contain_text("ann@acme.example saved version 2")
        expect(page.get_by_role("button", name="Save", exact=True)).to_be_disabled()
        alert.get_by_role("button", name="Keep mine").click()
        save(page)
        assert (agent_of(acme).greeting, agent_of(acme).version) == ("Good day.", 3)
        # What others save is there by itself where nothing is being written.
        with unit_of_work(acme.scope) as session:
            changes = {"greeting": "Hello again."}
            agents.update_agent(session, acme.business_id, acme.agent_id, changes, actor="ann@acme.example")
        expect(page.get_by_label("Greeting")).to_have_value("Hello again.")
        # What is typed while a save is on its way is still being written, on top of what was saved.
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route(f"**/api/agents/{acme.agent_id}", hold)
        page.get_by_label("Greeting").fill("Hello.")
        page.get_by_role("button", name="Save", exact=True).click()
        wait_until(lambda: bool(held), page)
        page.get_by_label("Greeting").fill("Hello. Who is there?")
        held.pop().continue_()
        wait_until(lambda: bool(held), page)
        expect(page.get_by_label("Greeting")).to_have_value("Hello. Who is there?")
        expect(page.get_by_text("Somebody saved meanwhile")).to_have_count(0)
        while held:
            held.pop().continue_()
        page.unroute_all(behavior="wait")
        expect(page.get_by_role("heading", name="Agent").locator("..")).to_contain_text("Version 5")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Not saved yet")).to_have_count(0)
        assert (agent_of(acme).greeting, agent_of(acme).version) == ("Hello. Who is there?", 6)
        # Leaving with something unsaved asks first.
        page.get_by_label("Greeting").fill("Lost.")
        page.get_by_role("link", name="Agents").first.click()
        page.get_by_role("dialog").get_by_role("button", name="Leave").click()
        expect(page.get_by_role("table")).to_be_visible()
        assert agent_of(acme).greeting == "Hello. Who is there?"


def test_an_agent_is_made_from_a_script_taught_warned_of_and_put_away(
    chromium: Browser, url: str, acme: World
) -> None:
    with visiting(chromium, url, acme.email, "/agents/new", refusals={409}) as page:
        page.get_by_label("Name").fill("Dana")
        page.get_by_label("Answer calls and book appointments").check()
        page.get_by_role("button", name="Create agent").click()
        expect(page.get_by_role("heading", name="Dana", level=1)).to_be_visible()
        page.get_by_label("Book appointments").uncheck()
        expect(page.get_by_text("which this agent may not do")).to_be_visible()
        save(page)
        page.get_by_role("tab", name="Knowledge").click()
        page.get_by_role("button", name="Add a text").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Title").fill("Parking")
        dialog.get_by_label("Text").fill("Behind the house.")
        dialog.get_by_role("button", name="Save").click()
        row = page.get_by_role("row", name=re.compile("Parking"))
        expect(row).to_contain_text("Completely")
        row.get_by_role("button", name="Parking").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        page.get_by_role("dialog", name="Delete “Parking”?").get_by_role("button", name="Delete").click()
        expect(page.get_by_text("Nothing written down yet")).to_be_visible()
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Archive").click()
        page.get_by_role("dialog").get_by_role("button", name="Archive").click()
        expect(page.get_by_text("This agent is archived")).to_be_visible()
        # One that answers a number is not put away, and it is said why.
        page.goto(f"{url}/agents/{acme.agent_id}")
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Archive").click()
        page.get_by_role("dialog").get_by_role("button", name="Archive").click()
        expect(page.get_by_role("alert")).to_contain_text(acme.number)


def test_a_script_is_written_as_json_too_and_in_hebrew_from_the_other_side(
    chromium: Browser, url: str, acme: World
) -> None:
    with visiting(chromium, url, acme.email, f"/agents/{acme.agent_id}?tab=script&view=json") as page:
        page.get_by_role("button", name="Language").click()
        page.get_by_text("עברית").click()
        page.get_by_role("tab", name="תסריט").wait_for()
        assert page.evaluate("document.documentElement.dir") == "rtl"
        field = page.get_by_role("textbox", name="JSON")
        text = field.input_value()
        field.fill(text.replace('"start": "interest"', '"start": "nowhere"'))
        page.get_by_role("button", name="החלה").click()
        expect(page.get_by_text("אין צעד בשם nowhere.").first).to_be_visible()
        field.fill(text + "}")
        page.get_by_role("button", name="החלה").click()
        expect(page.get_by_text(re.compile("זה אינו JSON"))).to_be_visible()
