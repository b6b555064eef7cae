"""Looks at a dialler at work: what stands in the rows at one moment, and what the product counts of it.

A look is one transaction on one snapshot, in which the product's own counts are made beside ours. What
must be true of it is judged at once; kept are what was wrong, and which dials held a line.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from support.installation import Installation
from support.world import World
from trunkline.core.db import SYSTEM
from trunkline.core.tenancy import line_use
from trunkline.domain.outbound import claim_store, service
from trunkline.domain.outbound.service import Progress

_SCOPE = text("select set_config('app.business_id', :business, true), set_config('app.is_system', '', true)")
_UNRESOLVED = text(
    """
    select id, run_id, item_id, phone, state, created_at from outbound_attempts
    where state not in ('ended', 'rejected') and not released
    """
)
_ITEMS = text("select run_id, state, count(*) as items from outbound_items group by run_id, state")
_BEGUN = text("select id, state from outbound_items where state in ('dialling', 'in_call', 'unknown')")
_RUNS = text("select id, state, cast(options ->> 'concurrency' as int) as lines from runs")
_MOST = text("select max_outbound_calls from businesses where id = :business")

_PARTS = {
    "queued": ("queued", "retry_wait"), "active": ("dialling", "in_call", "wrap_up"), "done": ("completed",),
    "failed": ("failed",), "cancelled": ("cancelled",), "unknown": ("unknown",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sight:
    """One business as one snapshot shows it."""

    unresolved: Sequence[Row[Any]]
    begun: dict[UUID, str]
    """State by item, of those that are dialled, talked to or in doubt."""
    counts: dict[UUID, Counter[str]]
    """Items by state, of each run."""
    runs: dict[UUID, tuple[str, int]]
    """State and lines of each run."""
    most: int
    """Lines of the business."""
    held_by_run: dict[UUID, int]
    held: int
    progress: dict[UUID, Progress]
    """These three as the product counts them."""


@dataclass(slots=True)
class Look:
    """What one look found."""

    began: float
    ended: float
    """Between these, in seconds since 1970, the snapshot was taken."""
    unresolved: frozenset[str]
    """The dials that are not resolved."""
    queued: dict[UUID, int]
    """How many items of each run wait."""
    states: dict[UUID, str]
    """Of the runs."""
    ringing: int
    harms: list[tuple[str, str]] = field(default_factory=list)


class Watch:
    """Looks at the businesses that it is shown. `longest_life` is after how long a doubt holds no line."""

    def __init__(self, installation: Installation, *, longest_life: timedelta, system: int) -> None:
        self._engine = installation.database.engine.execution_options(isolation_level="REPEATABLE READ")
        self._longest_life = longest_life
        self._system = system
        self.looks: list[Look] = []

    def look(self, worlds: Sequence[World]) -> Look:
        """Take one, judge it, and keep it."""
        began = time.time()
        with Session(self._engine, info={"scope": SYSTEM}) as session:
            now: datetime = session.execute(text("select clock_timestamp()")).scalar_one()
            ended = time.time()
            since = now - self._longest_life
            everywhere = line_use(session, "any", live_since=since, seen_since=now).dials_in_all
            sights = [_sight(session, world, since) for world in worlds]
        rows = [row for sight in sights for row in sight.unresolved]
        look = Look(
            began, ended, frozenset(str(row.id) for row in rows),
            queued={run: counts["queued"] for sight in sights for run, counts in sight.counts.items()},
            states={run: state for sight in sights for run, (state, _) in sight.runs.items()},
            ringing=sum(row.state == "ringing" for row in rows),
        )  # fmt: skip
        for sight in sights:
            look.harms.extend(harms_of(sight, since))
        held = sum(holds(row, since) for row in rows)
        if everywhere != held:
            look.harms.append(("miscounted", f"the system counts {everywhere} lines of {held}"))
        if everywhere > self._system:
            look.harms.append(("over_limit", f"{everywhere} lines of the system"))
        self.looks.append(look)
        return look


def holds(row: Row[Any], since: datetime) -> bool:
    """Return whether an unresolved dial holds a line: any but a doubt from before `since`."""
    return bool(row.state != "unknown" or row.created_at > since)


def harms_of(sight: Sight, since: datetime) -> list[tuple[str, str]]:
    """Hold what the product counts in one business against the rows themselves."""
    harms = []
    held = Counter(row.run_id for row in sight.unresolved if holds(row, since))
    if dict(held) != sight.held_by_run:
        harms.append(("miscounted", f"lines by run: {sight.held_by_run} of {dict(held)}"))
    if sight.held != held.total():
        harms.append(("miscounted", f"lines of the business: {sight.held} of {held.total()}"))
    # A doubt of long ago that proves to be a call after all may be one too many; nothing begins by that.
    young = Counter(row.run_id for row in sight.unresolved if row.created_at > since)
    harms += [
        ("over_limit", f"{count} lines of run {run}")
        for run, count in young.items()
        if count > sight.runs[run][1]
    ]
    if young.total() > sight.most:
        harms.append(("over_limit", f"{young.total()} lines of a business"))
    for run, counts in sight.counts.items():
        ours = {part: sum(counts[state] for state in states) for part, states in _PARTS.items()}
        theirs = {part: getattr(sight.progress[run], part) for part in _PARTS}
        if theirs != ours or sum(theirs.values()) != sight.progress[run].total:
            harms.append(("progress", f"run {run}: {sight.progress[run]} of {dict(counts)}"))
    dialled = {row.item_id for row in sight.unresolved}
    if len({row.phone for row in sight.unresolved}) != len(sight.unresolved):
        harms.append(("fence", "two dials to one number are not resolved"))
    if strays := dialled - set(sight.begun):
        harms.append(("adrift", f"dials of items that are over or wait: {strays}"))
    if idle := {item for item, state in sight.begun.items() if state != "unknown"} - dialled:
        harms.append(("adrift", f"items without the dial that they wait for: {idle}"))
    return harms


def _sight(session: Session, world: World, since: datetime) -> Sight:
    business = world.business_id
    session.execute(_SCOPE, {"business": str(business)})
    counts: dict[UUID, Counter[str]] = {}
    for row in session.execute(_ITEMS):
        counts.setdefault(row.run_id, Counter())[row.state] = row.items
    held_by_run = claim_store.live_by_run(session, business, live_since=since)
    return Sight(
        unresolved=session.execute(_UNRESOLVED).all(),
        begun={row.id: row.state for row in session.execute(_BEGUN)},
        counts=counts,
        runs={row.id: (row.state, row.lines) for row in session.execute(_RUNS)},
        most=session.execute(_MOST, {"business": business}).scalar_one(),
        held_by_run=held_by_run,
        held=sum(held_by_run.values()),
        progress=service.progress_of(session, business, list(counts)),
    )
