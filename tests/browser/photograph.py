"""`make screenshots`: every page in every language, colour and width, as PNG files, looked at by axe.

Ends with 1 where axe finds something serious or a page does not fit its window. `--busy` photographs the four
pictures of the README instead: a business of `trunkline bench seed`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import sync_playwright

from browser.axe import serious_faults
from browser.conftest import launched, serving
from browser.fitting import parts_that_stick_out
from browser.places import PLACES, Who
from browser.views import ALL_THERE, VIEWS, View, go, looking
from isolation.population import populate
from support.installation import open_installation, temporary_home
from support.world import PASSWORD
from trunkline.kit import clock

BUSY = (
    ("overview", "/overview", View("en", "light", "wide")),
    ("calls", "/calls", View("en", "dark", "wide")),
    ("leads", "/leads", View("he", "light", "wide")),
    ("overview-on-a-phone", "/overview", View("he", "dark", "phone")),
)
"""The README's pictures: their names, where they are taken, and how."""
_SEED = "--leads 900 --calls 9000 --days 40 --runs 12 --run-items 150 --turns 3"
_ZONES = (
    "Asia/Tokyo", "Asia/Karachi", "Asia/Jerusalem", "Europe/London", "America/New_York",
    "America/Los_Angeles", "Pacific/Honolulu", "Pacific/Auckland", "Australia/Perth",
)  # fmt: skip


def _where_it_is_afternoon() -> str:
    """Return the zone in which it is nearest to four o'clock: most of a day's calls have been made then."""
    return min(_ZONES, key=lambda zone: abs(clock.now().astimezone(ZoneInfo(zone)).hour - 16))


def photograph_busy(out: Path) -> None:
    """Photograph a business that has been calling for weeks."""
    with temporary_home() as home, open_installation(home) as servers:
        urls = servers.urls
        ours = {
            "DATABASE_URL": urls.database_url or "", "DATABASE_RELAY_URL": urls.database_relay_url or "",
            "DATABASE_OWNER_URL": urls.database_owner_url or "", "REDIS_URL": urls.redis_url or "",
            "TRUNKLINE_HOME": str(home),
        }  # fmt: skip
        seed = ["bench", "seed", "--password", PASSWORD, *_SEED.split(), "--time-zone"]
        seed.append(_where_it_is_afternoon())
        subprocess.run(
            [sys.executable, "-m", "trunkline", *seed], env=os.environ | ours, check=True, capture_output=True
        )
        with (
            serving(servers, home) as url,
            sync_playwright() as driver,
            launched(driver) as chromium,
        ):
            for name, path, view in BUSY:
                with looking(chromium, url, view, Who.OWNER, "owner@bench-1-1.example") as context:
                    page = context.new_page()
                    page.goto(url + path)
                    page.wait_for_function(ALL_THERE)
                    page.wait_for_timeout(1000)
                    page.screenshot(path=out / f"{name}.png")


def main() -> int:
    """Photograph what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("screenshots"))
    parser.add_argument("--only", default="", help="places whose names contain this")
    parser.add_argument("--view", default="", help="views whose names contain this: he-dark-phone")
    parser.add_argument("--busy", action="store_true", help="the README's pictures")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.busy:
        photograph_busy(asked.out)
        return 0
    places = [place for place in PLACES if asked.only in place.name]
    views = [view for view in VIEWS if asked.view in str(view)]
    faults: list[str] = []
    with temporary_home() as home, open_installation(home) as servers, serving(servers, home) as url:
        owner = populate(servers).a
        with sync_playwright() as driver, launched(driver) as chromium:
            for view in views:
                for who in Who:
                    here = [place for place in places if place.who is who]
                    if not here:
                        continue
                    with looking(chromium, url, view, who, owner.world.email) as context:
                        page = context.new_page()
                        for place in here:
                            go(page, url, place, owner)
                            page.screenshot(path=asked.out / f"{place.name}-{view}.png", full_page=True)
                            faults += [f"{place.name} {view}: {fault}" for fault in serious_faults(page)]
                            faults += [
                                f"{place.name} {view}: sticks out: {part}"
                                for part in parts_that_stick_out(page)
                            ]
    for fault in faults:
        print(fault)
    print(f"{len(places) * len(views)} pictures in {asked.out}, {len(faults)} serious faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
