"""How fast does the dialler claim its next call, and how does it use and share its lines through a day?

Claims are timed beside the fetches of Procrastinate and PgQueuer on the same PostgreSQL, with an empty past
and with a full one. The day is simulated: the real dialler on the real database, in virtual time. Last
line: one JSON object.

    python benchmarks/dialling.py [--parts claims,day] [--rounds N] [--wall SECONDS] [--full] [--quick]

docs/reference/benchmarks.md says how to read it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from day import measure as day
from harness import claims, dialling_report
from harness.contestants import HISTORY_ROWS, PEERS_PYTHON
from harness.servers import open_servers

ROOT = Path(__file__).parents[1]
PARTS = ("claims", "day")


def chosen(names: str | None) -> list[claims.Claimant]:
    """Return the systems of these names, ours always among them. Exits where there is none of a name."""
    known = {claimant.name: claimant for claimant in claims.CLAIMANTS}
    asked = list(known) if names is None else names.split(",")
    wanted = [claims.OURS, *(name for name in asked if name != claims.OURS)]
    if unknown := [name for name in wanted if name not in known]:
        raise SystemExit(f"there is no {', '.join(unknown)}; there are {', '.join(known)}")
    if wanted != [claims.OURS] and not os.access(PEERS_PYTHON, os.X_OK):
        raise SystemExit(
            f"The peers are not installed in {PEERS_PYTHON.parents[1]}: run `make bench`, or --only ours"
        )
    return [known[name] for name in wanted]


def say(line: str) -> None:
    """Tell how far it is, beside the results."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure what was asked for."""
    # Told to end, it still stops its servers and removes their data.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--parts", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    parser.add_argument("--only", help="systems: " + ", ".join(c.name for c in claims.CLAIMANTS))
    parser.add_argument("--rounds", type=int, default=3, help="how often claims are measured")
    parser.add_argument("--bursts", type=int, default=8, help="bursts of a hundred claims in a pass")
    parser.add_argument("--history", type=int, default=HISTORY_ROWS, help="finished items of the full past")
    parser.add_argument("--calm", type=float, default=0.1, help="share of the machine that others may use")
    parser.add_argument("--businesses", type=int, default=200, help="businesses of the day")
    parser.add_argument("--leads", type=int, default=1_000_000, help="whom they call, in all")
    parser.add_argument("--lines", type=int, help="lines of the carrier account; fewer make a day shorter")
    parser.add_argument("--begins", type=time.fromisoformat, help="when the day begins, as HH:MM in UTC")
    parser.add_argument("--minutes", type=float, default=600.0, help="virtual minutes of the day at most")
    parser.add_argument("--wall", type=float, default=420.0, help="seconds that the day may take")
    parser.add_argument("--full", action="store_true", help="go on until everybody is called: hours")
    parser.add_argument("--seed", type=int, default=1, help="what chance begins with")
    parser.add_argument("--quick", action="store_true", help="a little of each, to see that it works")
    parser.add_argument("--folder", type=Path, default=ROOT / "build", help="where PostgreSQL keeps its data")
    asked = parser.parse_args()
    at_once = 100
    if asked.full:
        asked.minutes = asked.wall = float("inf")
    if asked.quick:
        asked.rounds, asked.bursts, asked.calm = 1, 1, 1.0
        asked.history, asked.businesses = min(asked.history, 2_000), 10
        asked.leads, asked.minutes, at_once = 1_500, 4.0, 25
    begins = day.SHORTLY_BEFORE_AN_EDGE if asked.quick else day.BEGINS
    if asked.begins:
        begins = datetime.combine(begins, asked.begins, UTC)
    parts = asked.parts.split(",")
    systems = chosen(asked.only) if "claims" in parts else []
    figures: dict[str, Any] = {}
    with open_servers(asked.folder) as servers:
        figures["machine"] = {
            "python": platform.python_version(), "cpus": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2), "servers": servers.durability(),
        }  # fmt: skip
        if "claims" in parts:
            figures["claims"] = claims.measure(
                servers, systems, rounds=asked.rounds, bursts=asked.bursts, at_once=at_once,
                history=asked.history, calm=asked.calm, say=say,
            )  # fmt: skip
            figures["ratios"] = claims.ratios(figures["claims"])
        if "day" in parts:
            figures["day"] = day.measure(
                servers, businesses=asked.businesses, leads=asked.leads, lines=asked.lines,
                begins=begins, minutes=asked.minutes, wall_s=asked.wall, seed=asked.seed,
                say=say,
            )  # fmt: skip
    dialling_report.show(figures, systems)
    print(json.dumps(figures))
    if faults := figures.get("day", {}).get("faults"):
        raise SystemExit(f"the day was not as it must be: {faults}")


if __name__ == "__main__":
    main()
