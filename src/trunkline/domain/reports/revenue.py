"""What a business earned, as those domains tell it that know: invoices, receipts.

Each registers what it knows. Where none has, a report says that there is nothing to tell, never 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum of money."""

    currency: str
    """ISO 4217."""
    minor: int
    """In the currency's smallest unit."""


Earned = Callable[[Session, UUID, datetime, datetime], Sequence[Amount]]
"""Session, business, from and up to an instant -> what came in, a sum for each currency."""

_sources: dict[str, Earned] = {}


def register_revenue(domain: str, earned: Earned) -> None:
    """Let a domain tell what came in by it; the last word of one domain counts."""
    _sources[domain] = earned


def revenue_of(
    session: Session, business_id: UUID, *, since: datetime, until: datetime
) -> list[Amount] | None:
    """Return what came in between two instants, by currency; None where nobody can tell."""
    if not _sources:
        return None
    sums = Counter[str]()
    for earned in _sources.values():
        for amount in earned(session, business_id, since, until):
            sums[amount.currency] += amount.minor
    return [Amount(currency, minor) for currency, minor in sorted(sums.items())]
