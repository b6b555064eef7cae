"""The dashboard's frame, as people meet it: the door, languages, businesses, a server that is away."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Route, expect
from sqlalchemy import text

from browser.conftest import serving
from browser.dashboard import visiting
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.domain.people import service as people
from trunkline.domain.tenants import service as tenants

ADMIN = "admin@trunkline.example"


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
        with page.expect_response(lambda r: r.request.method == "PATCH") as told:
            page.get_by_role("menuitem", name="עברית").click()
        assert told.value.ok, told.value.text()
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        expect(page.get_by_role("heading", name="אין דף כזה")).to_be_visible()
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", "he")
        expect(page.get_by_role("heading", name="אין דף כזה")).to_be_visible()
        place = page.get_by_role("navigation").bounding_box()
        assert place is not None
        assert place["x"] > 900, "the navigation stands at the right"
    # Another machine knows nothing of it but who signs in.
    with visiting(chromium, url, acme.email, "/account") as page:
        expect(page.locator("html")).to_have_attribute("lang", "he")


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


def test_a_tab_does_nothing_in_a_business_that_another_tab_entered(
    chromium: Browser, url: str, acme: World, umbrella: World
) -> None:
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email=ADMIN, name="A", password=PASSWORD, role=None, actor="test"
        )
    with visiting(chromium, url, ADMIN, "/settings", refusals={409}) as page:
        page.get_by_role("button", name="Enter Acme").click()
        expect(page.locator("[data-banner=inside]")).to_contain_text("inside Acme")
        page.goto(f"{url}/settings")

        def meanwhile(route: Route) -> None:
            entered = page.context.request.post(
                f"{url}/api/admin/enter-business",
                data={"business_id": str(umbrella.business_id)}, headers={"X-Trunkline": "1"},
            )  # fmt: skip
            assert entered.ok
            route.continue_()

        page.route(
            "**/api/business",
            lambda route: meanwhile(route) if route.request.method == "PATCH" else route.continue_(),
        )
        page.get_by_label("Name of the business", exact=True).fill("Acme, renamed")
        page.get_by_role("button", name="Save").first.click()
        expect(page.locator("[data-banner=inside]")).to_contain_text("inside Umbrella")
        expect(page.get_by_text("This page shows something else now")).to_be_visible()
        expect(page.get_by_label("Name of the business", exact=True)).to_have_value("Umbrella")
        for world, name in ((acme, "Acme"), (umbrella, "Umbrella")):
            with unit_of_work(world.scope) as session:
                assert tenants.get_business(session, world.business_id).name == name

        # Tabs tell each other: nobody need ask first.
        second = page.context.new_page()
        second.goto(url)
        second.get_by_role("button", name="Another business").click()
        second.get_by_role("dialog").get_by_role("button", name="Acme").click()
        expect(page.locator("[data-banner=inside]")).to_contain_text("inside Acme")
        second.get_by_role("button", name=re.compile("Account of")).click()
        second.get_by_role("menuitem", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_session_that_ends_is_said_and_nothing_is_lost_by_it(
    chromium: Browser, url: str, acme: World
) -> None:
    with visiting(chromium, url, acme.email, "/settings?with=words", refusals={401}) as page:
        page.get_by_label("Name of the business", exact=True).fill("Half a na")
        with unit_of_work(acme.scope) as session:
            session.execute(text("delete from sign_ins"))
        with unit_of_work(acme.scope) as session:
            tenants.change_business(session, acme.business_id, {"name": "Acme & Co"}, actor="test")
        expect(page.get_by_role("status")).to_contain_text("Your session has ended")
        page.get_by_label("E-mail address").fill(acme.email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("banner")).to_contain_text("Acme & Co")
        assert page.url == f"{url}/settings?with=words"
        expect(page.get_by_label("Name of the business", exact=True)).to_have_value("Half a na")
        # And the page hears again what happens.
        with unit_of_work(acme.scope) as session:
            tenants.change_business(session, acme.business_id, {"name": "Acme again"}, actor="test")
        expect(page.get_by_role("banner")).to_contain_text("Acme again")


def test_a_page_tells_what_happens_before_its_stream_is_open_and_asks_for_nothing_twice(
    chromium: Browser, url: str, acme: World
) -> None:
    with visiting(chromium, url) as page:
        late: list[Route] = []
        asked: list[str] = []

        def hold(route: Route) -> None:
            late.append(route)

        page.route("**/api/events/stream?**", hold)
        page.on("request", lambda request: asked.append(urlsplit(request.url).path))
        page.get_by_label("E-mail address").fill(acme.email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        with page.expect_request("**/api/events/stream?**"):
            page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("link", name="Notifications", exact=True)).to_be_visible()
        expect(page.get_by_role("banner")).to_contain_text("Acme")
        with unit_of_work(acme.scope) as session:
            tenants.change_business(session, acme.business_id, {"name": "Renamed meanwhile"}, actor="test")
        late[0].continue_()
        expect(page.get_by_role("banner")).to_contain_text("Renamed meanwhile")
        assert [asked.count(f"/api/{path}") for path in ("business", "notifications/unread")] == [2, 1]


def test_a_server_that_goes_is_told_of_until_it_is_back_and_nothing_is_missed(
    chromium: Browser, servers: Installation, acme: World, tmp_path: Path
) -> None:
    with ExitStack() as house:
        url = house.enter_context(serving(servers, tmp_path))
        # One that has only just begun may say that it is not ready.
        with visiting(chromium, url, acme.email, "/somewhere", refusals={503}) as page:
            expect(page.get_by_role("banner")).to_contain_text("Acme")
            expect(page.locator("[data-banner=away]")).to_have_count(0)
            with house.pop_all():
                """The server is stopped here."""
            expect(page.locator("[data-banner=away]")).to_be_visible(timeout=30_000)
            with unit_of_work(acme.scope) as session:
                tenants.change_business(
                    session, acme.business_id, {"name": "Renamed meanwhile"}, actor="test"
                )
            house.enter_context(serving(servers, tmp_path, port=urlsplit(url).port))
            expect(page.locator("[data-banner=away]")).to_have_count(0, timeout=30_000)
            expect(page.get_by_role("banner")).to_contain_text("Renamed meanwhile")
            # And it hears what happens from now on.
            with unit_of_work(acme.scope) as session:
                tenants.change_business(session, acme.business_id, {"name": "Renamed again"}, actor="test")
            expect(page.get_by_role("banner")).to_contain_text("Renamed again")


def test_a_page_finds_a_dead_connection_and_does_not_hear_a_whole_night_one_by_one(
    chromium: Browser, url: str, acme: World
) -> None:
    with visiting(chromium, url, acme.email) as page:
        page.clock.install()
        page.reload()
        expect(page.get_by_role("banner")).to_contain_text("Acme")
        with page.expect_request(lambda request: urlsplit(request.url).path == "/api/events"):
            page.clock.fast_forward(41_000)

        def seen(hidden: str) -> None:
            page.evaluate(
                f"Object.defineProperty(document, 'hidden', {{configurable: true, get: () => {hidden}}});"
                "document.dispatchEvent(new Event('visibilitychange'))"
            )

        seen("true")
        with unit_of_work(acme.scope) as session:
            tenants.change_business(session, acme.business_id, {"name": "Renamed at night"}, actor="test")
        page.clock.fast_forward(61_000)
        with page.expect_request(lambda request: "/api/events/stream?after=latest" in request.url):
            seen("false")
        expect(page.get_by_role("banner")).to_contain_text("Renamed at night")


def test_everything_is_reached_by_the_keyboard_alone(chromium: Browser, url: str, acme: World) -> None:
    with visiting(chromium, url, acme.email, "/somewhere") as page:
        expect(page.get_by_role("banner")).to_contain_text("Acme")
        lead = {"name": "Zoe Quill", "phone": "+12125550142"}
        assert page.request.post(f"{url}/api/leads", data=lead, headers={"X-Trunkline": "1"}).ok
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Control+k")
        search = page.get_by_placeholder("A page, a command")
        expect(search).to_be_focused()
        search.fill("nothing is called so")
        expect(page.get_by_text("Nothing found")).to_be_visible()
        search.fill("quill")
        expect(page.get_by_role("button", name="Zoe Quill")).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Zoe Quill")).to_be_visible()
        expect(search).to_have_count(0)
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_api_s_reference_is_drawn_under_its_policy_and_can_be_tried(
    chromium: Browser, url: str, acme: World
) -> None:
    with visiting(chromium, url, acme.email, "/docs") as page:
        # Swagger UI draws all routes anew with each press: on a busy machine that takes its time.
        page.set_default_timeout(90_000)
        expect(page.get_by_role("heading", name="Trunkline")).to_be_visible(timeout=90_000)
        operation = page.locator(".opblock-get", has=page.locator("[data-path='/api/me']"))
        operation.get_by_role("button").first.click()
        operation.get_by_role("button", name="Try it out").click()
        operation.get_by_role("button", name="Execute").click()
        expect(operation.locator(".live-responses-table")).to_contain_text(acme.email, timeout=90_000)
