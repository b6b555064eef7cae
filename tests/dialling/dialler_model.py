"""What must always be true of a business's runs, whatever dialler, carrier and people do.

Reads everything in one transaction, and compares it with what was read before: owns no rule of what
happens, only of what may have become of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from support.world import World
from trunkline.core.runs.models import Run
from trunkline.domain.outbound import claim_store, service
from trunkline.domain.outbound.models import (
    AttemptState,
    ItemState,
    OutboundAttempt,
    OutboundItem,
    OutboundRun,
    Suppression,
)
from trunkline.domain.outbound.options import DialLimits, RunOptions
from trunkline.domain.outbound.rules import lines_of
from trunkline.domain.outbound.service import Progress

_MOVES = {
    "queued": {"dialling", "retry_wait", "cancelled", "failed"},
    "dialling": {
        "queued", "in_call", "wrap_up", "completed", "failed", "cancelled", "retry_wait", "unknown",
    },
    "in_call": {"wrap_up", "completed", "failed", "retry_wait"},
    "wrap_up": {"completed", "retry_wait"},
    # By way of queued, in one transaction, if it is dialled as soon as it is woken.
    "retry_wait": {"queued", "dialling", "cancelled", "failed"},
    # Only a word of the carrier, however late, moves what nobody knew; nothing else moves again.
    "unknown": {"wrap_up", "completed", "failed", "retry_wait"},
    "completed": set(), "failed": set(), "cancelled": set(),
}  # fmt: skip
"""The arrows of docs/reference/outbound.md."""

_UNRESOLVED = frozenset({"submitting", "placed", "ringing", "answered", "unknown"})


@dataclass(frozen=True, slots=True)
class Sight:
    """A business at one moment."""

    runs: dict[UUID, tuple[Run, OutboundRun]]
    items: dict[UUID, OutboundItem]
    attempts: dict[UUID, OutboundAttempt]
    progress: dict[UUID, Progress]
    suppressed: set[str]
    held_by_run: dict[UUID, int]
    """Lines as the product counts them."""
    now: datetime
    longest_life: timedelta

    def holders(self) -> list[OutboundAttempt]:
        """The attempts that hold a line: of the unresolved, doubts only while they may be live."""
        return [
            row
            for row in self.attempts.values()
            if row.state in _UNRESOLVED
            and not row.released
            and (row.state != AttemptState.UNKNOWN or row.created_at > self.now - self.longest_life)
        ]

    def lines_of(self, run_id: UUID) -> int:
        """How many lines a run may use now."""
        run, more = self.runs[run_id]
        options = RunOptions.model_validate(run.options)
        return lines_of(options.concurrency, options.ramp_up_per_minute, since=more.ramp_from, now=self.now)

    def may_dial(self, run_id: UUID) -> bool:
        """Whether a run goes on and nothing holds it."""
        run, more = self.runs[run_id]
        return run.state == "running" and not (more.held_until and more.held_until > self.now)


def sight_of(session: Session, world: World, limits: DialLimits, now: datetime) -> Sight:
    """Read a business."""
    business = world.business_id
    both = select(Run, OutboundRun).join(OutboundRun, OutboundRun.run_id == Run.id).order_by(Run.id)
    runs = {row[0].id: (row[0], row[1]) for row in session.execute(both)}
    return Sight(
        runs=runs,
        items={row.id: row for row in session.scalars(select(OutboundItem))},
        attempts={row.id: row for row in session.scalars(select(OutboundAttempt))},
        progress=service.progress_of(session, business, list(runs)),
        suppressed=set(session.scalars(select(Suppression.phone))),
        held_by_run=claim_store.live_by_run(session, business, live_since=now - limits.longest_life),
        now=now,
        longest_life=limits.longest_life,
    )


@dataclass
class Model:
    """What was seen last, and what may follow it."""

    states: dict[UUID, str] = field(default_factory=dict)
    ranks: dict[UUID, int] = field(default_factory=dict)
    runs: dict[UUID, str] = field(default_factory=dict)

    def check(self, sight: Sight) -> None:
        """See that everything holds, and that nothing went where no arrow leads."""
        unresolved = [row for row in sight.attempts.values() if row.state in _UNRESOLVED]
        fenced = [row.phone for row in unresolved if not row.released]
        assert len(set(fenced)) == len(fenced), "one person, two dials"
        held = Counter(row.run_id for row in sight.holders())
        assert sight.held_by_run == dict(held)
        busy = {row.item_id for row in unresolved}
        for item in sight.items.values():
            self._check_item(item, sight, is_busy=item.id in busy)
        for row in sight.attempts.values():
            rank = AttemptState(row.state).rank
            assert rank >= self.ranks.get(row.id, 0), f"unlearnt: {row.state}"
            self.ranks[row.id] = rank
        for run_id, (run, _) in sight.runs.items():
            self._check_run(run, sight.progress[run_id], self._of(run_id, sight.items.values()))

    def _of(self, run_id: UUID, items: Iterable[OutboundItem]) -> Sequence[OutboundItem]:
        return [item for item in items if item.run_id == run_id]

    def _check_item(self, item: OutboundItem, sight: Sight, *, is_busy: bool) -> None:
        before = self.states.get(item.id, ItemState.QUEUED)
        assert before == item.state or item.state in _MOVES[before], f"{before} -> {item.state}"
        self.states[item.id] = item.state
        if item.state in {ItemState.DIALLING, ItemState.IN_CALL}:
            assert is_busy, "an item waits for a dial that is over"
        elif item.state != ItemState.UNKNOWN:
            assert not is_busy, f"a dial of an item that is {item.state} is not over"
        assert item.state != ItemState.RETRY_WAIT or item.not_before is not None, "it waits for ever"
        options = RunOptions.model_validate(sight.runs[item.run_id][0].options)
        assert 0 <= item.attempts_used <= options.max_attempts

    def _check_run(self, run: Run, progress: Progress, items: Sequence[OutboundItem]) -> None:
        parts = (
            progress.queued + progress.active + progress.done + progress.failed + progress.cancelled
            + progress.unknown
        )  # fmt: skip
        assert parts == progress.total == len(items)
        if run.state in {"completed", "cancelled"}:
            assert progress.queued == 0
        if run.state == "completed":
            # A doubt that proves to have been a conversation is still written up.
            assert {item.state for item in items} <= {
                "completed", "failed", "cancelled", "unknown", "wrap_up",
            }  # fmt: skip
        assert self.runs.get(run.id) not in {"completed", "cancelled"} or run.state == self.runs[run.id]
        self.runs[run.id] = run.state


def check_claim(before: Sight, after: Sight, attempt_id: UUID, *, most: int) -> None:
    """See that a dial that has just been committed was one that might be made, and the one to be made."""
    attempt = after.attempts[attempt_id]
    assert before.may_dial(attempt.run_id), "a run that is not running, or is held, dials"
    assert attempt.phone not in before.suppressed
    assert attempt.from_number
    holders = after.holders()
    assert len(holders) <= most
    assert sum(row.run_id == attempt.run_id for row in holders) <= after.lines_of(attempt.run_id)
    fenced = {row.phone for row in before.attempts.values() if row.state in _UNRESOLVED and not row.released}
    assert attempt.phone not in fenced
    held = Counter(row.run_id for row in before.holders())
    priority = before.runs[attempt.run_id][1].priority
    for run_id, (_, more) in before.runs.items():
        if more.priority > priority and before.may_dial(run_id) and held[run_id] < before.lines_of(run_id):
            left = {
                item.phone
                for item in after.items.values()
                if item.run_id == run_id and item.state == "queued"
            }
            assert not left, "a run of a lower priority goes before"
    item = after.items[attempt.item_id]
    ahead = [
        one
        for one in after.items.values()
        if (one.run_id, one.state) == (item.run_id, "queued")
        and (one.rank, one.position) < (item.rank, item.position)
    ]
    assert not ahead, "an item goes before one that stands in front of it"
