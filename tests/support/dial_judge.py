"""The judge of dials: what was promised of them, held against the carrier's book and the rows.

Pure: it is given both and names every harm. Which dial an order was for, its answer address tells: the
token in it bears the attempt. The negative controls show it harm and see that it convicts.
"""

from __future__ import annotations

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from support.dial_watch import Look
from support.local_carrier import Page
from support.system import FINAL_ITEM_STATES
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.runs.models import RunState
from trunkline.domain.outbound import run_store, service
from trunkline.domain.outbound.models import OutboundAttempt, OutboundItem

HARMS = (
    "ordered_twice", "rang_twice", "overlap", "unfinished", "unrecorded", "misjudged", "doubt", "unheld",
    "miscounted", "over_limit", "progress", "fence", "adrift",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """A run as it stands at the end."""

    run_id: UUID
    state: str
    items: Sequence[OutboundItem]
    attempts: Sequence[OutboundAttempt]


@dataclass(slots=True)
class Verdict:
    """What came of it. Every harm says whose it is."""

    people: int
    dials: int
    rings: int
    in_doubt: int
    looks: int
    harms: dict[str, list[str]] = field(default_factory=lambda: {harm: [] for harm in HARMS})

    @property
    def found(self) -> dict[str, list[str]]:
        """The harms that there are."""
        return {harm: whose for harm, whose in self.harms.items() if whose}

    @property
    def figures(self) -> dict[str, int]:
        """For the suite's last line."""
        return {
            "people": self.people, "dials": self.dials, "rings": self.rings, "in_doubt": self.in_doubt,
            "looks": self.looks, **{harm: len(whose) for harm, whose in self.harms.items()},
        }  # fmt: skip


def record_of(world: World, run_id: UUID) -> Record:
    """Read a run's rows."""
    business = world.business_id
    with unit_of_work(world.scope) as session:
        return Record(
            run_id,
            service.get_run(session, business, run_id).state,
            run_store.items_of_run(session, business, run_id),
            run_store.attempts_of_run(session, business, run_id),
        )


def attempt_of_order(form: dict[str, str]) -> str:
    """Return which attempt an order was for."""
    (token,) = parse_qs(urlsplit(form["Url"]).query)["token"]
    body = token.split(".", 1)[0]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return str(claims["attempt_id"])


def judge(page: Page, records: Iterable[Record], looks: Sequence[Look] = ()) -> Verdict:
    """Hold what was promised against the carrier's book and what stands in the rows."""
    runs = list(records)
    rows = {str(row.id): row for run in runs for row in run.attempts}
    verdict = Verdict(
        people=len(page.rings), dials=len(rows), rings=sum(map(len, page.rings.values())), looks=len(looks),
        in_doubt=sum(item.state == "unknown" for run in runs for item in run.items),
    )  # fmt: skip
    harms = verdict.harms
    attempt_of_sid = {one["sid"]: attempt_of_order(one["form"]) for one in page.creates if one["sid"]}
    _orders(harms, page, attempt_of_sid)
    for run in runs:
        if run.state not in {RunState.COMPLETED, RunState.CANCELLED}:
            harms["unfinished"].append(f"run {run.run_id} is {run.state}")
        harms["unfinished"] += [
            f"item {item.id} is {item.state}" for item in run.items if item.state not in FINAL_ITEM_STATES
        ]
        _doubts(harms, run, set(attempt_of_sid.values()))
    _calls(harms, page, rows, attempt_of_sid)
    for look in looks:
        for kind, what in look.harms:
            harms[kind].append(what)
    _lines(harms, page, looks, attempt_of_sid)
    return verdict


def _orders(harms: dict[str, list[str]], page: Page, attempt_of_sid: dict[str, str]) -> None:
    orders = Counter(attempt_of_order(one["form"]) for one in page.creates)
    harms["ordered_twice"] += [attempt for attempt, count in orders.items() if count > 1]
    rings = Counter(attempt_of_sid[ring["sid"]] for line in page.rings.values() for ring in line)
    harms["rang_twice"] += [attempt for attempt, count in rings.items() if count > 1]
    harms["overlap"] += [str(found) for found in page.double_dials if found["kind"] == "overlap"]


def _doubts(harms: dict[str, list[str]], run: Record, placed: set[str]) -> None:
    """People in doubt are those of whose last dial nobody knows, and of them nobody was called by it."""
    dials = defaultdict[UUID, list[OutboundAttempt]](list)
    for row in run.attempts:
        dials[row.item_id].append(row)
    for item in run.items:
        last = dials[item.id][-1].state if dials[item.id] else None
        if (item.state == "unknown") != (last == "unknown"):
            harms["doubt"].append(f"item {item.id} is {item.state} after a dial that is {last}")
        harms["doubt"] += [
            f"dial {row.id} is {row.state}, and was placed"
            for row in dials[item.id]
            if row.state in {"unknown", "rejected"} and str(row.id) in placed
        ]


def _calls(
    harms: dict[str, list[str]], page: Page, rows: dict[str, OutboundAttempt], attempt_of_sid: dict[str, str]
) -> None:
    """Each call of the carrier's is the call of the attempt that ordered it, and its end is known."""
    for call in page.calls:
        row = rows.get(attempt_of_sid[call["sid"]])
        if row is None or (row.carrier_sid, row.phone) != (call["sid"], call["to"]):
            harms["unrecorded"].append(f"call {call['sid']} to {call['to']}")
        elif row.state != "ended" or row.disposition != _ENDS.get(call["status"], ""):
            harms["misjudged"].append(f"{call['status']} call {call['sid']}: {row.state}, {row.disposition}")
    known = {call["sid"] for call in page.calls}
    harms["unrecorded"] += [
        f"{row.carrier_sid} of {row.id} is no call"
        for row in rows.values()
        if row.carrier_sid is not None and row.carrier_sid not in known
    ]


_ENDS = {"busy": "busy", "no-answer": "no_answer", "failed": "failed", "canceled": "cancelled"}


def _lines(
    harms: dict[str, list[str]], page: Page, looks: Sequence[Look], attempt_of_sid: dict[str, str]
) -> None:
    """Whatever was alive at the carrier when somebody looked held a line then."""
    lives = [
        (
            _seconds(call["created_at"]),
            float("inf") if call["ended_at"] is None else _seconds(call["ended_at"]),
            attempt_of_sid[call["sid"]],
        )
        for call in page.calls
    ]
    for look in looks:
        harms["unheld"] += [
            f"{attempt} at {look.began}"
            for began, ended, attempt in lives
            if began < look.began and ended > look.ended and attempt not in look.unresolved
        ]


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
