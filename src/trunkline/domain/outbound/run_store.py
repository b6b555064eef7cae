"""The SQL of outbound runs as wholes: their people, their counts, what holds them, what is left of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    func,
    literal,
    not_,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from trunkline.core.runs.models import Run, RunState
from trunkline.domain.outbound.models import (
    BEGUN_ITEM_STATES,
    UNRESOLVED_STATES,
    AttemptState,
    ItemState,
    OutboundAttempt,
    OutboundItem,
    OutboundRun,
    spelt_out,
)
from trunkline.domain.outbound.rules import FAILURES, Trouble
from trunkline.kit import clock


def add_run(session: Session, business_id: UUID, run_id: UUID, **values: Any) -> None:
    """Write what a run that calls has beyond any other."""
    session.execute(insert(OutboundRun).values(business_id=business_id, run_id=run_id, **values))


def outbound_run(session: Session, business_id: UUID, run_id: UUID) -> OutboundRun:
    """Return it."""
    return session.scalars(
        select(OutboundRun).where(OutboundRun.business_id == business_id, OutboundRun.run_id == run_id)
    ).one()


def outbound_runs(session: Session, business_id: UUID, run_ids: Sequence[UUID]) -> dict[UUID, OutboundRun]:
    """Return those of these runs, by their ids."""
    rows = session.scalars(
        select(OutboundRun).where(OutboundRun.business_id == business_id, OutboundRun.run_id.in_(run_ids))
    )
    return {row.run_id: row for row in rows}


def pending_of_subject(session: Session, business_id: UUID, subject: str) -> Run | None:
    """Return the run that has not begun over a subject, if there is one."""
    return session.scalar(
        select(Run).where(
            Run.business_id == business_id, Run.kind == "outbound", Run.subject == subject,
            Run.state == RunState.PENDING,
        )
    )  # fmt: skip


def add_items(
    session: Session, business_id: UUID, run_id: UUID, people: Select[UUID, str, int], *, rank: int
) -> int:
    """Write one item for each row of `people`: lead id, phone and a sort key. Returns how many."""
    chosen = people.subquery()
    lead_id, phone, order = chosen.c
    rows = select(
        func.gen_random_uuid(), literal(business_id), literal(run_id), lead_id, phone,
        func.row_number().over(order_by=order), literal(rank),
    )  # fmt: skip
    columns = ["id", "business_id", "run_id", "lead_id", "phone", "position", "rank"]
    written = session.execute(
        insert(OutboundItem).from_select(columns, rows, include_defaults=False),
        execution_options={"preserve_rowcount": True},
    )
    return int(written.rowcount)  # type: ignore[attr-defined]


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
    of_run = business_id, run_id
    return bool(session.scalar(select(or_(_is_queued(*of_run), _is_waiting(*of_run), _is_begun(*of_run)))))


def has_begun_items(session: Session, business_id: UUID, run_id: UUID) -> bool:
    """Return whether a dial that the run began has not come to its end."""
    return bool(session.scalar(select(_is_begun(business_id, run_id))))


def has_waiting_items(session: Session, business_id: UUID, run_id: UUID) -> bool:
    """Return whether an item could be dialled now: it is queued, or waits and is due."""
    due = _is_waiting(business_id, run_id, OutboundItem.not_before <= clock.now())
    return bool(session.scalar(select(or_(_is_queued(business_id, run_id), due))))


# There is an index over each of these. The order is that of the index: where all that matters is whether
# there is one, PostgreSQL would else read the table, in hope of coming upon one soon.


def _is_queued(business_id: UUID, run_id: UUID) -> ColumnElement[bool]:
    first = _items_in(business_id, run_id, [ItemState.QUEUED])
    return _finds(first.order_by(OutboundItem.rank, OutboundItem.position))


def _is_waiting(business_id: UUID, run_id: UUID, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    first = _items_in(business_id, run_id, [ItemState.RETRY_WAIT]).where(*conditions)
    return _finds(first.order_by(OutboundItem.not_before, OutboundItem.position))


def _is_begun(business_id: UUID, run_id: UUID) -> ColumnElement[bool]:
    return _finds(_items_in(business_id, run_id, BEGUN_ITEM_STATES))


def _items_in(business_id: UUID, run_id: UUID, states: Sequence[ItemState]) -> Select[UUID]:
    return select(OutboundItem.id).where(
        OutboundItem.business_id == business_id, OutboundItem.run_id == run_id,
        OutboundItem.state.in_(spelt_out(states)),
    )  # fmt: skip


def _finds(items: Select[UUID]) -> ColumnElement[bool]:
    return items.limit(1).scalar_subquery().is_not(None)


def missed_starts(session: Session, business_id: UUID, *, before: datetime) -> list[tuple[UUID, datetime]]:
    """Return the runs that should have started before a moment and have not, with theirs."""
    rows = session.execute(
        select(Run.id, OutboundRun.starts_at)
        .join(OutboundRun, and_(OutboundRun.business_id == Run.business_id, OutboundRun.run_id == Run.id))
        .where(Run.business_id == business_id, Run.state == RunState.PENDING, OutboundRun.starts_at < before)
    )
    return [(run_id, starts_at) for run_id, starts_at in rows if starts_at is not None]


def recheck_waiting(
    session: Session, business_id: UUID, *, reasons: Collection[str], since: datetime, most: int
) -> int:
    """Make items due that have waited for one of these reasons since before a moment.

    Returns how many; `most` of them, if there may be more.
    """
    some = (
        select(OutboundItem.id)
        .where(
            OutboundItem.business_id == business_id, OutboundItem.state == ItemState.RETRY_WAIT,
            OutboundItem.waits_for.in_(reasons), OutboundItem.not_before > since,
            OutboundItem.updated_at <= since,
        )
        .limit(most)
        .with_for_update(skip_locked=True)
        # Asked once: a plan that asks a limit again for each row finds others each time.
        .cte("some").prefix_with("materialized")
    )  # fmt: skip
    made_due = session.execute(
        update(OutboundItem)
        .where(OutboundItem.business_id == business_id, OutboundItem.id.in_(select(some.c.id)))
        .values(not_before=since),
        execution_options={"preserve_rowcount": True, "synchronize_session": False},
    )
    return int(made_due.rowcount)  # type: ignore[attr-defined]


def next_due(session: Session, business_id: UUID, run_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """Return for each run that has items waiting when the first of them is due."""
    first = (
        select(OutboundItem.not_before)
        .where(
            OutboundItem.business_id == business_id, OutboundItem.run_id == OutboundRun.run_id,
            OutboundItem.state.in_(spelt_out([ItemState.RETRY_WAIT])),
        )
        .order_by(OutboundItem.not_before)
        .limit(1)
        .scalar_subquery()
    )  # fmt: skip
    rows = session.execute(
        select(OutboundRun.run_id, first).where(
            OutboundRun.business_id == business_id, OutboundRun.run_id.in_(run_ids)
        )
    )
    return {run_id: due for run_id, due in rows if due is not None}


def trouble_of(
    session: Session, business_id: UUID, run_id: UUID, *, of_last: int, since: datetime
) -> Trouble:
    """Return how many of a run's newest dials of late came to an end, and how many of those failed."""
    ended = or_(OutboundAttempt.disposition.is_not(None), OutboundAttempt.state == AttemptState.UNKNOWN)
    newest = (
        select(OutboundAttempt.disposition, OutboundAttempt.state)
        .where(
            OutboundAttempt.business_id == business_id, OutboundAttempt.run_id == run_id,
            OutboundAttempt.created_at > since, ended,
        )
        .order_by(OutboundAttempt.created_at.desc())
        .limit(of_last)
        .subquery()
    )  # fmt: skip
    failed = or_(newest.c.disposition.in_(FAILURES), newest.c.state == AttemptState.UNKNOWN)
    row = session.execute(select(func.count(), func.count().filter(failed)).select_from(newest)).one()
    return Trouble(*row)


def hold_run(
    session: Session, business_id: UUID, run_id: UUID, *, until: datetime, reason: str, now: datetime
) -> bool:
    """Let a run dial nothing until then, and one line at first afterwards. False: it is held already."""
    held = session.execute(
        update(OutboundRun)
        .where(
            OutboundRun.business_id == business_id, OutboundRun.run_id == run_id,
            or_(OutboundRun.held_until.is_(None), OutboundRun.held_until <= now),
        )
        .values(held_until=until, held_reason=reason, ramp_from=until)
        .returning(OutboundRun.run_id)
    ).scalar_one_or_none()  # fmt: skip
    return held is not None


def begin_ramp(session: Session, business_id: UUID, run_id: UUID) -> None:
    """A run starts or goes on: from one line, if it has a ramp, and whatever held it before is over."""
    session.execute(
        update(OutboundRun)
        .where(OutboundRun.business_id == business_id, OutboundRun.run_id == run_id)
        .values(ramp_from=clock.now(), starts_at=None, held_until=None, held_reason=None)
    )


def unresolved_of_run(session: Session, business_id: UUID, run_id: UUID) -> int:
    """Count a run's attempts that are not resolved."""
    return session.scalar(
        select(func.count()).select_from(OutboundAttempt).where(
            OutboundAttempt.business_id == business_id,
            OutboundAttempt.run_id == run_id,
            OutboundAttempt.state.in_(spelt_out(UNRESOLVED_STATES)),
            not_(OutboundAttempt.released),
        )
    ) or 0  # fmt: skip


def items_of_run(
    session: Session,
    business_id: UUID,
    run_id: UUID,
    *,
    after: int = 0,
    states: Collection[str] = (),
    limit: int | None = None,
) -> Sequence[OutboundItem]:
    """Return a page of a run's items in their order, behind a position; without `states` those in any.

    Without a limit, all that follow.
    """
    query = select(OutboundItem).where(
        OutboundItem.business_id == business_id, OutboundItem.run_id == run_id, OutboundItem.position > after
    )
    if states:
        query = query.where(OutboundItem.state.in_(states))
    return session.scalars(query.order_by(OutboundItem.position).limit(limit)).all()


def attempts_of_run(
    session: Session, business_id: UUID, run_id: UUID, *, after: UUID | None = None,
    states: Collection[str] = (), released: bool | None = None, limit: int | None = None,
) -> Sequence[OutboundAttempt]:  # fmt: skip
    """Return a page of a run's attempts in order of time, behind one of them: released, others, or both."""
    moment = tuple_(OutboundAttempt.created_at, OutboundAttempt.id)
    query = select(OutboundAttempt).where(
        OutboundAttempt.business_id == business_id, OutboundAttempt.run_id == run_id
    )
    if states:
        query = query.where(OutboundAttempt.state.in_(states))
    if released is not None:
        query = query.where(OutboundAttempt.released.is_(released))
    if after is not None:
        known = aliased(OutboundAttempt)
        last = select(known.created_at, known.id).where(
            known.business_id == business_id, known.run_id == run_id, known.id == after
        )
        query = query.where(moment > last.scalar_subquery())
    return session.scalars(query.order_by(OutboundAttempt.created_at, OutboundAttempt.id).limit(limit)).all()
