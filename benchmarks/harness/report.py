"""The figures as tables for people, with what each system promises beside its ratio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.contestants import OURS, Contestant


def show(figures: dict[str, Any], contestants: Sequence[Contestant]) -> None:
    """Print everything that was measured."""
    machine = figures["machine"]
    print(f"Python {machine['python']}, {machine['cpus']} processors, load {machine['load']} at the start")
    print(machine["servers"])
    if "enqueue" in figures:
        _show_enqueuing(figures["enqueue"])
    for count, by_name in figures.get("throughput", {}).items():
        _show_throughput(count, by_name)
    if "throughput" in figures:
        _show_promises(contestants)
    if "history" in figures:
        history = figures["history"]
        print(
            f"\nWith {history['rows']:,} finished rows in the ledger, 2 workers: {history['full_per_s']}"
            f" jobs/s, empty {history['empty_per_s']}; median of the rounds' ratios {history['ratio']}"
            f" (others {history['others']:.0%});\nprocessor time a job {history['full_us']} us, empty"
            f" {history['empty_us']} us; median of the ratios {history['processor_ratio']}"
        )
    if "profile" in figures:
        _show_profile(figures["profile"])


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows in columns, the first to the left, figures to the right."""
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        line = [
            cell.rjust(width) if number and cell[:1].isdigit() else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(line).rstrip())


def _show_enqueuing(enqueue: dict[str, Any]) -> None:
    print("\nEnqueuing one job, microseconds")
    table(("", "p50", "p95", "p99"), [(name, *cuts.values()) for name, cuts in enqueue["us"].items()])
    if enqueue["bulk_per_s"]:
        print("\nEnqueuing many at once, jobs a second")
        table(("", "jobs/s"), list(enqueue["bulk_per_s"].items()))


def _show_throughput(count: str, by_name: dict[str, dict[str, float]]) -> None:
    mine = by_name[OURS]["per_s"]
    plural = "s" if count != "1" else ""
    print(f"\nFrom a full queue to the last job recorded, {count} worker{plural}; processor time by job")
    table(
        ("", "jobs/s", "least", "most", "ours is", "worker us", "PostgreSQL us", "Redis us", "others"),
        [
            (name, row["per_s"], row["least"], row["most"], f"{mine / row['per_s']:.2f} x",
             row["worker_us"], row["postgres_us"], row["redis_us"], f"{row['others']:.0%}")
            for name, row in by_name.items()
        ],
    )  # fmt: skip


def _show_promises(contestants: Sequence[Contestant]) -> None:
    print("\nWhat each promises, as it was run")
    table(
        ("", "with its cause", "worker killed", "fair", "unique", "stop a running one", "state to read"),
        [
            (c.name, _word(c.promises.with_cause), c.promises.kill_9, _word(c.promises.fair),
             _word(c.promises.unique), c.promises.cancel, _word(c.promises.record))
            for c in contestants
        ],
    )  # fmt: skip


def _show_profile(profile: dict[str, Any]) -> None:
    print("\nWhere our worker's time goes, share of the wall clock")
    table(("", "share"), [(what, f"{share:.1%}") for what, share in profile["time"].items()])
    print("\nWhat PostgreSQL is asked, by time")
    table(
        ("calls/job", "us/call", "us/job", "statement"),
        [
            (row["calls_per_job"], row["us_per_call"], row["us_per_job"], row["statement"])
            for row in profile["statements"]
        ],
    )
    print("\nThe same exchange with the ledger in a bare loop, without handlers: the ceiling of one worker")
    table(("", "jobs/s"), list(profile["ceiling_per_s"].items()))


def _word(kept: bool) -> str:
    return "yes" if kept else "no"
