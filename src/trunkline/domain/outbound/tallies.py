"""How many people of a run came to what, kept for runs that are over: a list of runs need not count them all.

Triggers forget what is kept of a run whenever an item of it changes or loses its lead, in the same
transaction. Both sides take an advisory lock of the run: whoever changes items shares it, whoever counts
has it alone or does without. What is counted under it is therefore everything, and nobody can change it
before it is kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from trunkline.domain.outbound.models import ItemState, OutboundRun

# Waits for nobody: a run that somebody else has in hand is kept another time.
_CLAIM = text(
    """
    select o.run_id from outbound_runs o join runs r on r.business_id = o.business_id and r.id = o.run_id
    where o.business_id = :business and o.run_id = any(:runs) and o.tallied is null
      and r.state in ('completed', 'cancelled', 'failed') and not r.unsettled
    for update of o skip locked
    """
)
_LOCK = text(
    "select run_id from unnest(cast(:runs as uuid[])) run_id"
    " where pg_try_advisory_xact_lock(hashtextextended(run_id::text, 7205118))"
)
_KEEP = text(
    """
    update outbound_runs o set tallied = cast(k.tallied as jsonb)
    from unnest(cast(:runs as uuid[]), cast(:tallies as text[])) as k(run_id, tallied)
    where o.business_id = :business and o.run_id = k.run_id
    """
)

Tally = dict[str, Any]
"""`states`: item state -> items; `retryable`: how many people could be called again."""


def kept(session: Session, business_id: UUID, run_ids: Sequence[UUID]) -> dict[UUID, Tally]:
    """Return what is kept, of those of these runs of which it is."""
    rows = session.query(OutboundRun.run_id, OutboundRun.tallied).filter(
        OutboundRun.business_id == business_id,
        OutboundRun.run_id.in_(run_ids),
        OutboundRun.tallied.is_not(None),
    )
    return {run_id: tally for run_id, tally in rows if tally is not None}


def claim(session: Session, business_id: UUID, run_ids: Sequence[UUID]) -> list[UUID]:
    """Return those of these runs that may be counted now, to be kept: nothing of them changes meanwhile."""
    found = list(session.scalars(_CLAIM, {"business": business_id, "runs": list(run_ids)}))
    return list(session.scalars(_LOCK, {"runs": found})) if found else []


def keep(session: Session, business_id: UUID, tallies: dict[UUID, Tally]) -> None:
    """Keep what was counted of runs that were claimed in this transaction."""
    values = {"runs": list(tallies), "tallies": [json.dumps(tally) for tally in tallies.values()]}
    session.execute(_KEEP, {"business": business_id, **values})


def is_settled(tally: Tally) -> bool:
    """Return whether `retryable` stands: a dial in doubt may be let go by time or by a person."""
    return ItemState.UNKNOWN not in tally["states"]
