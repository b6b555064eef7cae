"""The judge of the job system: what was promised, held against the book.

Pure: given what was enqueued and what the book says, it names every harm. It knows nothing of how
workers work; the negative controls show it harm and see that it convicts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from support.ledger_book import Book, Entry, Note, Row

MEANT_TO_DIE = frozenset({"yard_doomed", "yard_poison"})
PARTS = {
    "yard_quick": ("first", "second"), "yard_slow": ("first", "second"), "yard_flaky": ("second",),
    "yard_later": ("second",), "yard_sulk": ("second",),
}  # fmt: skip

NEXT = {
    None: {"queued"},
    "queued": {"running", "cancelled", "expired"},
    "running": {"queued", "succeeded", "failed", "cancelled"},
    "failed": {"queued", "deleted"},
    "succeeded": {"deleted"},
    "cancelled": {"deleted"},
    "expired": {"deleted"},
}
"""Which state may follow which."""


@dataclass(frozen=True, slots=True)
class Death:
    """A worker was killed, or stopped for longer than its lease."""

    pid: int
    at: float
    """Seconds since 1970."""


@dataclass(slots=True)
class Verdict:
    """What came of it. Every list of harm names the jobs."""

    jobs: int
    lost: list[UUID] = field(default_factory=list)
    """Not at the end that they were meant for, or gone."""
    succeeded_twice: list[UUID] = field(default_factory=list)
    done_twice: list[UUID] = field(default_factory=list)
    """A keyed effect was done twice."""
    half_done: list[UUID] = field(default_factory=list)
    """Succeeded, though an effect is missing."""
    epochs_reused: list[UUID] = field(default_factory=list)
    """An epoch was given out twice, or went back."""
    wrong_ways: list[UUID] = field(default_factory=list)
    """A state followed that may not follow."""
    too_often: list[UUID] = field(default_factory=list)
    """Begun more often, or counted higher, than the rule allows."""
    recovery_s: list[float] = field(default_factory=list)
    """From each death to the next claim of each row that the dead one held, in order of length."""
    unrecovered: list[UUID] = field(default_factory=list)
    """Held by a dead one and never taken from it."""

    @property
    def harms(self) -> dict[str, int]:
        """How many jobs came to each kind of harm."""
        return {
            "lost": len(self.lost), "succeeded_twice": len(self.succeeded_twice),
            "done_twice": len(self.done_twice), "half_done": len(self.half_done),
            "epochs_reused": len(self.epochs_reused), "wrong_ways": len(self.wrong_ways),
            "too_often": len(self.too_often), "unrecovered": len(self.unrecovered),
        }  # fmt: skip

    def recovery(self, share: float) -> float:
        """Return the time within which this share of what dead workers held was claimed again."""
        if not self.recovery_s:
            return 0.0
        return self.recovery_s[min(len(self.recovery_s) - 1, int(share * len(self.recovery_s)))]


def unreached(toll: Mapping[str, int], barriers: Iterable[str]) -> list[str]:
    """Return the barriers at which nobody was killed: of those, nothing has been shown."""
    return [barrier for barrier in barriers if not toll.get(f"killed at {barrier}")]


def judge(
    book: Book, enqueued: Collection[UUID], deaths: Iterable[Death] = (), *, crashes: int = 0
) -> Verdict:
    """Hold what was promised of the enqueued jobs, and of their children, against the book.

    `crashes`: how often PostgreSQL died, each time forgetting the claims of its last moments.
    """
    rows = {row.id: row for row in book.rows()}
    verdict = Verdict(jobs=len(rows))
    _ends(verdict, rows, enqueued)
    _effects(verdict, rows, book.effects())
    ways = defaultdict[UUID, list[Entry]](list)
    for entry in book.history():
        ways[entry.job_id].append(entry)
    for job_id, way in ways.items():
        _way(verdict, job_id, way)
    _attempts(verdict, rows, book.notes(), crashes)
    _recoveries(verdict, ways, deaths)
    return verdict


def _ends(verdict: Verdict, rows: Mapping[UUID, Row], enqueued: Collection[UUID]) -> None:
    verdict.lost.extend(job_id for job_id in enqueued if job_id not in rows)
    for row in rows.values():
        meant = "failed" if row.name in MEANT_TO_DIE else "succeeded"
        if row.name.startswith("yard_") and row.state != meant:
            verdict.lost.append(row.id)


def _effects(verdict: Verdict, rows: Mapping[UUID, Row], effects: list[tuple[UUID, str, int]]) -> None:
    done = {(job_id, part): times for job_id, part, times in effects}
    verdict.done_twice.extend(sorted({job_id for (job_id, _), times in done.items() if times > 1}))
    for row in rows.values():
        if row.state == "succeeded" and any((row.id, part) not in done for part in PARTS.get(row.name, ())):
            verdict.half_done.append(row.id)
    # To enqueue is an effect too: as many children as were asked for, of each that was kept.
    born = Counter(UUID(row.argument) for row in rows.values() if row.name == "yard_child")
    for row in rows.values():
        asked = row.argument if row.name == "yard_quick" and (row.id, "second") in done else 0
        if born[row.id] > (asked or 0):
            verdict.done_twice.append(row.id)
        elif born[row.id] < (asked or 0):
            verdict.lost.append(row.id)


def _way(verdict: Verdict, job_id: UUID, way: list[Entry]) -> None:
    before: str | None = None
    epoch, claimed = 0, set[int]()
    for entry in way:
        # What is freed and claimed in one statement, or gets a new epoch where it stands, is no step.
        if entry.state not in NEXT.get(before, set()):
            verdict.wrong_ways.append(job_id)
        if entry.epoch < epoch or (entry.state == "running" and entry.epoch in claimed):
            verdict.epochs_reused.append(job_id)
        if entry.state == "running":
            claimed.add(entry.epoch)
        before, epoch = entry.state, entry.epoch
    if sum(entry.state == "succeeded" for entry in way) > 1:
        verdict.succeeded_twice.append(job_id)


def _attempts(verdict: Verdict, rows: Mapping[UUID, Row], notes: list[Note], crashes: int) -> None:
    """A death before its hand is settled may go uncharged once a job: hence one more than allowed.

    So may an attempt whose claim PostgreSQL forgot.
    """
    begun = Counter(note.job_id for note in notes if note.step == "begun")
    for row in rows.values():
        asks_for_later = row.name == "yard_later"
        if row.attempt > row.max_attempts or begun[row.id] > row.max_attempts + 1 + asks_for_later + crashes:
            verdict.too_often.append(row.id)


def _recoveries(verdict: Verdict, ways: Mapping[UUID, list[Entry]], deaths: Iterable[Death]) -> None:
    """Measure each row that a dead worker held, from the death to the row's next claim, or to its end."""
    by_pid = defaultdict[int, list[Death]](list)
    for death in deaths:
        by_pid[death.pid].append(death)
    for job_id, way in ways.items():
        for place, entry in enumerate(way):
            if entry.state != "running" or entry.owner is None:
                continue
            death = _of(by_pid[_pid(entry.owner)], way, place)
            if death is None:
                continue
            # In the dead letter, or cancelled, it needs nobody any more.
            after = [e for e in way[place + 1 :] if e.state in {"running", "failed", "cancelled"}]
            if after:
                verdict.recovery_s.append(after[0].at - death.at)
            else:
                verdict.unrecovered.append(job_id)
    verdict.recovery_s.sort()


def _of(deaths: list[Death], way: list[Entry], place: int) -> Death | None:
    """Return the death in which this claim was lost: after it, and before anything else became of it."""
    ended = way[place + 1].at if place + 1 < len(way) else float("inf")
    return next((death for death in deaths if way[place].at <= death.at < ended), None)


def _pid(owner: str) -> int:
    """Workers are called host:pid:chance."""
    return int(owner.split(":")[1])
