"""How PostgreSQL went about a statement, as `explain (analyze, buffers, format json)` tells it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Plan = dict[str, Any]


def nodes(plan: Plan) -> Iterator[Plan]:
    """Yield every node of a plan."""
    pending = [plan["Plan"]]
    while pending:
        node = pending.pop()
        yield node
        pending += node.get("Plans", [])


def pages(plan: Plan) -> int:
    """Return how many pages of 8 kB were looked at."""
    return int(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])
