"""Driving the dashboard with Debian's Chromium.

A machine without Chromium fails these tests with the command that installs it; only
TRUNKLINE_SKIP_BROWSER=1 leaves them out, and says so.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from support.installation import TOKEN_KEY, Installation
from support.post_office import PostOffice, open_post_office
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
    "--autoplay-policy=user-gesture-required",
)
T = TypeVar("T")
SENDER = "calls@agency.example"
"""Whose the letters are."""

_NO_CARRIER = {
    "TWILIO_ACCOUNT_SID": "AC" + "7" * 32, "TWILIO_AUTH_TOKEN": "none", "TWILIO_BASE_URL": "http://127.0.0.1:9",
    "TELNYX_API_KEY": "none", "TELNYX_CONNECTION_ID": "1", "TELNYX_PUBLIC_KEY": "A" * 43 + "=",
    "TELNYX_BASE_URL": "http://127.0.0.1:9",
}  # fmt: skip
"""Settings of carriers at an address where nobody listens."""


@pytest.fixture(scope="package")
def driver() -> Iterator[Playwright]:
    """What drives browsers. It goes with these tests: its event loop would bar all others (see `apart`)."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package", autouse=True)
def _patience() -> Iterator[None]:
    """Let a page take as long to show something as other tests let it take to be there."""
    expect.set_options(timeout=30_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="package")
def chromium(driver: Playwright) -> Iterator[Browser]:
    """Debian's Chromium, which all modules share that need no other; each visit has a profile of its own."""
    with launched(driver) as browser:
        yield browser


@contextmanager
def launched(driver: Playwright, *arguments: str) -> Iterator[Browser]:
    """Run Debian's Chromium with these arguments besides its usual ones."""
    if os.environ.get("TRUNKLINE_SKIP_BROWSER") == "1":
        pytest.skip("TRUNKLINE_SKIP_BROWSER=1 leaves out the tests that need Chromium")
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("These tests drive Chromium: apt-get install chromium", pytrace=False)
    # Chromium refuses to run its sandbox as root, which is who builds in containers.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    browser = driver.chromium.launch(executable_path=path, args=[*_ARGUMENTS, *sandbox, *arguments])
    yield browser
    browser.close()


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Run this to its end in an event loop on a thread of its own, beside the driver's."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="package")
def post_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    """Where the letters go that are sent through the shared API's mail server."""
    with open_post_office(tmp_path_factory.mktemp("post")) as office:
        yield office


@pytest.fixture(scope="package")
def url(
    servers: Installation, post_office: PostOffice, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a real API on the session's servers, which the modules that need no other share.

    It keeps sound where this process does, and has carriers that nobody answers for: what is asked of them is
    refused, and stays on record. Nobody works the ledger, so rows stay as tests set them.
    """
    folder = installed_storage().incoming(recordings.INCOMING).parents[1]
    ours = {
        "STORAGE_DIR": str(folder), "SECRET_KEY": TOKEN_KEY.decode(),
        "SMTP_URL": post_office.url, "MAIL_FROM": SENDER,
    }  # fmt: skip
    with serving(servers, tmp_path_factory.mktemp("api"), **ours, **_NO_CARRIER) as address:
        yield address


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
