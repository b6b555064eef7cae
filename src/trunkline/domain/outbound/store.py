"""All SQL of outbound. Transitions are guarded: a row moves only from where its mover saw it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, not_, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.jobs.models import Job, JobState
from trunkline.domain.outbound.models import (
    OPEN_ITEM_STATES,
    UNRESOLVED_STATES,
    AttemptState,
    CarrierAccount,
    ItemState,
    OutboundAttempt,
    OutboundItem,
    Suppression,
)
from trunkline.kit import clock
from trunkline.kit.ids import new_id

_TALKING = (AttemptState.SUBMITTING, AttemptState.PLACED, AttemptState.RINGING, AttemptState.ANSWERED)


def add_items(session: Session, business_id: UUID, run_id: UUID, leads: Sequence[tuple[UUID, str]]) -> int:
    """Write one item a lead, in this order. Returns how many."""
    if not leads:
        return 0
    session.execute(
        insert(OutboundItem),
        [
            {
                "id": new_id(),
                "business_id": business_id,
                "run_id": run_id,
                "lead_id": lead_id,
                "phone": phone,
                "position": position,
                "state": ItemState.QUEUED,
            }
            for position, (lead_id, phone) in enumerate(leads, start=1)
        ],
    )
    return len(leads)


def lock_business(session: Session, business_id: UUID) -> None:
    """Let one transaction at a time count and fill this business's slots."""
    session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"slots:{business_id}"}
    )


def lock_account(session: Session, account: str) -> CarrierAccount:
    """Return the pace row of a carrier account, locked: dials of all businesses queue up here."""
    session.execute(insert(CarrierAccount).values(account=account).on_conflict_do_nothing())
    return session.scalars(
        select(CarrierAccount).where(CarrierAccount.account == account).with_for_update()
    ).one()


def live_attempts(
    session: Session, business_id: UUID, *, live_since: datetime, run_id: UUID | None = None
) -> int:
    """Count the attempts that hold a slot: unresolved ones, and of the unknown only the young."""
    condition = and_(
        OutboundAttempt.business_id == business_id,
        not_(OutboundAttempt.released),
        or_(
            OutboundAttempt.state.in_(_TALKING),
            and_(OutboundAttempt.state == AttemptState.UNKNOWN, OutboundAttempt.created_at > live_since),
        ),
    )
    if run_id is not None:
        condition = and_(condition, OutboundAttempt.run_id == run_id)
    return session.scalar(select(func.count()).select_from(OutboundAttempt).where(condition)) or 0


def next_items(session: Session, business_id: UUID, run_id: UUID, *, limit: int) -> Sequence[OutboundItem]:
    """Return the next dialable items in their order, locked, passing over what others hold."""
    return session.scalars(
        select(OutboundItem)
        .where(
            OutboundItem.business_id == business_id,
            OutboundItem.run_id == run_id,
            _is_waiting(),
        )
        .order_by(OutboundItem.position)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def insert_attempt(session: Session, item: OutboundItem, **values: Any) -> UUID | None:
    """Write a submitting attempt. None: another dial to this number is unresolved, the fence holds."""
    written: UUID | None = session.execute(
        insert(OutboundAttempt)
        .values(
            id=new_id(), business_id=item.business_id, run_id=item.run_id, item_id=item.id, phone=item.phone,
            state=AttemptState.SUBMITTING, **values,
        )
        .on_conflict_do_nothing()
        .returning(OutboundAttempt.id)
    ).scalar_one_or_none()  # fmt: skip
    return written


def move_item(
    session: Session,
    business_id: UUID,
    item_id: UUID,
    *,
    from_: Sequence[ItemState],
    to: ItemState,
    **values: Any,
) -> bool:
    """Move an item if it is in one of these states. False: it is not."""
    moved = session.execute(
        update(OutboundItem)
        .where(
            OutboundItem.business_id == business_id,
            OutboundItem.id == item_id,
            OutboundItem.state.in_(from_),
        )
        .values(state=to, updated_at=clock.now(), **values)
        .returning(OutboundItem.id)
    ).scalar_one_or_none()
    return moved is not None


def cancel_waiting_items(session: Session, business_id: UUID, run_id: UUID) -> int:
    """Cancel the items not yet begun. Returns how many."""
    cancelled = session.execute(
        update(OutboundItem)
        .where(
            OutboundItem.business_id == business_id,
            OutboundItem.run_id == run_id,
            OutboundItem.state.in_([ItemState.QUEUED, ItemState.RETRY_WAIT]),
        )
        .values(state=ItemState.CANCELLED, updated_at=clock.now())
        .returning(OutboundItem.id)
    )
    return len(cancelled.all())


def item_counts(session: Session, business_id: UUID, run_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Return for each run how many items are in each state."""
    rows = session.execute(
        select(OutboundItem.run_id, OutboundItem.state, func.count())
        .where(OutboundItem.business_id == business_id, OutboundItem.run_id.in_(run_ids))
        .group_by(OutboundItem.run_id, OutboundItem.state)
    )
    counts: dict[UUID, dict[str, int]] = {run_id: {} for run_id in run_ids}
    for run_id, state, count in rows:
        counts[run_id][state] = count
    return counts


def has_open_items(session: Session, business_id: UUID, run_id: UUID) -> bool:
    """Return whether the run has anything left to do or to hear of."""
    return _has_item(session, business_id, run_id, OutboundItem.state.in_(OPEN_ITEM_STATES))


def has_begun_items(session: Session, business_id: UUID, run_id: UUID) -> bool:
    """Return whether a dial that the run began has not come to its end."""
    begun = OutboundItem.state.in_([ItemState.DIALLING, ItemState.IN_CALL])
    return _has_item(session, business_id, run_id, begun)


def has_waiting_items(session: Session, business_id: UUID, run_id: UUID) -> bool:
    """Return whether an item could be dialled now."""
    return _has_item(session, business_id, run_id, _is_waiting())


def _has_item(session: Session, business_id: UUID, run_id: UUID, condition: ColumnElement[bool]) -> bool:
    of_run = and_(OutboundItem.business_id == business_id, OutboundItem.run_id == run_id)
    return bool(session.scalar(select(exists().where(of_run, condition))))


def _is_waiting() -> ColumnElement[bool]:
    """Queued, or waiting for its next try, and due."""
    return and_(
        OutboundItem.state.in_([ItemState.QUEUED, ItemState.RETRY_WAIT]),
        or_(OutboundItem.not_before.is_(None), OutboundItem.not_before <= clock.now()),
    )


def attempt_for_update(session: Session, business_id: UUID, attempt_id: UUID) -> OutboundAttempt | None:
    """Return an attempt, locked and as it stands."""
    return session.scalar(
        select(OutboundAttempt)
        .where(OutboundAttempt.business_id == business_id, OutboundAttempt.id == attempt_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def live_sids(session: Session, business_id: UUID, run_id: UUID) -> list[str]:
    """Return the carrier's ids of a run's calls that are not over."""
    return [
        sid
        for sid in session.scalars(
            select(OutboundAttempt.carrier_sid).where(
                OutboundAttempt.business_id == business_id,
                OutboundAttempt.run_id == run_id,
                OutboundAttempt.state.in_(_TALKING),
            )
        )
        if sid is not None
    ]


def orphans(session: Session, business_id: UUID, run_id: UUID) -> Sequence[OutboundAttempt]:
    """Return submitting attempts whose dialling job no longer holds the lease it dialled under, locked."""
    dialling = exists().where(
        Job.id == OutboundAttempt.job_id,
        Job.state == JobState.RUNNING,
        Job.lease_epoch == OutboundAttempt.lease_epoch,
    )
    return session.scalars(
        select(OutboundAttempt)
        .where(
            OutboundAttempt.business_id == business_id,
            OutboundAttempt.run_id == run_id,
            OutboundAttempt.state == AttemptState.SUBMITTING,
            not_(dialling),
        )
        .with_for_update(skip_locked=True)
    ).all()


def silent_attempts(
    session: Session, business_id: UUID, run_id: UUID, *, ring_limit: timedelta, call_limit: timedelta
) -> list[UUID]:
    """Return attempts of which the carrier should have told more by now."""
    limit = case((OutboundAttempt.state == AttemptState.ANSWERED, ring_limit + call_limit), else_=ring_limit)
    return list(
        session.scalars(
            select(OutboundAttempt.id).where(
                OutboundAttempt.business_id == business_id,
                OutboundAttempt.run_id == run_id,
                OutboundAttempt.state.in_([AttemptState.PLACED, AttemptState.RINGING, AttemptState.ANSWERED]),
                OutboundAttempt.created_at < clock.now() - limit,
            )
        )
    )


def answered_attempts(session: Session, business_id: UUID, run_id: UUID) -> dict[UUID, UUID]:
    """Return the run's attempts that are in a call, by the call's id."""
    rows = session.execute(
        select(OutboundAttempt.call_id, OutboundAttempt.id).where(
            OutboundAttempt.business_id == business_id,
            OutboundAttempt.run_id == run_id,
            OutboundAttempt.state == AttemptState.ANSWERED,
            OutboundAttempt.call_id.is_not(None),
        )
    )
    return {row.call_id: row.id for row in rows}


def dead_unknowns(
    session: Session, business_id: UUID, run_id: UUID, *, live_since: datetime
) -> Sequence[OutboundAttempt]:
    """Return unknown attempts that can no longer be live and whose item still waits for them."""
    return session.scalars(
        select(OutboundAttempt)
        .join(
            OutboundItem,
            and_(
                OutboundItem.business_id == OutboundAttempt.business_id,
                OutboundItem.id == OutboundAttempt.item_id,
                OutboundItem.state.in_([ItemState.DIALLING, ItemState.IN_CALL]),
            ),
        )
        .where(
            OutboundAttempt.business_id == business_id,
            OutboundAttempt.run_id == run_id,
            OutboundAttempt.state == AttemptState.UNKNOWN,
            OutboundAttempt.created_at <= live_since,
        )
        .with_for_update(of=OutboundAttempt, skip_locked=True)
    ).all()


def release_old_unknowns(session: Session, business_id: UUID, *, fenced_since: datetime) -> int:
    """Take down the fence of unknown attempts made before the carrier's queue limit. Returns how many."""
    released = session.execute(
        update(OutboundAttempt)
        .where(
            OutboundAttempt.business_id == business_id,
            OutboundAttempt.state == AttemptState.UNKNOWN,
            not_(OutboundAttempt.released),
            OutboundAttempt.created_at < fenced_since,
        )
        .values(released=True, resolved_at=clock.now())
        .returning(OutboundAttempt.id)
    )
    return len(released.all())


def is_bound(session: Session, business_id: UUID, sid: str) -> bool:
    """Return whether some attempt knows this call as its own."""
    return bool(
        session.scalar(
            select(
                exists().where(OutboundAttempt.business_id == business_id, OutboundAttempt.carrier_sid == sid)
            )
        )
    )


def attempts_of_run(session: Session, business_id: UUID, run_id: UUID) -> Sequence[OutboundAttempt]:
    """Return a run's attempts in order of time."""
    return session.scalars(
        select(OutboundAttempt)
        .where(OutboundAttempt.business_id == business_id, OutboundAttempt.run_id == run_id)
        .order_by(OutboundAttempt.created_at)
    ).all()


def items_of_run(session: Session, business_id: UUID, run_id: UUID) -> Sequence[OutboundItem]:
    """Return a run's items in their order."""
    return session.scalars(
        select(OutboundItem)
        .where(OutboundItem.business_id == business_id, OutboundItem.run_id == run_id)
        .order_by(OutboundItem.position)
    ).all()


def is_suppressed(session: Session, business_id: UUID, phone: str) -> bool:
    """Return whether the business must not call this number."""
    return bool(
        session.scalar(
            select(exists().where(Suppression.business_id == business_id, Suppression.phone == phone))
        )
    )


def suppress(session: Session, business_id: UUID, phone: str, *, reason: str) -> bool:
    """Put a number on the suppression list. False: it stands there already."""
    written = session.execute(
        insert(Suppression)
        .values(business_id=business_id, phone=phone, reason=reason)
        .on_conflict_do_nothing()
        .returning(Suppression.phone)
    ).scalar_one_or_none()
    return written is not None


def unresolved_of_run(session: Session, business_id: UUID, run_id: UUID) -> int:
    """Count a run's attempts that are not resolved."""
    return session.scalar(
        select(func.count()).select_from(OutboundAttempt).where(
            OutboundAttempt.business_id == business_id,
            OutboundAttempt.run_id == run_id,
            OutboundAttempt.state.in_(UNRESOLVED_STATES),
            not_(OutboundAttempt.released),
        )
    ) or 0  # fmt: skip
