"""The dashboard's frame, as people meet it: the door, languages, businesses, a server that is away."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from browser.conftest import serving
from browser.dashboard import visiting
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.domain.people import service as people

ADMIN = "admin@trunkline.example"


@pytest.fixture(scope="module")
def url(servers: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real API on the session's servers."""
    with serving(servers, tmp_path_factory.mktemp("api")) as address:
        yield address


def test_a_wrong_password_is_said_and_the_right_one_lets_in(chromium: Browser, url: str, acme: World) -> None:
    with visiting(chromium, url, path="/somewhere", refusals={401}) as page:
        page.get_by_label("E-mail address").fill(acme.email)
        page.get_by_label("Password", exact=True).fill("not the password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("password is wrong")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("banner")).to_contain_text("Acme")
        # The address that was asked for is where one is: this one leads nowhere.
        expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
        assert page.url == f"{url}/somewhere"

        page.get_by_role("button", name=re.compile("Account of")).click()
        page.get_by_role("menuitem", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_hebrew_goes_from_right_to_left_and_is_remembered(chromium: Browser, url: str, acme: World) -> None:
    with visiting(chromium, url, acme.email, "/somewhere") as page:
        expect(page.locator("html")).to_have_attribute("dir", "ltr")
        page.get_by_role("button", name="Language").click()
        page.get_by_role("menuitem", name="עברית").click()
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        expect(page.get_by_role("heading", name="אין דף כזה")).to_be_visible()
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", "he")
        expect(page.get_by_role("heading", name="אין דף כזה")).to_be_visible()
        place = page.get_by_role("navigation").bounding_box()
        assert place is not None
        assert place["x"] > 900, "the navigation stands at the right"


def test_a_system_admin_enters_a_business_and_is_told_so(
    chromium: Browser, url: str, acme: World, umbrella: World
) -> None:
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email=ADMIN, name="A", password=PASSWORD, role=None, actor="test"
        )
    with visiting(chromium, url, ADMIN) as page:
        page.get_by_role("button", name="Enter Acme").click()
        expect(page.locator("[data-banner=inside]")).to_contain_text("inside Acme")
        page.get_by_role("button", name="Another business").click()
        page.get_by_role("textbox", name="Find by name").fill("umb")
        page.get_by_role("dialog").get_by_role("button", name="Umbrella").click()
        expect(page.locator("[data-banner=inside]")).to_contain_text("inside Umbrella")
        expect(page.get_by_role("dialog")).to_have_count(0)
