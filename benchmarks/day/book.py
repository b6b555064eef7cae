"""What the simulated day came to: how full the lines were, how evenly they were shared, how long claims took.

Integrates over virtual time. Knows neither the dialler nor PostgreSQL.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

_TENTHS = 10
_BOUND = 0.9
"""For which part of a stretch lines must have been too few for it to tell how they are shared."""


@dataclass(slots=True)
class Stretch:
    """Virtual time between two moments at which windows open or close."""

    begins: float
    ends: float
    counted_s: float = 0.0
    bound_s: float = 0.0
    """For how long all lines of the account could have been used."""
    line_s: Counter[int] = field(default_factory=Counter)
    dials: Counter[int] = field(default_factory=Counter)
    wanting: set[int] = field(default_factory=set)
    """Who could have used all lines of its own at every moment."""


@dataclass(slots=True)
class Book:
    """Lines in use and lines that could be, by business, as they change; times in virtual seconds."""

    most: int
    """Lines of the account."""
    own_lines: int
    """Lines of each business."""
    settles_s: float
    """After each edge it takes a while until every line is dialled on; so long, nothing is counted."""
    edges: Sequence[float]
    """When the day begins, when windows open or close, and when it ends."""
    live: Counter[int] = field(default_factory=Counter)
    could: dict[int, int] = field(default_factory=dict)
    claims_ms: list[float] = field(default_factory=list)
    denied_ms: dict[str, list[float]] = field(default_factory=dict)
    """By the reason."""
    used_line_s: float = 0.0
    ready_line_s: float = 0.0
    most_live: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    stretches: list[Stretch] = field(default_factory=list)
    _at: float = 0.0
    _live_in_all: int = 0
    _could_in_all: int = 0

    def __post_init__(self) -> None:
        pairs = zip(self.edges, self.edges[1:], strict=False)
        self.stretches = [Stretch(begins + self.settles_s, ends) for begins, ends in pairs]

    def pass_time(self, until: float) -> None:
        """Count what has been in use since the last change."""
        for stretch in self.stretches:
            since, end = max(self._at, stretch.begins), min(until, stretch.ends)
            if since >= end:
                continue
            seconds, could = end - since, min(self.most, self._could_in_all)
            self.used_line_s += self._live_in_all * seconds
            self.ready_line_s += could * seconds
            stretch.counted_s += seconds
            if self._could_in_all >= self.most:
                stretch.bound_s += seconds
            if since == stretch.begins:
                stretch.wanting = set(self.could)
            stretch.wanting -= {number for number in stretch.wanting if not self.wants_all(number)}
            for number, lines in self.live.items():
                stretch.line_s[number] += lines * seconds
        self._at = until

    def wants_all(self, number: int) -> bool:
        """Whether a business could use every line of its own."""
        return self.could[number] >= self.own_lines

    def change(self, number: int, *, dialled: int = 0, could: int) -> None:
        """Note that a business has begun or ended a dial, and how many lines it could use now."""
        self.live[number] += dialled
        self._live_in_all += dialled
        self._could_in_all += could - self.could.get(number, 0)
        self.could[number] = could
        self.most_live = max(self.most_live, self._live_in_all)
        if dialled > 0:
            for stretch in self.stretches:
                if stretch.begins <= self._at < stretch.ends:
                    stretch.dials[number] += 1
        if self._live_in_all > self.most:
            self.faults["more lines than the account has"] += 1
        if self.live[number] > self.own_lines:
            self.faults["more lines than the business has"] += 1

    @property
    def live_in_all(self) -> int:
        return self._live_in_all

    @property
    def use(self) -> float:
        """The part of the lines that could be in use that was."""
        return self.used_line_s / self.ready_line_s if self.ready_line_s else 0.0

    def by_tenths(self) -> list[float]:
        """Return the median of a claim's milliseconds in each tenth of them."""
        size = max(1, len(self.claims_ms) // _TENTHS)
        parts = [self.claims_ms[begin : begin + size] for begin in range(0, size * _TENTHS, size)]
        return [round(statistics.median(part), 2) for part in parts if part]

    def fairness(self) -> list[dict[str, float]]:
        """Return how evenly lines were shared, for each stretch in which there were too few of them."""
        found = []
        for stretch in self.stretches:
            if len(stretch.wanting) < 2 or stretch.bound_s < _BOUND * stretch.counted_s:
                continue
            lines = [stretch.line_s[number] for number in stretch.wanting]
            dials = [stretch.dials[number] for number in stretch.wanting]
            found.append(
                {
                    "minutes": round(stretch.counted_s / 60, 1), "businesses": len(lines),
                    "jain_lines": round(jain(lines), 4), "jain_dials": round(jain(dials), 4),
                    "most_by_least_lines": round(max(lines) / max(min(lines), 1e-9), 2),
                    "most_by_least_dials": round(max(dials) / max(min(dials), 1e-9), 2),
                }
            )  # fmt: skip
        return found


def jain(shares: Sequence[float]) -> float:
    """Return Jain's index: 1 where all have the same, 1/n where one has it all."""
    squares = len(shares) * sum(share * share for share in shares)
    return sum(shares) ** 2 / squares if squares else 1.0
