"""Turns: all things in each round, so that none gets the machine's good minutes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def turns(things: Sequence[Any], rounds: int) -> Iterator[Any]:
    """Yield all things in each round, each round beginning with another one."""
    for number in range(rounds):
        first = number % len(things)
        yield from [*things[first:], *things[:first]]
