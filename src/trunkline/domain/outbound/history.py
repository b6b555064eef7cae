"""What happened to the leads of a run: their dials, step by step, as people read them. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core.errors import NotFound
from trunkline.domain.calls import service as calls
from trunkline.domain.leads import service as leads
from trunkline.domain.outbound.models import AttemptState, OutboundAttempt, OutboundItem
from trunkline.domain.outbound.options import installed_limits

RELEASED = "released"
"""The step of a dial in doubt by which its number may be dialled again."""

_MOST_DIALS = 200
"""A run dials a lead ten times at most; what the person asked for themselves is not counted."""


@dataclass(frozen=True, slots=True)
class Step:
    """A dial has come to a state."""

    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Dial:
    """A dial with its lead's name, and for how many seconds its call went on."""

    attempt: OutboundAttempt
    name: str | None
    call_length_s: float | None

    @property
    def steps(self) -> list[Step]:
        """What was told of it, in order of time."""
        return steps_of(self.attempt)

    @property
    def releasable_at(self) -> datetime | None:
        """From when a person may release it; None for a dial that is not in doubt."""
        if self.attempt.state != AttemptState.UNKNOWN or self.attempt.released:
            return None
        return self.attempt.created_at + installed_limits().longest_life


def steps_of(attempt: OutboundAttempt) -> list[Step]:
    """Return through which states a dial went that we were told of, in order of time. Pure."""
    # A dial in doubt is resolved by being released, every other by its end.
    end = RELEASED if attempt.state == AttemptState.UNKNOWN else attempt.state
    told = [
        (AttemptState.SUBMITTING, attempt.created_at), (AttemptState.UNKNOWN, attempt.unknown_at),
        (AttemptState.PLACED, attempt.placed_at), (AttemptState.RINGING, attempt.ringing_at),
        (AttemptState.ANSWERED, attempt.answered_at), (end, attempt.resolved_at),
    ]  # fmt: skip
    steps = [Step(state, at) for state, at in told if at is not None]
    return sorted(steps, key=lambda step: step.at)


def item_of_run(session: Session, business_id: UUID, run_id: UUID, item_id: UUID) -> OutboundItem:
    """Return a run's item. Raises NotFound."""
    item = session.scalar(
        select(OutboundItem).where(
            OutboundItem.business_id == business_id, OutboundItem.run_id == run_id, OutboundItem.id == item_id
        )
    )
    if item is None:
        raise NotFound("There is no such lead in this run.")
    return item


def dials_of_item(session: Session, business_id: UUID, item_id: UUID) -> list[Dial]:
    """Return an item's dials, the newest first."""
    attempts = session.scalars(
        select(OutboundAttempt)
        .where(OutboundAttempt.business_id == business_id, OutboundAttempt.item_id == item_id)
        .order_by(OutboundAttempt.created_at.desc(), OutboundAttempt.id.desc())
        .limit(_MOST_DIALS)
    ).all()
    return told(session, business_id, attempts)


def told(session: Session, business_id: UUID, attempts: Sequence[OutboundAttempt]) -> list[Dial]:
    """Return these dials with whom they were to, and how long their calls were."""
    names = _names(session, business_id, {attempt.item_id for attempt in attempts})
    lengths = calls.lengths_of(
        session, business_id, {attempt.call_id for attempt in attempts if attempt.call_id is not None}
    )
    return [
        Dial(
            attempt,
            names.get(attempt.item_id),
            None if attempt.call_id is None else lengths.get(attempt.call_id),
        )
        for attempt in attempts
    ]


def _names(session: Session, business_id: UUID, item_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return by the item the names of the leads that are still there."""
    rows = session.execute(
        select(OutboundItem.id, OutboundItem.lead_id).where(
            OutboundItem.business_id == business_id, OutboundItem.id.in_(item_ids),
            OutboundItem.lead_id.is_not(None),
        )
    ).all()  # fmt: skip
    names = leads.names_of(session, business_id, {row.lead_id for row in rows})
    return {row.id: names[row.lead_id] for row in rows if row.lead_id in names}
