"""How fast are leads imported, and how much memory does the worker need for it?

Files of 10,000 and 100,000 rows, as CSV and as a workbook, each read by a worker process of its own from
an empty business on: rows a second from the upload's commit to the last row's, and how far the worker's
memory rose above what it holds when idle. Every hundredth row is a fault. Last line: one JSON object.

    python benchmarks/imports.py [--rows N,N] [--forms csv,xlsx] [--rounds N] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.servers import Servers, open_servers
from openpyxl import Workbook

from trunkline import wiring
from trunkline.core.db import SYSTEM, Database, install_database, of_business, unit_of_work
from trunkline.core.jobs.bell import Bell, install_bell
from trunkline.core.settings import Settings
from trunkline.domain.leads import imports
from trunkline.domain.tenants import service as tenants
from trunkline.kit.ids import new_id

ROOT = Path(__file__).parents[1]
KEY = "a key for benchmarks"
HEADER = ["phone", "first name", "last name", "email", "notes", "consent"]
WITHIN_S = 600.0
WORKER = """
from trunkline import worker
from trunkline.core.settings import load_settings
worker.work(load_settings())
"""


def rows_of(count: int) -> Iterator[list[str]]:
    """Yield a header and so many people."""
    yield HEADER
    for number in range(1, count + 1):
        phone = f"+1212{5_000_000 + number:07}" if number % 100 else "nobody's"
        yield [phone, f"Ann {number}", f"Lee {number}", f"ann.{number}@example.com", "in the morning", "yes"]


def file_of(form: str, count: int) -> bytes:
    """Return a file of so many people."""
    if form == "csv":
        return "".join(",".join(row) + "\r\n" for row in rows_of(count)).encode()
    book, file = Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet()
    for row in rows_of(count):
        sheet.append(row)
    book.save(file)
    return file.getvalue()


def memory_mb(pid: int, line: str) -> float:
    """Return what a process holds now (VmRSS), or held at most (VmHWM)."""
    (found,) = [row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith(line)]
    return int(found.split()[1]) / 1024


@contextmanager
def worker_of(servers: Servers, environment: dict[str, str]) -> Iterator[int]:
    """Start one worker process and wait until it stands ready."""
    process = subprocess.Popen([sys.executable, "-c", WORKER], env=os.environ | environment)
    try:
        with servers.admin(environment["BENCH_NAME"]) as admin:
            wait_until(
                lambda: admin.execute("select 1 from workers where pid = %s", [process.pid]).fetchone()
            )
        yield process.pid
    finally:
        process.kill()
        process.wait()


def wait_until(condition: Any) -> None:
    """Wait for something to be true. Exits where it is not within ten minutes."""
    ends = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > ends:
            raise SystemExit("what was waited for did not come")
        time.sleep(0.02)


def measure(servers: Servers, environment: dict[str, str], content: bytes, count: int) -> dict[str, float]:
    """Import a file in a new business by a new worker."""
    business_id = new_id()
    with unit_of_work(SYSTEM) as session:
        tenants.create_business(
            session, name="Bench", calling_window={"from": "00:00", "to": "24:00"}, actor="bench",
            business_id=business_id,
        )  # fmt: skip
    with worker_of(servers, environment) as pid:
        idle = memory_mb(pid, "VmRSS")
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        accepting = time.monotonic()
        with unit_of_work(of_business(business_id)) as session:
            run_id = imports.begin(
                session, business_id, io.BytesIO(content), name="Bench", filename="bench",
                size=len(content), mapping=None, actor="bench",
            ).id  # fmt: skip
        began = time.monotonic()
        standing: dict[str, Any] = {}

        def over() -> bool:
            with unit_of_work(of_business(business_id)) as session:
                found, run = imports.get(session, business_id, run_id)
                standing.update(state=run.state, rows=run.cursor, faults=found.faults)
            return bool(standing["state"] != "running")

        wait_until(over)
        took = time.monotonic() - began
        most = memory_mb(pid, "VmHWM")
    if standing != {"state": "completed", "rows": count, "faults": count // 100}:
        raise SystemExit(f"the import is not what it should be: {standing}")
    return {
        "accept_s": began - accepting, "seconds": took, "rows_per_s": count / took, "idle_mb": idle,
        "peak_mb": most, "grown_mb": most - idle,
    }  # fmt: skip


def main() -> None:
    """Measure what was asked for."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", default="10000,100000", help="rows of the files, separated by commas")
    parser.add_argument("--forms", default="csv,xlsx")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=ROOT / "build")
    asked = parser.parse_args()
    figures: dict[str, Any] = {"python": platform.python_version(), "cpus": os.cpu_count()}
    with open_servers(asked.folder) as servers:
        figures["servers"] = servers.durability()
        urls = servers.own_database("imports")
        environment = {
            **urls, "BENCH_NAME": "imports", "REDIS_URL": servers.redis_url(1), "SECRET_KEY": KEY,
            "SERVICE_ROLE": "worker", "RQ_QUEUES": "maintenance", "LOG_LEVEL": "WARNING",
            "TRUNKLINE_HOME": str(servers.home / "worker"),
        }  # fmt: skip
        database, bell = Database(urls["DATABASE_URL"]), Bell(servers.redis_url(1))
        install_database(database)
        install_bell(bell)
        wiring.register_doors(Settings(), KEY.encode())
        try:
            for count in map(int, asked.rows.split(",")):
                for form in asked.forms.split(","):
                    content = file_of(form, count)
                    rounds = [measure(servers, environment, content, count) for _ in range(asked.rounds)]
                    medians = {
                        name: round(statistics.median(row[name] for row in rounds), 1) for name in rounds[0]
                    }
                    figures[f"{form} {count}"] = {"file_mb": round(len(content) / 2**20, 1), **medians}
                    print(f"{form}, {count} rows: {medians}", file=sys.stderr, flush=True)
        finally:
            install_bell(None)
            bell.close()
            database.dispose()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
