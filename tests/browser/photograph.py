"""`make screenshots`: every page in every language, colour and width, as PNG files, looked at by axe.

Ends with 1 where axe finds something serious.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from browser.axe import serious_faults
from browser.conftest import launched, serving
from browser.places import PLACES, Who
from browser.views import VIEWS, go, looking
from isolation.population import populate
from support.installation import open_installation, temporary_home


def main() -> int:
    """Photograph what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("screenshots"))
    parser.add_argument("--only", default="", help="places whose names contain this")
    parser.add_argument("--view", default="", help="views whose names contain this: he-dark-phone")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    places = [place for place in PLACES if asked.only in place.name]
    views = [view for view in VIEWS if asked.view in str(view)]
    faults: list[str] = []
    with temporary_home() as home, open_installation(home) as servers, serving(servers, home) as url:
        owner = populate(servers).a
        with launched() as chromium:
            for view in views:
                for who in Who:
                    here = [place for place in places if place.who is who]
                    if not here:
                        continue
                    with looking(chromium, url, view, who, owner) as context:
                        page = context.new_page()
                        for place in here:
                            go(page, url, place, owner)
                            page.screenshot(path=asked.out / f"{place.name}-{view}.png", full_page=True)
                            faults += [f"{place.name} {view}: {fault}" for fault in serious_faults(page)]
    for fault in faults:
        print(fault)
    print(f"{len(places) * len(views)} pictures in {asked.out}, {len(faults)} serious faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
