"""The demo's reckoning: what the API says, held against what the carrier's own book says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from statistics import quantiles
from typing import Any
from zoneinfo import ZoneInfo

from trunkline.demo.client import BusinessClient

_FINAL_ITEMS = frozenset({"completed", "failed", "cancelled", "unknown"})


@dataclass(slots=True)
class Report:
    """What came of the demo. `appointments` counts the bookings, `appointments_as_wished` those whose
    weekday and time are what the person last said they wished for."""

    leads: int = 0
    attempts: int = 0
    inbound_calls: int = 0
    by_disposition: dict[str, int] = field(default_factory=dict)
    appointments: int = 0
    appointments_as_wished: int = 0
    appointment_details: list[dict[str, Any]] = field(default_factory=list)
    turns: int = 0
    max_rings_per_number: int = 0
    carrier_calls: int = 0
    call_ids_equal: bool = False
    call_ids_only_ours: list[str] = field(default_factory=list)
    call_ids_only_carriers: list[str] = field(default_factory=list)
    double_dials: list[dict[str, Any]] = field(default_factory=list)
    rejected_unknown_number: int = 0
    stuck_items: int = 0
    unfinished_calls: int = 0
    reply_ms_p50: float | None = None
    reply_ms_p95: float | None = None
    wall_seconds: float = 0.0

    @property
    def is_sound(self) -> bool:
        """True when nothing is stuck, nobody was rung twice, and both books name the same calls."""
        return (
            not self.stuck_items
            and not self.unfinished_calls
            and not self.double_dials
            and self.max_rings_per_number <= 1
            and self.call_ids_equal
        )

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON data."""
        return asdict(self)


def reckon(clients: Sequence[BusinessClient], book: dict[str, Any], *, nobodys_number: str) -> Report:
    """Compare our records with the carrier's book."""
    report = Report()
    dispositions: Counter[str] = Counter()
    ours: set[str] = set()
    replies: list[float] = []
    for client in clients:
        items, calls = client.items(), client.calls()
        report.leads += len(items)
        report.stuck_items += sum(item["state"] not in _FINAL_ITEMS for item in items)
        report.attempts += len(client.attempts())
        ours |= {call["carrier_sid"] for call in calls}
        report.inbound_calls += sum(call["direction"] == "inbound" for call in calls)
        report.unfinished_calls += sum(call["finalized_at"] is None for call in calls)
        dispositions.update(call["disposition"] or "unfinished" for call in calls)
        for call in calls:
            for event in client.call(call["id"])["events"]:
                report.turns += event["kind"] in {"agent_said", "caller_said", "digits"}
                if event["kind"] == "latency" and event["data"].get("reply_ms") is not None:
                    replies.append(event["data"]["reply_ms"])
        for appointment in client.appointments():
            detail = _held_against_wish(client, appointment, book)
            report.appointments += 1
            report.appointments_as_wished += detail["as_wished"]
            report.appointment_details.append(detail)
    _compare_calls(report, ours, book, nobodys_number)
    report.by_disposition = dict(sorted(dispositions.items()))
    report.max_rings_per_number = max((len(row["rings"]) for row in book["people"].values()), default=0)
    report.double_dials = book["double_dials"]
    if len(replies) > 1:
        cuts = quantiles(replies, n=20, method="inclusive")
        report.reply_ms_p50, report.reply_ms_p95 = round(cuts[9], 1), round(cuts[18], 1)
    return report


def _compare_calls(report: Report, ours: set[str], book: dict[str, Any], nobodys_number: str) -> None:
    """Hold the sets of call ids against each other; calls to nobody's number must not be ours."""
    to_nobody = {call["sid"] for call in book["calls"] if call["to"] == nobodys_number}
    carriers = {call["sid"] for call in book["calls"]} - to_nobody
    report.rejected_unknown_number = len(to_nobody)
    report.carrier_calls = len(carriers)
    report.call_ids_only_ours = sorted(ours - carriers)
    report.call_ids_only_carriers = sorted(carriers - ours)
    report.call_ids_equal = ours == carriers


def _held_against_wish(
    client: BusinessClient, appointment: dict[str, Any], book: dict[str, Any]
) -> dict[str, Any]:
    phone = client.lead(appointment["lead_id"])["phone"]
    zone = ZoneInfo(client.seeded.cast.time_zone)
    local = datetime.fromisoformat(appointment["starts_at"]).astimezone(zone)
    booked = {"weekday": f"{local:%A}".lower(), "time": f"{local:%H:%M}"}
    person = book["people"].get(phone, {})
    wish = person.get("wish")
    wished = {key: wish[key] for key in ("weekday", "time")} if wish else None
    return {
        "phone": phone,
        "persona": person.get("persona"),
        "booked": booked,
        "wished": wished,
        "as_wished": booked == wished,
    }
