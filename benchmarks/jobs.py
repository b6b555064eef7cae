"""How fast are Trunkline's jobs, beside the systems that one might use instead?

One run on one machine: every system on the same PostgreSQL and Valkey, in rounds that take turns, medians
over the rounds. What each promises is printed beside its figures. Last line: one JSON object.

    python benchmarks/jobs.py [--rounds N] [--jobs N] [--only NAMES] [--parts PARTS] [--profile] [--quick]

docs/reference/benchmarks.md says how to read it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import profile, report
from harness.contestants import CONTESTANTS, HISTORY_ROWS, OURS, Contestant, Sides, chosen
from harness.passes import Pass, run_calm_pass, wait_for_calm
from harness.servers import Servers, open_servers
from harness.turns import turns

ROOT = Path(__file__).parents[1]
PARTS = ("enqueue", "throughput", "history")
WORKER_COUNTS = (1, 2)


def measure_enqueuing(
    sides: Sides, contestants: Sequence[Contestant], *, rounds: int, samples: int, calm: float
) -> dict[str, Any]:
    """Return microseconds (p50, p95, p99) by system and what was timed, and rows a second in bulk."""
    timed: dict[str, list[dict[str, float]]] = {}
    bulk: dict[str, list[float]] = {}
    for contestant in turns([c for c in contestants if c.enqueues], rounds):
        side = sides.of(contestant)
        side.ask("reset")
        wait_for_calm(calm)
        for what, microseconds in side.ask("latency", samples=samples).items():
            cuts = statistics.quantiles(microseconds, n=100)
            name = contestant.name if what == "call" else f"{contestant.name}: {what}"
            timed.setdefault(name, []).append({"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]})
        side.ask("reset")
        rows = samples * 10
        answer = side.ask("bulk", jobs=rows)
        if answer["result"]:
            bulk.setdefault(contestant.name, []).append(rows / answer["seconds"])
        side.ask("reset")
    return {
        "us": {
            name: {cut: round(statistics.median(r[cut] for r in rows), 1) for cut in ("p50", "p95", "p99")}
            for name, rows in timed.items()
        },
        "bulk_per_s": {name: round(statistics.median(rates)) for name, rates in bulk.items()},
    }


def measure_throughput(
    servers: Servers, sides: Sides, contestants: Sequence[Contestant], *, rounds: int, jobs: int, calm: float
) -> dict[str, Any]:
    """Return what the passes came to, by number of workers and system."""
    passes: dict[int, dict[str, list[Pass]]] = {count: {} for count in WORKER_COUNTS}
    for count in WORKER_COUNTS:
        for contestant in turns(contestants, rounds):
            number = max(20, int(jobs * contestant.share))
            done = run_calm_pass(servers, sides.of(contestant), jobs=number, workers=count, calm=calm)
            passes[count].setdefault(contestant.name, []).append(done)
            say(f"{contestant.name}, {count} workers: {done.per_second:.0f}/s, others {done.others:.0%}")
    return {
        str(count): {contestant.name: _figures(by_name[contestant.name]) for contestant in contestants}
        for count, by_name in passes.items()
    }


def measure_history(
    servers: Servers, sides: Sides, ours: Contestant, *, rounds: int, jobs: int, rows: int, calm: float
) -> dict[str, Any]:
    """Return the rates with an empty ledger and with a full one, and the median of the rounds' ratios."""
    rates: dict[int, list[float]] = {0: [], rows: []}
    busy: dict[int, list[float]] = {0: [], rows: []}
    others: list[float] = []
    for history in turns([0, rows], rounds):
        done = run_calm_pass(servers, sides.of(ours, history=history), jobs=jobs, workers=2, calm=calm)
        rates[history].append(done.per_second)
        busy[history].append(done.worker_us + done.postgres_us)
        others.append(done.others)
        say(f"{history} finished rows: {done.per_second:.0f}/s, {busy[history][-1]:.0f} us a job")
    pairs = [full / empty for empty, full in zip(rates[0], rates[rows], strict=True)]
    costs = [full / empty for empty, full in zip(busy[0], busy[rows], strict=True)]
    return {
        "rows": rows,
        "empty_per_s": round(statistics.median(rates[0])),
        "full_per_s": round(statistics.median(rates[rows])),
        "ratio": round(statistics.median(pairs), 3),
        "ratios": [round(pair, 3) for pair in pairs],
        "empty_us": round(statistics.median(busy[0])),
        "full_us": round(statistics.median(busy[rows])),
        "processor_ratio": round(statistics.median(costs), 3),
        "processor_ratios": [round(cost, 3) for cost in costs],
        "others": round(statistics.median(others), 2),
    }


def _figures(passes: Sequence[Pass]) -> dict[str, float]:
    rates = [done.per_second for done in passes]
    return {
        "per_s": round(statistics.median(rates), 1),
        "least": round(min(rates), 1),
        "most": round(max(rates), 1),
        "worker_us": round(statistics.median(done.worker_us for done in passes)),
        "postgres_us": round(statistics.median(done.postgres_us for done in passes)),
        "redis_us": round(statistics.median(done.redis_us for done in passes)),
        "others": round(statistics.median(done.others for done in passes), 2),
    }


def ratios(figures: dict[str, Any]) -> dict[str, Any]:
    """Return ours by each peer's: above 1 we do more in a second, or take longer to enqueue."""
    found: dict[str, Any] = {}
    for count, by_name in figures.get("throughput", {}).items():
        mine = by_name[OURS]["per_s"]
        found[f"throughput_{count}"] = {
            name: round(mine / row["per_s"], 2) for name, row in by_name.items() if name != OURS
        }
    if "enqueue" in figures:
        us = figures["enqueue"]["us"]
        peers = [name for name in us if not name.startswith(OURS)]
        for what in (OURS, f"{OURS}: call, commit and bell"):
            found[f"enqueue_p50 {what}"] = {
                name: round(us[what]["p50"] / us[name]["p50"], 2) for name in peers
            }
    return found


def say(line: str) -> None:
    """Tell how far it is, beside the results."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure what was asked for."""
    # Told to end, it still stops its servers and removes their data.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=5_000, help="jobs of a pass; slow systems get a share")
    parser.add_argument("--samples", type=int, default=500, help="enqueues timed in a round")
    parser.add_argument(
        "--only", help="systems, separated by commas: " + ", ".join(c.name for c in CONTESTANTS)
    )
    parser.add_argument("--parts", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    parser.add_argument(
        "--calm",
        type=float,
        default=0.1,
        help="share of the machine that others may use before a pass is repeated",
    )
    parser.add_argument("--history", type=int, default=HISTORY_ROWS, help="finished rows of the full ledger")
    parser.add_argument("--profile", action="store_true", help="say where the time goes, too")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it works")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build", help="where the servers keep their data"
    )
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.jobs, asked.samples, asked.calm = 1, 200, 60, 1.0
        asked.history = min(asked.history, 10_000)
    parts = asked.parts.split(",") if asked.parts else []
    contestants = chosen(asked.only)
    ours = contestants[0]
    figures: dict[str, Any] = {}
    with open_servers(asked.folder) as servers:
        figures["machine"] = {
            "python": platform.python_version(),
            "cpus": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2),
            "servers": servers.durability(),
        }
        sides = Sides(servers)
        try:
            if "enqueue" in parts:
                figures["enqueue"] = measure_enqueuing(
                    sides, contestants, rounds=asked.rounds, samples=asked.samples, calm=asked.calm
                )
            if "throughput" in parts:
                figures["throughput"] = measure_throughput(
                    servers, sides, contestants, rounds=asked.rounds, jobs=asked.jobs, calm=asked.calm
                )
            if "history" in parts:
                figures["history"] = measure_history(
                    servers,
                    sides,
                    ours,
                    rounds=asked.rounds,
                    jobs=asked.jobs,
                    rows=asked.history,
                    calm=asked.calm,
                )
            if asked.profile:
                sides.close()
                servers.restart_counting_statements()
                figures["profile"] = profile.measure(servers, sides.of(ours), jobs=asked.jobs)
        finally:
            sides.close()
    figures["ratios"] = ratios(figures)
    report.show(figures, contestants)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
