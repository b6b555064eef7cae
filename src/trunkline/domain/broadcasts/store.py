"""All SQL of broadcasts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.runs.models import Run, RunState
from trunkline.domain.broadcasts.models import Broadcast, BroadcastRecipient, RecipientState
from trunkline.domain.broadcasts.rules import OUR_FAULTS, Trouble
from trunkline.domain.inbox.service import Message
from trunkline.kit import clock


def lock_run(session: Session, business_id: UUID, run_id: UUID) -> Run | None:
    """Return a run as it stands, which nobody moves until this transaction ends."""
    return session.scalar(
        select(Run)
        .where(Run.business_id == business_id, Run.id == run_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def get(session: Session, business_id: UUID, run_id: UUID) -> Broadcast:
    """Return what a run has as a broadcast, read anew."""
    return session.scalars(
        select(Broadcast)
        .where(Broadcast.business_id == business_id, Broadcast.run_id == run_id)
        .execution_options(populate_existing=True)
    ).one()


def of_runs(session: Session, business_id: UUID, run_ids: Collection[UUID]) -> dict[UUID, Broadcast]:
    """Return what these runs have as broadcasts."""
    rows = session.scalars(
        select(Broadcast).where(Broadcast.business_id == business_id, Broadcast.run_id.in_(run_ids))
    )
    return {row.run_id: row for row in rows}


def add_recipients(session: Session, business_id: UUID, run_id: UUID, people: Select[UUID, str, int]) -> int:
    """Write one row for each of `people`: lead id, number and a sort key. Returns how many."""
    chosen = people.subquery()
    lead_id, phone, order = chosen.c
    rows = select(
        literal(business_id), literal(run_id), func.row_number().over(order_by=order), lead_id, phone
    )
    written = session.execute(
        insert(BroadcastRecipient).from_select(
            ["business_id", "run_id", "position", "lead_id", "address"], rows, include_defaults=False
        ),
        execution_options={"preserve_rowcount": True},
    )
    return int(written.rowcount)  # type: ignore[attr-defined]


def next_queued(
    session: Session, business_id: UUID, run_id: UUID, *, limit: int
) -> Sequence[BroadcastRecipient]:
    """Return whose turn is next, held until the transaction ends."""
    return session.scalars(
        select(BroadcastRecipient)
        .where(
            BroadcastRecipient.business_id == business_id, BroadcastRecipient.run_id == run_id,
            BroadcastRecipient.state == RecipientState.QUEUED,
        )
        .order_by(BroadcastRecipient.position)
        .limit(limit)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()  # fmt: skip


def has_queued(session: Session, business_id: UUID, run_id: UUID) -> bool:
    """Return whether somebody is still to be written to."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    BroadcastRecipient.business_id == business_id, BroadcastRecipient.run_id == run_id,
                    BroadcastRecipient.state == RecipientState.QUEUED,
                )
            )
        )
    )  # fmt: skip


def under_way(session: Session, business_id: UUID, run_id: UUID) -> int:
    """Return how many messages are written and not settled."""
    return session.scalars(
        select(func.count()).where(
            BroadcastRecipient.business_id == business_id, BroadcastRecipient.run_id == run_id,
            BroadcastRecipient.state == RecipientState.SENDING,
        )
    ).one()  # fmt: skip


def of_message(session: Session, business_id: UUID, message_id: UUID) -> BroadcastRecipient | None:
    """Return whose message this is, held until the transaction ends."""
    return session.scalar(
        select(BroadcastRecipient)
        .where(BroadcastRecipient.business_id == business_id, BroadcastRecipient.message_id == message_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def run_state(session: Session, business_id: UUID, run_id: UUID) -> RunState:
    """Return where a run stands at this moment."""
    state = session.scalars(select(Run.state).where(Run.business_id == business_id, Run.id == run_id)).one()
    return RunState(state)


def cancel_queued(session: Session, business_id: UUID, run_id: UUID) -> int:
    """Let everybody who has not been written to go without. Returns how many."""
    ended = session.execute(
        update(BroadcastRecipient)
        .where(
            BroadcastRecipient.business_id == business_id, BroadcastRecipient.run_id == run_id,
            BroadcastRecipient.state == RecipientState.QUEUED,
        )
        .values(state=RecipientState.CANCELLED, updated_at=clock.now()),
        execution_options={"preserve_rowcount": True, "synchronize_session": False},
    )  # fmt: skip
    return int(ended.rowcount)  # type: ignore[attr-defined]


def counts(session: Session, business_id: UUID, run_ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """Return for each run how many people stand where."""
    found: dict[UUID, dict[str, int]] = {run_id: {} for run_id in run_ids}
    rows = session.execute(
        select(BroadcastRecipient.run_id, BroadcastRecipient.state, func.count())
        .where(BroadcastRecipient.business_id == business_id, BroadcastRecipient.run_id.in_(run_ids))
        .group_by(BroadcastRecipient.run_id, BroadcastRecipient.state)
    )
    for run_id, state, number in rows:
        found[run_id][state] = number
    return found


def receipts(session: Session, business_id: UUID, run_id: UUID) -> dict[str, int]:
    """Return how many of a run's messages stand where, of those that were sent."""
    rows = session.execute(
        select(Message.state, func.count())
        .join(
            BroadcastRecipient,
            (BroadcastRecipient.business_id == Message.business_id)
            & (BroadcastRecipient.message_id == Message.id),
        )
        .where(
            BroadcastRecipient.business_id == business_id, BroadcastRecipient.run_id == run_id,
            BroadcastRecipient.state == RecipientState.SENT,
        )
        .group_by(Message.state)
    )  # fmt: skip
    return dict(rows.all())


def trouble_of(
    session: Session, business_id: UUID, run_id: UUID, *, of_last: int, since: datetime
) -> Trouble:
    """Return how many of a run's newest messages of late came to an end, and how many of those failed."""
    newest = (
        select(BroadcastRecipient.state, BroadcastRecipient.reason)
        .where(
            BroadcastRecipient.business_id == business_id, BroadcastRecipient.run_id == run_id,
            BroadcastRecipient.state.in_(("sent", "failed", "uncertain")),
            BroadcastRecipient.updated_at > since,
        )
        .order_by(BroadcastRecipient.updated_at.desc())
        .limit(of_last)
        .subquery()
    )  # fmt: skip
    failed = newest.c.state.in_(("failed", "uncertain")) & newest.c.reason.in_(OUR_FAULTS)
    ended, bad = session.execute(select(func.count(), func.count().filter(failed)).select_from(newest)).one()
    return Trouble(ended, bad)


def recipients(
    session: Session, business_id: UUID, run_id: UUID, *, states: Collection[str], after: int, limit: int
) -> Sequence[tuple[BroadcastRecipient, Message | None]]:
    """Return a page of a run's people behind a position, with what became of their messages."""
    query = (
        select(BroadcastRecipient, Message)
        .outerjoin(
            Message,
            (Message.business_id == BroadcastRecipient.business_id)
            & (Message.id == BroadcastRecipient.message_id),
        )
        .where(
            BroadcastRecipient.business_id == business_id, BroadcastRecipient.run_id == run_id,
            BroadcastRecipient.position > after,
        )
        .order_by(BroadcastRecipient.position)
        .limit(limit)
    )  # fmt: skip
    if states:
        query = query.where(BroadcastRecipient.state.in_(states))
    return [(recipient, message) for recipient, message in session.execute(query)]


def failed_leads(session: Session, business_id: UUID, run_id: UUID) -> list[UUID]:
    """Return the leads whose messages certainly did not go, in their order."""
    rows = session.scalars(
        select(BroadcastRecipient.lead_id)
        .where(
            BroadcastRecipient.business_id == business_id, BroadcastRecipient.run_id == run_id,
            BroadcastRecipient.state == RecipientState.FAILED, BroadcastRecipient.lead_id.is_not(None),
        )
        .order_by(BroadcastRecipient.position)
    )  # fmt: skip
    return [lead_id for lead_id in rows if lead_id is not None]


def missed_starts(session: Session, business_id: UUID, *, before: datetime) -> list[tuple[UUID, datetime]]:
    """Return the broadcasts that should have started before a moment and have not, with theirs."""
    rows = session.execute(
        select(Run.id, Broadcast.starts_at)
        .join(Broadcast, (Broadcast.business_id == Run.business_id) & (Broadcast.run_id == Run.id))
        .where(Run.business_id == business_id, Run.state == RunState.PENDING, Broadcast.starts_at < before)
    )
    return [(run_id, starts_at) for run_id, starts_at in rows if starts_at is not None]
