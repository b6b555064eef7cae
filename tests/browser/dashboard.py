"""Driving the dashboard: people who are signed in, and a page whose mistakes fail the test.

    with visiting(chromium, url, world.email, "/calls") as page: ...

Whatever the page writes to its console as an error, every script that breaks, everything that its policy
stops, and every request that is refused fails the test, unless the test has said that it is to come:
`with visiting(..., refusals={404}) as page`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from support.world import PASSWORD
from trunkline.web import dashboard_files

_PATIENCE_MS = 30_000
_NOT_SIGNED_IN = "/api/me"
"""What everybody's page asks first; who is not signed in is told so."""


@contextmanager
def visiting(
    chromium: Browser,
    url: str,
    email: str | None = None,
    path: str = "/",
    *,
    language: str = "en",
    refusals: Collection[int] = (),
    session: Any = None,
    **options: Any,
) -> Iterator[Page]:
    """Open a page of the dashboard as this person, or signed out; `options` are the browser context's."""
    if not (dashboard_files.FOLDER / "index.html").is_file():
        pytest.fail("These tests look at the built dashboard: make dashboard", pytrace=False)
    viewport = options.pop("viewport", {"width": 1280, "height": 860})
    context = chromium.new_context(
        locale={"en": "en-US", "he": "he-IL"}[language], viewport=viewport, storage_state=session,
        reduced_motion="reduce", **options,
    )  # fmt: skip
    context.set_default_timeout(_PATIENCE_MS)
    if email is not None:
        sign_in(context, url, email)
    page = context.new_page()
    mistakes = watch(page, refusals)
    page.goto(f"{url}{path}")
    yield page
    page.unroute_all(behavior="ignoreErrors")
    context.close()
    assert not mistakes, mistakes


def sign_in(context: BrowserContext, url: str, email: str, password: str = PASSWORD) -> None:
    """Give the browser a session without the form."""
    answer = context.request.post(
        f"{url}/api/sign-in", data={"email": email, "password": password}, headers={"X-Trunkline": "1"}
    )
    assert answer.ok, answer.text()


def watch(page: Page, refusals: Collection[int] = ()) -> list[str]:
    """Collect a page's mistakes from now on."""
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))

    def heard(message: Any) -> None:
        # What was refused is told by `answered`; a server that is away is no mistake of the page.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            mistakes.append(message.text)

    def answered(response: Any) -> None:
        path = urlsplit(response.url).path
        expected = response.status == 401 and path == _NOT_SIGNED_IN
        if response.status >= 400 and response.status not in refusals and not expected:
            mistakes.append(f"{response.status} {response.request.method} {path}")

    page.on("console", heard)
    page.on("response", answered)
    return mistakes
