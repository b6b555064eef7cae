"""What the carrier lately would not place for a business, or never answered, by number and reason.

Reads some of the rows of two partial indexes, however many dials a business has behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

MOST = 1_000
"""More of a kind are not counted."""

_FAILED = text(
    """
    select from_number, code, count(*) as dials, max(at) as last_at from (
        (select from_number, split_part(error, ':', 1) as code, resolved_at as at from outbound_attempts
         where business_id = :business and state = 'rejected' and resolved_at > :since
         order by resolved_at desc limit :most)
        union all
        (select from_number, 'unanswered', created_at from outbound_attempts
         where business_id = :business and state = 'unknown' and not released and created_at > :since
         limit :most)
    ) failed
    group by from_number, code order by last_at desc, from_number, code
    """
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Dials from one of a business's numbers that failed for one reason."""

    from_number: str
    code: str
    """The carrier's own code; `unanswered`: it did not say what became of them."""
    dials: int
    last_at: datetime


def failures_since(session: Session, business_id: UUID, since: datetime) -> list[Failure]:
    """Return what failed at the carrier since a moment, the newest first, and nothing of who was dialled."""
    rows = session.execute(_FAILED, {"business": business_id, "since": since, "most": MOST})
    return [Failure(row.from_number, row.code or "", row.dials, row.last_at) for row in rows]
