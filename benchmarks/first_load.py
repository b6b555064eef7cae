"""How much does the dashboard load first, and how quickly does it answer in front of a million calls?

Scripts are counted as they go over the wire (gzip, level 9): once from what the build says of itself, once
as Chromium asks for them on the way from the sign-in form to a whole first page. Then it opens lists, types
into a filter and turns a page, and takes the time from the click or the key to the frame that shows what was
asked for, in the page itself; of a filter also to the rows, with the rest that it waits for more letters.
Before a page is opened the pointer has lain on its link for a sixth of a second, as a hand's does.
The database is one of `trunkline bench seed`. Last line: one JSON object.

    python benchmarks/first_load.py [--leads N] [--calls N] [--rounds N] [--folder FOLDER] [--home FOLDER]
                                    [--load-only]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from harness.servers import open_servers
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "src" / "trunkline" / "web" / "dashboard"
PASSWORD = "correct horse battery staple"
EMAIL = "owner@bench-1-1.example"
MOST_KB, MOST_MS = 300, 200
_HAND_MS = 160
"""How long a pointer lies on a link before it is pressed, at least."""

TIMED = """
async ([act, done]) => {
  const wanted = new Function(`return (${done});`);
  const deed = new Function(act);
  const before = performance.now();
  deed();
  while (!wanted()) {
    if (performance.now() - before > 20000) throw new Error(`not done in 20 s: ${done}`);
    await new Promise(requestAnimationFrame);
  }
  // The frame that shows it has been drawn when the one after it begins.
  await new Promise(requestAnimationFrame);
  return performance.now() - before;
}
"""
ROWS = 'document.querySelectorAll("main tbody tr").length'
FIRST_ROW = '(document.querySelector("main tbody tr")?.dataset.key ?? "")'
SEARCH = 'document.querySelector("main input[type=search]")'
WHOLE = (
    'document.querySelector("main h1") !== null'
    ' && document.querySelector("main .mantine-Loader-root, main .mantine-Skeleton-root") === null'
)
RUNS = "document.querySelectorAll('main a[href^=\"/runs/\"]').length"
CHARTS = "document.querySelectorAll('main [role=img]').length > 1"
BOARD = 'document.querySelectorAll("[data-column]").length > 5'
CLICK = "document.querySelector({!r}).click();"
TYPE = (
    f"const field = {SEARCH};"
    'Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, {!r});'
    'field.dispatchEvent(new Event("input", {{ bubbles: true }}));'
)
NEXT = 'const all = document.querySelectorAll("main nav button"); all[all.length - 1].click();'


def packed(content: bytes) -> int:
    """Return how many bytes of a script go over the wire."""
    return len(gzip.compress(content, 9))


def of_the_build() -> dict[str, int]:
    """Return the scripts that the entry and the first page need, by the build's own manifest."""
    manifest: dict[str, dict[str, Any]] = json.loads((BUILD / ".vite" / "manifest.json").read_text("utf-8"))
    wanted = [key for key, part in manifest.items() if part.get("isEntry")]
    wanted += [
        key for key in manifest if key.endswith(("overview/OverviewPage.tsx", "locales/en/overview.json"))
    ]
    wanted += [f"src/locales/en/{name}.json" for name in ("common", "errors", "shell")]
    found: dict[str, int] = {}
    while wanted:
        part = manifest[wanted.pop()]
        if part["file"] in found:
            continue
        found[part["file"]] = packed((BUILD / part["file"]).read_bytes())
        wanted += part.get("imports", [])
    return {name: size for name, size in found.items() if name.endswith(".js")}


@contextmanager
def house(asked: argparse.Namespace) -> Iterator[tuple[dict[str, str], Path]]:
    """Have servers of our own, or those of an installation that is kept."""
    if asked.home is not None:
        yield {}, asked.home
        return
    with open_servers(asked.folder) as servers:
        environment = servers.own_database("first_load")
        environment["REDIS_URL"] = servers.redis_url(0)
        yield environment, servers.home / "house"


@contextmanager
def served(environment: dict[str, str], home: Path) -> Iterator[str]:
    """Run an API on the seeded database, and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ours = {"PORT": str(port), "SERVICE_ROLE": "api", "TRUNKLINE_HOME": str(home), "LOG_LEVEL": "WARNING"}
    process = subprocess.Popen(
        [sys.executable, "-m", "trunkline", "api"], env=os.environ | environment | ours
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            if process.poll() is not None:
                raise SystemExit("the API has ended")
            try:
                if httpx.get(f"{url}/ready", trust_env=False).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def first_load(browser: Browser, url: str) -> dict[str, Any]:
    """Sign in as a person does, with nothing kept; return what was loaded until the first page was whole."""
    context = browser.new_context(viewport={"width": 1366, "height": 900}, locale="en-US")
    page = context.new_page()
    scripts: dict[str, int] = {}
    page.on("response", lambda response: scripts.update(_script(response)))
    began = time.perf_counter()
    page.goto(url)
    page.locator("#email").wait_for()
    sign_in_ms = (time.perf_counter() - began) * 1000
    at_form = sum(scripts.values())
    page.fill("#email", EMAIL)
    page.fill("#password", PASSWORD)
    began = time.perf_counter()
    page.locator("form button[type=submit]").click()
    page.locator("main h1").wait_for()
    overview_ms = (time.perf_counter() - began) * 1000
    page.wait_for_function("() => !document.querySelector('.mantine-Loader-root, .mantine-Skeleton-root')")
    page.wait_for_timeout(1500)
    context.close()
    return {
        "sign_in_kb": round(at_form / 1000, 1),
        "first_page_kb": round(sum(scripts.values()) / 1000, 1),
        "files": len(scripts),
        "sign_in_ms": round(sign_in_ms),
        "first_page_ms": round(overview_ms),
    }


def _script(response: Any) -> dict[str, int]:
    path = urlsplit(response.url).path
    return {path: packed((BUILD / path.lstrip("/")).read_bytes())} if path.endswith(".js") else {}


def interactions(browser: Browser, url: str, rounds: int) -> dict[str, list[float]]:
    """Open, filter and turn the pages of the long lists; return each interaction's times in milliseconds.

    The page's policy is left out here: it would not let us put deeds and questions into the page.
    """
    context = browser.new_context(viewport={"width": 1366, "height": 900}, locale="en-US", bypass_csp=True)
    answer = context.request.post(
        f"{url}/api/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers={"X-Trunkline": "1"}
    )
    assert answer.ok, answer.text()
    page = context.new_page()
    times: dict[str, list[float]] = {}
    for round_number in range(rounds + 1):
        for name, taken in _one_round(page, url, f"{round_number % 10}"):
            # The first round loads the pages' scripts, which stay.
            if round_number > 0:
                times.setdefault(name, []).append(taken)
    context.close()
    return times


def _one_round(page: Page, url: str, digit: str) -> Iterator[tuple[str, float]]:
    yield from _elsewhere(page, url)
    for name in ("calls", "leads"):
        page.goto(url)
        page.locator(f'nav a[href="/{name}"]').wait_for()
        page.wait_for_timeout(500)
        at_list = f'location.pathname === "/{name}" && {ROWS} > 5'
        yield f"open_{name}", _open(page, f'nav a[href="/{name}"]', at_list)
        first = page.evaluate(FIRST_ROW)
        yield (
            f"next_page_of_{name}",
            page.evaluate(TIMED, [NEXT, f"{FIRST_ROW} !== {json.dumps(first)} && {ROWS} > 5"]),
        )
        first = page.evaluate(FIRST_ROW)
        shown = f"{SEARCH}.value === {json.dumps(digit * 3)}"
        yield f"key_in_filter_of_{name}", page.evaluate(TIMED, [TYPE.format(digit * 3), shown])
        page.wait_for_timeout(1500)
        first = page.evaluate(FIRST_ROW)
        if name == "leads":
            for kind, typed in (("few", "lead4710@"), ("none", "nobody at all"), ("many", "cohen")):
                yield f"rows_of_search_that_{kind}_meet", _search(page, typed)
                page.wait_for_timeout(500)
        else:
            yield (
                f"rows_of_filter_of_{name}",
                page.evaluate(TIMED, [TYPE.format(""), f"{FIRST_ROW} !== {json.dumps(first)} && {ROWS} > 5"]),
            )
        page.wait_for_timeout(300)


def _open(page: Page, link: str, done: str) -> float:
    """Lay the pointer on a link and press it; return how long it takes until the page is there."""
    page.hover(link)
    page.wait_for_timeout(_HAND_MS)
    return float(page.evaluate(TIMED, [CLICK.format(link), done]))


def _search(page: Page, typed: str) -> float:
    """Type into the search of leads; return how long it takes until other rows are there, or none."""
    before = page.evaluate(FIRST_ROW)
    return float(page.evaluate(TIMED, [TYPE.format(typed), f"{FIRST_ROW} !== {json.dumps(before)}"]))


def _elsewhere(page: Page, url: str) -> Iterator[tuple[str, float]]:
    """Open the other pages in front of many rows."""
    page.goto(f"{url}/calls")
    page.locator('nav a[href="/leads"]').wait_for()
    for name, link, done in (
        ("runs", 'nav a[href="/runs"]', f'location.pathname === "/runs" && {RUNS} > 5'),
        (
            "overview",
            'nav a[href="/overview"]',
            f'location.pathname === "/overview" && {CHARTS} && {WHOLE}',
        ),
        (
            "leads_again",
            'nav a[href="/leads"]',
            f'location.pathname === "/leads" && {ROWS} > 5',
        ),
    ):
        page.wait_for_timeout(500)
        yield f"open_{name}", _open(page, link, done)
    page.wait_for_timeout(500)
    yield "open_board", page.evaluate(TIMED, [CLICK.format("main input[value=board]"), BOARD])


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        raise SystemExit("This drives Chromium: apt-get install chromium")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=sandbox)
        yield browser
        browser.close()


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    parser.add_argument("--home", type=Path, help="of an installation; it is kept, and seeded if it is not")
    parser.add_argument("--load-only", action="store_true", help="leave the interactions out")
    asked = parser.parse_args()
    built = of_the_build()
    figures: dict[str, Any] = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load": [round(one, 2) for one in os.getloadavg()],
        "leads": asked.leads,
        "calls": asked.calls,
        "build_kb": round(sum(built.values()) / 1000, 1),
    }
    with house(asked) as (environment, home):
        seed = ["bench", "seed", "--leads", asked.leads, "--calls", asked.calls, "--password", PASSWORD]
        command = [sys.executable, "-m", "trunkline", *map(str, seed)]
        ours = os.environ | environment | {"TRUNKLINE_HOME": str(home)}
        subprocess.run(command, env=ours, check=True, stdout=subprocess.DEVNULL)
        with served(environment, home) as url, chromium() as browser:
            figures["loaded"] = first_load(browser, url)
            if not asked.load_only:
                times = interactions(browser, url, asked.rounds)
                figures["interactions_ms"] = {
                    name: {"median": round(statistics.median(all_of)), "most": round(max(all_of))}
                    for name, all_of in times.items()
                }
    print(f"{'':28}{'median':>8}{'most':>8}  (ms, at most {MOST_MS})")
    for name, cuts in figures.get("interactions_ms", {}).items():
        print(f"{name:28}{cuts['median']:>8}{cuts['most']:>8}")
    loaded = figures["loaded"]
    print(
        f"scripts: {figures['build_kb']} kB by the build, {loaded['first_page_kb']} kB as loaded"
        f" (at most {MOST_KB})"
    )
    figures["ratio_of_scripts"] = round(loaded["first_page_kb"] / MOST_KB, 3)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
