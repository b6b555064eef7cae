"""How long do people wait for a page's answers where a hundred thousand leads and a million calls lie?

A database is seeded by `trunkline bench seed`, or one that was is named by --home. An API process of its own
answers 20 people at a time, each with a connection of their own, who ask for what the pages ask for and rest
for a second. Each request's median and 95th percentile, and their ratio to `/health` asked in the same way,
which is what the process and the machine take for any answer. Last line: one JSON object.

    python benchmarks/api.py [--home FOLDER] [--users N] [--seconds N] [--rest S] [--leads N] [--calls N]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).parents[1]
PASSWORD = "correct horse battery staple"
OWNER = "owner@bench-1-1.example"
HEALTH = "/health"
WITHIN_S = 900.0

Asked = dict[str, list[float]]


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "trunkline", *words]


def environment(home: Path, **more: str) -> dict[str, str]:
    unset = {"DATABASE_URL", "DATABASE_RELAY_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SERVICE_ROLE"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return {**kept, "TRUNKLINE_HOME": str(home), "LOG_LEVEL": "warning", **more}


def seed(home: Path, leads: int, calls: int) -> float:
    """Fill the database, or find it full. Returns how long that took."""
    began = time.monotonic()
    words = ("bench", "seed", "--leads", str(leads), "--calls", str(calls), "--password", PASSWORD)
    subprocess.run(command(*words), env=environment(home), check=True, timeout=WITHIN_S)
    return time.monotonic() - began


@contextmanager
def serving(home: Path) -> Iterator[int]:
    """Run an API of its own; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        command("api"), env=environment(home, PORT=str(port)), stdout=subprocess.DEVNULL
    )
    try:
        ends = time.monotonic() + 60
        while not answers(port):
            assert process.poll() is None, "the API did not start"
            assert time.monotonic() < ends, "the API does not answer"
            time.sleep(0.2)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def answers(port: int) -> bool:
    try:
        return ask(http.client.HTTPConnection("127.0.0.1", port, timeout=5), "/ready", "")[0] == 200
    except OSError:
        return False


def ask(line: http.client.HTTPConnection, path: str, cookie: str) -> tuple[int, bytes]:
    line.request("GET", path, headers={"Cookie": cookie, "X-Trunkline": "1"})
    answer = line.getresponse()
    return answer.status, answer.read()


def sign_in(port: int) -> str:
    """Return the owner's cookie. All share it: it is not signing in that is measured."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    body = json.dumps({"email": OWNER, "password": PASSWORD})
    line.request("POST", "/api/sign-in", body, {"Content-Type": "application/json", "X-Trunkline": "1"})
    answer = line.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
    return str(answer.getheader("Set-Cookie")).split(";", 1)[0]


def pages_of(port: int, cookie: str) -> dict[str, list[str]]:
    """Return what each page asks for, with ids that there are: each time another of them."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def found(path: str) -> Any:
        status, body = ask(line, path, cookie)
        assert status == 200, f"{path}: {status} {body[:300]!r}"
        return json.loads(body)

    calls = found("/api/calls?limit=50")
    leads = found("/api/leads?limit=50")
    runs = found("/api/runs?limit=50")
    (everybody, *_) = found("/api/lead-lists")
    statuses = found("/api/lead-statuses")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begins, ends = (f"{today + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (-3, 4))
    # As the fields are typed into: what many bear, what few do, what nobody does; a letter that all bear too.
    typed = ["cohen", "maya cohen", "lead4710@", "5552004711", "555", "a", "zq", "nobody at all"]
    numbers = ["555", "5552004711", "4711", "000000000"]
    return {
        "overview": ["/api/overview"],
        "me": ["/api/me"],
        "calls": ["/api/calls?limit=50"],
        "calls, next page": [f"/api/calls?limit=50&cursor={calls['next_cursor']}"],
        "calls, one outcome": [
            f"/api/calls?limit=50&disposition={name}" for name in ("booked", "our_fault", "nothing")
        ],
        "calls, live": ["/api/calls?limit=50&state=live&state=ringing"],
        "calls, booked": ["/api/calls?limit=50&booked=true", "/api/calls?limit=50&booked=false"],
        "calls, a stretch": [f"/api/calls?limit=50&created_from={begins}&created_before={ends}"],
        "calls, two conditions": ["/api/calls?limit=50&direction=inbound&disposition=opted_out"],
        "calls, number": [f"/api/calls?limit=50&number={number}" for number in numbers],
        "call": [f"/api/calls/{call['id']}" for call in calls["calls"]],
        "leads": ["/api/leads?limit=50"],
        "leads, next page": [f"/api/leads?limit=50&cursor={leads['next_cursor']}"],
        "leads, by name": ["/api/leads?limit=50&order=name"],
        "leads, count": ["/api/leads/count"],
        "leads, search": [f"/api/leads?limit=50&search={quote(text)}" for text in typed],
        "leads, count of search": [f"/api/leads/count?search={quote(text)}" for text in typed],
        "leads, filter": [
            "/api/leads?limit=50&tag=none",
            "/api/leads?limit=50&consent=written",
            f"/api/leads?limit=50&list_id={everybody['id']}",
            f"/api/leads?limit=50&status_id={statuses[-1]['id']}",
        ],
        "leads, count of filter": [
            "/api/leads/count?tag=none",
            "/api/leads/count?consent=written",
            f"/api/leads/count?list_id={everybody['id']}",
            f"/api/leads/count?status_id={statuses[-1]['id']}",
        ],
        "leads, board": ["/api/leads/board?cards=50"],
        "leads, board of search": [f"/api/leads/board?cards=50&search={quote(text)}" for text in typed],
        "lead lists": ["/api/lead-lists"],
        "lead tags": ["/api/lead-tags"],
        "palette": [f"/api/search?q={quote(text)}" for text in typed],
        "lead": [f"/api/leads/{lead['id']}" for lead in leads["leads"]],
        "lead, timeline": [f"/api/leads/{lead['id']}/timeline" for lead in leads["leads"]],
        "lead, suppression": [f"/api/leads/{lead['id']}/suppression" for lead in leads["leads"]],
        "runs": ["/api/runs?limit=50"],
        "run": [f"/api/runs/{run['id']}" for run in runs],
        "run, items": [f"/api/runs/{run['id']}/items?limit=50" for run in runs],
        "run, failed items": [f"/api/runs/{run['id']}/items?limit=50&state=failed" for run in runs],
        "run, attempts": [f"/api/runs/{run['id']}/attempts?limit=50" for run in runs],
        "suppressions": ["/api/suppressions", "/api/suppressions?search=555"],
        "compliance log": ["/api/compliance-log"],
        "imports": ["/api/lead-imports"],
        "appointments": [f"/api/appointments?from={begins}&to={ends}"],
        "agents": ["/api/agents"],
        "people": ["/api/users"],
        "jobs": ["/api/jobs?limit=50"],
        "jobs, stats": ["/api/jobs/stats"],
        "events": ["/api/events", "/api/events?after=latest"],
    }


def visit(
    port: int,
    cookie: str,
    pages: dict[str, list[str]],
    *,
    number: int,
    ends: float,
    rest_s: float,
    asked: Asked,
) -> None:
    """Be one person: ask for one thing after another, and rest between them."""
    dice = random.Random(number)
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    time.sleep(rest_s * dice.random())
    names = list(pages)
    while time.monotonic() < ends:
        dice.shuffle(names)
        for name in names:
            path = dice.choice(pages[name])
            began = time.perf_counter()
            status, body = ask(line, path, cookie)
            took = time.perf_counter() - began
            assert status == 200, f"{path}: {status} {body[:300]!r}"
            asked[name].append(took * 1_000)
            time.sleep(rest_s * (0.5 + dice.random()))
            if time.monotonic() >= ends:
                return


def measure(
    port: int, cookie: str, pages: dict[str, list[str]], *, users: int, seconds: float, rest_s: float
) -> Asked:
    """Let so many people ask at a time, for so long. Returns the milliseconds of each answer."""
    each: list[Asked] = [defaultdict(list) for _ in range(users)]
    ends = time.monotonic() + seconds
    people = [
        threading.Thread(
            target=visit, args=(port, cookie, pages),
            kwargs={"number": number, "ends": ends, "rest_s": rest_s, "asked": asked},
        )
        for number, asked in enumerate(each)
    ]  # fmt: skip
    for person in people:
        person.start()
    for person in people:
        person.join()
    together: Asked = defaultdict(list)
    for asked in each:
        for name, took in asked.items():
            together[name] += took
    return together


def cuts(took: list[float]) -> dict[str, float]:
    """Return the median, the 95th percentile and the longest, in milliseconds."""
    ordered = sorted(took)
    p95 = statistics.quantiles(ordered, n=20, method="inclusive")[-1] if len(ordered) > 1 else ordered[0]
    return {"p50": round(statistics.median(ordered), 1), "p95": round(p95, 1), "max": round(ordered[-1], 1)}


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, help="of an installation; it is kept, and seeded if it is not")
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rest", type=float, default=1.0, help="how long a person rests after an answer")
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=1_000_000)
    given = parser.parse_args()
    home = given.home or Path(tempfile.mkdtemp(prefix="trunkline-bench-"))
    wishes = {"users": given.users, "rest_s": given.rest}
    try:
        seeded_s = seed(home, given.leads, given.calls)
        with serving(home) as port:
            cookie = sign_in(port)
            pages = pages_of(port, cookie)
            measure(port, cookie, pages, seconds=min(10.0, given.seconds), **wishes)
            health = measure(port, cookie, {"health": [HEALTH]}, seconds=given.seconds / 4, **wishes)
            asked = measure(port, cookie, pages, seconds=given.seconds, **wishes)
    finally:
        if given.home is None:
            shutil.rmtree(home, ignore_errors=True)
    figures = {name: cuts(took) for name, took in sorted(asked.items())}
    everything = [took for several in asked.values() for took in several]
    floor = cuts(health["health"])
    print(
        f"{given.users} people, {len(everything)} answers; /health p50 {floor['p50']} p95 {floor['p95']} ms"
    )
    for name, here in figures.items():
        print(f"{name:20} p50 {here['p50']:8.1f}  p95 {here['p95']:8.1f}  max {here['max']:8.1f} ms")
    print(
        json.dumps(
            {
                "api": {
                    "users": given.users, "rest_s": given.rest, "leads": given.leads, "calls": given.calls,
                    "answers": len(everything), "per_s": round(len(everything) / given.seconds, 1),
                    "seeded_s": round(seeded_s), "health_ms": floor, "all_ms": cuts(everything),
                    "worst": max(figures, key=lambda name: figures[name]["p95"]), "by_request_ms": figures,
                    "p95_to_health": {
                        name: round(here["p95"] / floor["p95"], 1) for name, here in figures.items()
                    },
                    "machine": {
                        "cpus": os.cpu_count(), "python": platform.python_version(),
                        "load": [round(load, 1) for load in os.getloadavg()],
                    },
                }
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
