"""Which of a run's numbers a person sees: one near to them where there is one, and each as often. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import phonenumbers


def choose(pool: Sequence[str], callee: str, *, turn: int, local: bool) -> str:
    """Return the number to call from. `turn` is the callee's place in the run, so that equals take turns.

    `local` prefers a number of the callee's own area, then one of their country.
    """
    candidates = list(pool)
    if local:
        place = _place(callee)
        for near in (
            [number for number in pool if place.area and _place(number) == place],
            [number for number in pool if _place(number).country == place.country],
        ):
            if near:
                candidates = near
                break
    return candidates[turn % len(candidates)]


class _Place(NamedTuple):
    """Country calling code and area code, the latter empty where numbers have none."""

    country: int
    area: str


@lru_cache(maxsize=10_000)
def _place(e164: str) -> _Place:
    number = phonenumbers.parse(e164)
    length = phonenumbers.length_of_geographical_area_code(number)
    return _Place(number.country_code or 0, phonenumbers.national_significant_number(number)[:length])
