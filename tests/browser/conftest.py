"""Driving the first page with Debian's Chromium.

A machine without Chromium fails these tests with the command that installs it; only
TRUNKLINE_SKIP_BROWSER=1 leaves them out, and says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from support.installation import Installation
from support.processes import eventually, free_port
from trunkline.core.storage import installed_storage
from trunkline.domain.recordings import service as recordings
from trunkline.kit.processes import die_with_parent

_ARGUMENTS = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE_MS = 10_000

NO_CARRIER = {
    "TWILIO_ACCOUNT_SID": "AC" + "7" * 32, "TWILIO_AUTH_TOKEN": "none", "TWILIO_BASE_URL": "http://127.0.0.1:9",
    "TELNYX_API_KEY": "none", "TELNYX_CONNECTION_ID": "1", "TELNYX_PUBLIC_KEY": "A" * 43 + "=",
    "TELNYX_BASE_URL": "http://127.0.0.1:9",
}  # fmt: skip
"""Settings of carriers at an address where nobody listens."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium. It goes with its module: its driver's event loop would bar all others."""
    with launched() as browser:
        yield browser


@contextmanager
def launched(*arguments: str) -> Iterator[Browser]:
    """Run Debian's Chromium with these arguments besides its usual ones."""
    if os.environ.get("TRUNKLINE_SKIP_BROWSER") == "1":
        pytest.skip("TRUNKLINE_SKIP_BROWSER=1 leaves out the tests that need Chromium")
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("These tests drive Chromium: apt-get install chromium", pytrace=False)
    # Chromium refuses to run its sandbox as root, which is who builds in containers.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_ARGUMENTS, *sandbox, *arguments])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def url(servers: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real API on the session's servers, which the modules that need no other share.

    It keeps sound where this process does, and has carriers that nobody answers for: what is asked of them is
    refused, and stays on record. Nobody works the ledger, so rows stay as tests set them.
    """
    folder = installed_storage().incoming(recordings.INCOMING).parents[1]
    with serving(servers, tmp_path_factory.mktemp("api"), STORAGE_DIR=str(folder), **NO_CARRIER) as address:
        yield address


@pytest.fixture
def page(chromium: Browser, live_app: Any) -> Iterator[Page]:
    """The first page, signed out, of a person whose browser speaks English."""
    with _visit(chromium, f"{live_app.url}/old") as page:
        page.wait_for_selector("#email")
        yield page


@pytest.fixture
def session_of_owner(chromium: Browser, live_app: Any) -> Any:
    """The cookie of the business's owner."""
    context = chromium.new_context()
    answer = context.request.post(
        f"{live_app.url}/api/sign-in",
        data={"email": live_app.email, "password": live_app.password},
        headers={"X-Trunkline": "1"},
    )
    assert answer.ok, answer.text()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def signed_in(chromium: Browser, live_app: Any, session_of_owner: Any) -> Iterator[Page]:
    """The first page of the business's owner, with its runs on it."""
    with _visit(chromium, f"{live_app.url}/old", session_of_owner) as page:
        page.wait_for_selector("article.run")
        yield page


@contextmanager
def _visit(chromium: Browser, url: str, session: Any = None) -> Iterator[Page]:
    """Open the page in a profile of its own. Its mistakes, and what its policy stops, fail the test."""
    mistakes: list[str] = []
    context = chromium.new_context(
        locale="en-US", viewport={"width": 1100, "height": 800}, storage_state=session
    )
    context.set_default_timeout(_PATIENCE_MS)
    page = context.new_page()
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("console", lambda message: _is_violation(message.text) and mistakes.append(message.text))
    page.goto(url)
    yield page
    page.unroute_all(behavior="ignoreErrors")
    context.close()
    assert mistakes == []


def _is_violation(text: str) -> bool:
    return "Content Security Policy" in text


@contextmanager
def serving(servers: Installation, home: Path, *, port: int | None = None, **settings: str) -> Iterator[str]:
    """Run a real API on these servers, and yield its address. `port`: one that it had before, say."""
    port, urls = port or free_port(), servers.urls
    ours = {
        "DATABASE_URL": urls.database_url or "", "DATABASE_RELAY_URL": urls.database_relay_url or "",
        "REDIS_URL": urls.redis_url or "", "TRUNKLINE_HOME": str(home), "PORT": str(port),
        "SERVICE_ROLE": "api", **settings,
    }  # fmt: skip
    with (home / "api.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "trunkline", "api"],
            env=os.environ | ours, stdout=log, stderr=log, preexec_fn=die_with_parent,  # noqa: PLW1509
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"

    def serves() -> bool:
        assert process.poll() is None, (home / "api.log").read_text()
        try:
            return httpx.get(f"{address}/ready", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    try:
        eventually(serves, "the API serves", within_s=60)
        yield address
    finally:
        process.terminate()
        process.wait(30)
