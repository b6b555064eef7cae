"""Every page of the dashboard: usable by everybody, and never with anything of another business."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Error, Response, ViewportSize, expect

from browser.axe import serious_faults
from browser.dashboard import visiting
from browser.fitting import parts_that_stick_out
from browser.places import PLACES, Who
from browser.views import SIZES, VIEWS, View, go, looking
from isolation.population import Town, populate
from support.installation import Installation


@pytest.fixture(scope="module")
def town(servers: Installation) -> Town:
    """Two businesses with something of everything."""
    return populate(servers)


PHONE: ViewportSize = {"width": SIZES["phone"][0], "height": SIZES["phone"][1]}
_VIEWS = [VIEWS[0], VIEWS[-1]]
"""English, light and wide; Hebrew, dark and on a phone. `make screenshots` looks at all eight."""


@pytest.mark.parametrize("view", _VIEWS, ids=str)
def test_axe_finds_nothing_serious_and_a_phone_has_room(
    chromium: Browser, url: str, town: Town, view: View
) -> None:
    """Each page is looked at in one of the two views, turn by turn, and each on a phone's width too."""
    faults = []
    mine = [place for number, place in enumerate(PLACES) if _VIEWS[number % 2] == view]
    for who in Who:
        here = [place for place in mine if place.who is who]
        with looking(chromium, url, view, who, town.a.world.email) as context:
            page = context.new_page()
            for place in here:
                go(page, url, place, town.a)
                faults += [f"{place.name}: {fault}" for fault in serious_faults(page)]
                usual = page.viewport_size
                page.set_viewport_size(PHONE)
                faults += [f"{place.name}: sticks out: {part}" for part in parts_that_stick_out(page)]
                page.set_viewport_size(usual or PHONE)
    assert faults == []


def test_a_page_of_another_business_shows_nothing_of_it(chromium: Browser, url: str, town: Town) -> None:
    """Umbrella's owner has the addresses of Acme's pages and finds nothing there, on page or wire."""
    theirs = {str(value) for name, value in town.a.ids.items() if name != "phone"}
    seen: list[str] = []

    def heard(response: Response) -> None:
        if "/api/" in response.url and response.ok and "/api/events/stream" not in response.url:
            try:
                said = response.text()
            except Error as error:
                # The test went on to the next page before this one had read it.
                if "navigated away" not in str(error):
                    raise
                return
            seen.extend(f"{response.url} has {secret}" for secret in theirs if secret in said)

    with visiting(chromium, url, town.b.world.email, refusals={400, 404}) as page:
        page.on("response", heard)
        for place in PLACES:
            if place.who is not Who.OWNER:
                continue
            page.goto(url + place.path.format(**town.a.ids))
            if "{" in place.path:
                told = page.get_by_role("alert").first
                expect(told, place.name).to_contain_text("no such thing")
                expect(told.get_by_role("link", name="Back to the list"), place.name).to_be_visible()
            else:
                expect(page.get_by_role("heading", level=1)).to_be_visible()
            expect(page.get_by_role("banner")).to_contain_text("Umbrella")
            assert "Acme" not in page.locator("body").inner_text(), place.name
    assert seen == []


def test_a_chart_shows_what_it_counts(chromium: Browser, url: str, town: Town) -> None:
    """Acme's one call of today stands in today's chart as a column that can be seen."""
    with visiting(chromium, url, town.a.world.email, "/overview") as page:
        chart = page.get_by_role("img", name="call").first
        expect(chart).to_be_visible()
        sizes = chart.locator("[class*=column] > div").evaluate_all(
            "all => all.map((one) => Math.min(one.clientWidth, one.clientHeight))"
        )
        assert max(sizes) > 3
