"""What an interested person wants: one half-hour of the working week, drawn at random."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from random import Random

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
FIRST_HOUR, LAST_HOUR = 9, 16


@dataclass(frozen=True, slots=True)
class Wish:
    """A weekday and a time; `hour` is 9 to 16, `half` is True for half past."""

    weekday: str
    hour: int
    half: bool

    @property
    def time(self) -> str:
        """The time as the book writes it: `09:30`."""
        return f"{self.hour:02d}:{30 if self.half else 0:02d}"


def draw(rng: Random, but_not: Collection[Wish]) -> Wish:
    """Draw one of the eighty half-hours that is not among those already wished for."""
    every = [
        Wish(weekday, hour, half)
        for weekday in WEEKDAYS
        for hour in range(FIRST_HOUR, LAST_HOUR + 1)
        for half in (False, True)
    ]
    return rng.choice([wish for wish in every if wish not in but_not])
