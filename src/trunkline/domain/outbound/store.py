"""The SQL of items and attempts. Transitions are guarded: a row moves only from where its mover saw it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    case,
    exists,
    func,
    not_,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.jobs.models import Job, JobState
from trunkline.domain.outbound.models import (
    BEGUN_ITEM_STATES,
    WAITING_ITEM_STATES,
    AttemptState,
    CarrierAccount,
    ItemState,
    OutboundAttempt,
    OutboundItem,
    Suppression,
    SystemSuppression,
    spelt_out,
)
from trunkline.kit import clock

_TAKEN = (AttemptState.PLACED, AttemptState.RINGING, AttemptState.ANSWERED)
"""The carrier has the call, and has told of no end."""
_TALKING = (AttemptState.SUBMITTING, *_TAKEN)

_LOCK = text(
    """
    select pg_advisory_xact_lock(hashtextextended(:key, 0)), set_config('enable_seqscan', 'off', true)
    """
)


_NEWEST = text(
    """
    select dial.id, dial.call_id, dial.created_at
    from outbound_items i
    cross join lateral (
        select id, call_id, created_at, state from outbound_attempts
        where business_id = i.business_id and item_id = i.id order by created_at desc limit 1
    ) dial
    where i.business_id = :business_id and i.run_id = :run_id
      and i.state in ('dialling', 'in_call', 'wrap_up') and i.state = any(:of) and dial.state = :state
    """
)


def lock_business(session: Session, business_id: UUID) -> None:
    """Let one transaction at a time count and fill this business's slots.

    It goes by index from here on: what it looks for is a few rows of many.
    """
    session.execute(_LOCK, {"key": slots_key(business_id)})


def slots_key(business_id: UUID) -> str:
    """Return under which name a business's slots are locked."""
    return f"slots:{business_id}"


def lock_account(session: Session, account: str) -> CarrierAccount:
    """Return the pace row of a carrier account, locked: dials of all businesses queue up here."""
    locked = select(CarrierAccount).where(CarrierAccount.account == account).with_for_update()
    row = session.scalar(locked)
    if row is None:
        never = datetime.fromtimestamp(0, UTC)
        session.execute(
            insert(CarrierAccount).values(account=account, next_dial_at=never).on_conflict_do_nothing()
        )
        row = session.scalars(locked).one()
    return row


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
            OutboundItem.state.in_(WAITING_ITEM_STATES),
        )
        .values(state=ItemState.CANCELLED, updated_at=clock.now())
        .returning(OutboundItem.id)
    )
    return len(cancelled.all())


def tries_with(session: Session, business_id: UUID, item_id: UUID, disposition: str) -> int:
    """Count an item's dials that came to a disposition."""
    return session.scalar(
        select(func.count()).where(
            OutboundAttempt.business_id == business_id, OutboundAttempt.item_id == item_id,
            OutboundAttempt.disposition == disposition,
        )
    ) or 0  # fmt: skip


def attempt_of_call(session: Session, business_id: UUID, call_id: UUID) -> OutboundAttempt | None:
    """Return the attempt that a call came of, locked, if one did."""
    return session.scalar(
        select(OutboundAttempt)
        .where(OutboundAttempt.business_id == business_id, OutboundAttempt.call_id == call_id)
        .with_for_update()
    )


def is_newest(session: Session, attempt: OutboundAttempt) -> bool:
    """Return whether an attempt is its item's last one."""
    later = exists().where(
        OutboundAttempt.business_id == attempt.business_id, OutboundAttempt.item_id == attempt.item_id,
        OutboundAttempt.created_at > attempt.created_at,
    )  # fmt: skip
    return not session.scalar(select(later))


def run_of_call(session: Session, business_id: UUID, call_id: UUID) -> UUID | None:
    """Return the run that a call belongs to, if it belongs to one."""
    return session.scalar(
        select(OutboundAttempt.run_id).where(
            OutboundAttempt.business_id == business_id, OutboundAttempt.call_id == call_id
        )
    )


def wrapped_up(session: Session, business_id: UUID, run_id: UUID) -> list[tuple[UUID, datetime]]:
    """Return the calls of the run's items whose outcome is awaited, and when each was dialled."""
    newest = _newest(session, business_id, run_id, [ItemState.WRAP_UP], AttemptState.ENDED)
    return [(row.call_id, row.created_at) for row in newest if row.call_id is not None]


def attempt_for_update(session: Session, business_id: UUID, attempt_id: UUID) -> OutboundAttempt | None:
    """Return an attempt, locked and as it stands."""
    return session.scalar(
        select(OutboundAttempt)
        .where(OutboundAttempt.business_id == business_id, OutboundAttempt.id == attempt_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _is_now(*states: AttemptState) -> ColumnElement[bool]:
    """An attempt is in one of these states, all of which are unresolved, and holds its number's fence."""
    return and_(OutboundAttempt.state.in_(spelt_out(states)), not_(OutboundAttempt.released))


def live_sids(session: Session, business_id: UUID, run_id: UUID) -> list[str]:
    """Return the carrier's ids of a run's calls that are not over."""
    return [
        sid
        for sid in session.scalars(
            select(OutboundAttempt.carrier_sid).where(
                OutboundAttempt.business_id == business_id,
                OutboundAttempt.run_id == run_id,
                _is_now(*_TALKING),
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
            _is_now(AttemptState.SUBMITTING),
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
                _is_now(*_TAKEN),
                OutboundAttempt.created_at < clock.now() - limit,
            )
        )
    )


def attempts_at_the_carrier(session: Session, business_id: UUID) -> list[UUID]:
    """Return the business's attempts whose calls ring or talk, as far as the carrier has told."""
    taken = select(OutboundAttempt.id).where(OutboundAttempt.business_id == business_id, _is_now(*_TAKEN))
    return list(session.scalars(taken))


def answered_attempts(session: Session, business_id: UUID, run_id: UUID) -> dict[UUID, UUID]:
    """Return the run's attempts that are in a call, by the call's id."""
    rows = session.execute(
        select(OutboundAttempt.call_id, OutboundAttempt.id).where(
            OutboundAttempt.business_id == business_id,
            OutboundAttempt.run_id == run_id,
            _is_now(AttemptState.ANSWERED),
            OutboundAttempt.call_id.is_not(None),
        )
    )
    return {row.call_id: row.id for row in rows}


def open_doubts(session: Session, business_id: UUID, run_id: UUID) -> Sequence[OutboundAttempt]:
    """Return the run's unknown attempts whose item still waits for them, locked.

    Whether they have been released or not: a person may have been quicker than whoever looks here.
    """
    newest = _newest(session, business_id, run_id, BEGUN_ITEM_STATES, AttemptState.UNKNOWN)
    return session.scalars(
        select(OutboundAttempt)
        .where(
            OutboundAttempt.id.in_([row.id for row in newest]),
            OutboundAttempt.business_id == business_id,
            OutboundAttempt.state == AttemptState.UNKNOWN,
        )
        .with_for_update(skip_locked=True)
    ).all()


def _newest(
    session: Session, business_id: UUID, run_id: UUID, of: Sequence[ItemState], state: AttemptState
) -> Sequence[Row[Any]]:
    """Return the last dials of the run's items in some of the begun states, those that are in this state.

    Item by item: joined, they make a planner that knows nothing of the tables yet read them whole.
    """
    return session.execute(
        _NEWEST, {"business_id": business_id, "run_id": run_id, "of": list(of), "state": state}
    ).all()


def release_old_unknowns(session: Session, business_id: UUID, *, fenced_since: datetime) -> int:
    """Take down the fence of unknown attempts made before the carrier's queue limit. Returns how many."""
    released = session.execute(
        update(OutboundAttempt)
        .where(
            OutboundAttempt.business_id == business_id,
            _is_now(AttemptState.UNKNOWN),
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


def is_suppressed(session: Session, business_id: UUID, phone: str) -> bool:
    """Return whether this number must not be called, by the business or by anybody here."""
    return bool(session.scalar(select(suppressed(business_id, phone))))


def suppressed(business_id: UUID, phone: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that a number must not be called, by the business or by anybody here."""
    own = exists().where(Suppression.business_id == business_id, Suppression.phone == phone)
    return or_(own, exists().where(SystemSuppression.phone == phone))
