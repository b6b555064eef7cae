"""Watching the demo: live progress in the terminal, and the tables at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from trunkline.demo.client import BusinessClient
from trunkline.demo.report import Report

_SPOKEN = {"agent_said": "agent", "caller_said": "caller", "digits": "keypad"}


def progress(clients: Sequence[BusinessClient]) -> tuple[RenderableType, bool]:
    """Return what to show now, and whether every run is over and every call is written."""
    runs = Table.grid(padding=(0, 2))
    live = Table("business", "call", "with", "last words", expand=True)
    over = True
    for client in clients:
        run = client.run()
        counts = run["progress"]
        done = counts["done"] + counts["failed"] + counts["cancelled"] + counts["unknown"]
        runs.add_row(
            client.seeded.cast.name,
            ProgressBar(total=counts["total"], completed=done, width=32)
            if run["state"] in {"running", "paused"}
            else run["state"],
            f"{done}/{counts['total']}",
            f"queued {counts['queued']}, active {counts['active']}, failed {counts['failed']}",
        )
        calls = client.calls()
        over &= run["state"] not in {"pending", "running", "paused"}
        over &= all(call["finalized_at"] for call in calls)
        for call in calls:
            if call["state"] == "live":
                live.add_row(
                    client.seeded.cast.name, call["direction"], call["theirs"], last_words(client, call)
                )
    return Group(runs, live), over


def last_words(client: BusinessClient, call: dict[str, Any]) -> Text:
    """Return the newest thing said in a call."""
    for event in reversed(client.call(call["id"])["events"]):
        if event["kind"] in _SPOKEN:
            return Text(f"{_SPOKEN[event['kind']]}: {words_of(event)}", overflow="ellipsis", no_wrap=True)
    return Text("ringing or greeting", style="dim")


def words_of(event: dict[str, Any]) -> str:
    """Return what was said or keyed in an event."""
    data = event["data"]
    return str(data.get("heard_text") or data.get("text") or data.get("digits") or "(unintelligible)")


def show_outcome(console: Console, clients: Sequence[BusinessClient], report: Report) -> None:
    """Print a table of outcomes and one whole transcript."""
    outcomes = Table("outcome", "calls", title="What came of it")
    for disposition, count in report.by_disposition.items():
        outcomes.add_row(disposition, str(count))
    console.print(outcomes)
    facts = Table.grid(padding=(0, 2))
    facts.add_row(
        "leads called", f"{report.leads} by {report.attempts} dials; {report.inbound_calls} called us"
    )
    facts.add_row(
        "appointments", f"{report.appointments}, {report.appointments_as_wished} as the person wished"
    )
    facts.add_row("most rings of one number", str(report.max_rings_per_number))
    facts.add_row("stuck items", str(report.stuck_items))
    same = "the same calls" if report.call_ids_equal else "DIFFERENT calls"
    facts.add_row("carrier's book", f"{report.carrier_calls} calls, {same} as in ours")
    facts.add_row("reply time", f"median {report.reply_ms_p50} ms, p95 {report.reply_ms_p95} ms")
    console.print(facts)
    _show_transcript(console, clients)


def _show_transcript(console: Console, clients: Sequence[BusinessClient]) -> None:
    for client in clients:
        booked = [call for call in client.calls() if call["disposition"] == "booked"]
        if not booked:
            continue
        call = client.call(booked[-1]["id"])
        table = Table("who", "words", title=f"One call: {client.seeded.cast.name} and {call['theirs']}")
        for event in call["events"]:
            if event["kind"] in _SPOKEN:
                table.add_row(_SPOKEN[event["kind"]], Text(words_of(event)))
        console.print(table)
        return
