"""How a page can look: in which language, in which colours, how wide; and waiting until it is all there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product

from playwright.sync_api import Browser, BrowserContext, Page

from browser.dashboard import sign_in
from browser.places import Place, Who
from isolation.population import ADMIN_EMAIL, Inhabitant

SIZES = {"wide": (1366, 900), "phone": (390, 844)}

ALL_THERE = """
() => document.querySelector("h1, [role=alert]")
  && !document.querySelector(".mantine-Loader-root, .mantine-Skeleton-root, [data-loading=true]")
  && document.fonts.status === "loaded"
"""
_REST_MS = 100
"""What moves in comes to rest."""


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at pages."""

    language: str
    scheme: str
    size: str

    def __str__(self) -> str:
        return f"{self.language}-{self.scheme}-{self.size}"


VIEWS = tuple(View(*one) for one in product(("en", "he"), ("light", "dark"), SIZES))


@contextmanager
def looking(chromium: Browser, url: str, view: View, who: Who, owner: str) -> Iterator[BrowserContext]:
    """Yield a browser that looks at pages so, as this person; `owner` is the owner's address."""
    width, height = SIZES[view.size]
    context = chromium.new_context(
        locale={"en": "en-US", "he": "he-IL"}[view.language],
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
    )
    kept = {"trunkline.scheme": view.scheme, "trunkline.language": view.language}
    if who is not Who.NOBODY:
        sign_in(context, url, owner if who is Who.OWNER else ADMIN_EMAIL)
        _speak(context, url, view.language)
    lines = "".join(f"localStorage.setItem({name!r}, {value!r});" for name, value in kept.items())
    context.add_init_script(lines)
    yield context
    if who is not Who.NOBODY:
        _speak(context, url, "en")  # others look as the same person
    context.close()


def _speak(context: BrowserContext, url: str, language: str) -> None:
    answer = context.request.patch(f"{url}/api/me", data={"language": language}, headers={"X-Trunkline": "1"})
    assert answer.ok, answer.text()


def go(page: Page, url: str, place: Place, owner: Inhabitant) -> None:
    """Open a place and wait until all of it is there."""
    page.goto(url + place.path.format(**owner.ids, system_job_id=owner.system_job_id))
    page.wait_for_function(ALL_THERE)
    page.wait_for_timeout(_REST_MS)
