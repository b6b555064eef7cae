"""The run machine: each change of state is one guarded UPDATE, so that of two askers one wins.

Knows no items: what a run works through, and when it is done, its domain says.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from trunkline.core.errors import Conflict, NotFound, RunAlreadyActive, TooManyRequests
from trunkline.core.events import announce
from trunkline.core.runs.models import Run, RunState
from trunkline.kit import clock

_ALREADY = "This list is being worked on already."

_OF_LATE = """
    select extract(epoch from {at} + :within - coalesce(cast(:now as timestamptz), clock_timestamp()))
    from runs
    where business_id = :business_id and kind = :kind
      and {at} > coalesce(cast(:now as timestamptz), clock_timestamp()) - cast(:within as interval)
    order by {at} desc offset :most - 1 limit 1
"""
_MADE_OF_LATE = text(_OF_LATE.format(at="created_at"))
_STARTED_OF_LATE = text(_OF_LATE.format(at="started_at"))


def create(
    session: Session, *, business_id: UUID, kind: str, title: str, subject: str | None,
    options: dict[str, Any], actor: str,
) -> Run:  # fmt: skip
    """Write a pending run."""
    run = Run(
        business_id=business_id, kind=kind, title=title, subject=subject, options=options, created_by=actor,
        state=RunState.PENDING,
    )  # fmt: skip
    session.add(run)
    session.flush()
    return run


def get(session: Session, business_id: UUID, run_id: UUID, *, fresh: bool = False) -> Run:
    """Return a run of this business. Raises NotFound. `fresh` reads it again from the database."""
    run = session.scalar(_of(business_id, run_id).execution_options(populate_existing=fresh))
    if run is None:
        raise NotFound("There is no such run.")
    return run


def newest(
    session: Session, business_id: UUID, *, kind: str, limit: int,
    states: Collection[RunState] = (), after: UUID | None = None,
) -> list[Run]:  # fmt: skip
    """Return the business's runs of a kind, newest first: those behind one, those in some states."""
    query = select(Run).where(Run.business_id == business_id, Run.kind == kind)
    if states:
        query = query.where(Run.state.in_(states))
    if after is not None:
        known = aliased(Run)
        last = select(known.created_at, known.id).where(
            known.business_id == business_id, known.kind == kind, known.id == after
        )
        query = query.where(tuple_(Run.created_at, Run.id) < last.scalar_subquery())
    return list(session.scalars(query.order_by(Run.created_at.desc(), Run.id.desc()).limit(limit)))


def active_of_subject(session: Session, business_id: UUID, *, kind: str, subject: str) -> Run | None:
    """Return the active run that works on this subject, if any."""
    return session.scalar(
        select(Run).where(
            Run.business_id == business_id,
            Run.kind == kind,
            Run.subject == subject,
            Run.state.in_([RunState.RUNNING, RunState.PAUSED]),
        )
    )


def require_pace(
    session: Session,
    business_id: UUID,
    *,
    kind: str,
    most: int,
    within: timedelta,
    of_starts: bool = False,
    what: str = "runs",
) -> None:
    """Let a business make, or start, only so many runs of a kind in such a time, whichever process it asks.

    One asker at a time until its transaction ends, so that none slips past the count. Raises
    TooManyRequests, which says of `what` there were too many and when the next may be made.
    """
    session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"pace:{kind}:{business_id}"}
    )
    wait_s = session.execute(
        _STARTED_OF_LATE if of_starts else _MADE_OF_LATE,
        {"business_id": business_id, "kind": kind, "most": most, "within": within, "now": clock.frozen()},
    ).scalar_one_or_none()
    if wait_s is not None:
        left = max(1, math.ceil(wait_s))
        raise TooManyRequests(
            f"At most {most} {what} may be begun in {within.total_seconds():g} seconds;"
            f" the next one in {left} seconds.",
            retry_after_s=left,
        )


def require_free(
    session: Session, business_id: UUID, *, kind: str, subject: str, but: UUID | None = None
) -> None:
    """Go on only if no active run `but` one works on this subject. Raises RunAlreadyActive, naming it."""
    holder = active_of_subject(session, business_id, kind=kind, subject=subject)
    if holder is not None and holder.id != but:
        raise RunAlreadyActive(_ALREADY, run_id=str(holder.id))


def require_startable(session: Session, run: Run) -> None:
    """Go on only if the run is pending and nobody works on its subject. Raises as `start` does."""
    session.refresh(run)
    if RunState(run.state).is_active:
        raise RunAlreadyActive("This run is active already.", run_id=str(run.id))
    if run.state != RunState.PENDING:
        raise Conflict(f"The run is {run.state} and cannot be started.", state=run.state, reason="run_state")
    if run.subject is not None:
        require_free(session, run.business_id, kind=run.kind, subject=run.subject, but=run.id)


def start(session: Session, run: Run, *, actor: str) -> None:
    """pending -> running. Raises RunAlreadyActive, naming the active run, before anything is written."""
    if not _begin(session, run, from_=[RunState.PENDING], started_at=clock.now()):
        require_startable(session, run)
        raise Conflict("The run was being started by somebody else.", state=run.state, reason="run_state")
    announce("run.started", subject_id=run.id, actor=actor)


def restart(session: Session, run: Run, *, actor: str) -> None:
    """cancelled or failed -> running: go on where it stood. For runs that can; raises as `start` does."""
    over = [RunState.CANCELLED, RunState.FAILED]
    if not _begin(session, run, from_=over, finished_at=None, error=None, unsettled=False):
        session.refresh(run)
        raise Conflict(f"The run is {run.state} and cannot be resumed.", state=run.state, reason="run_state")
    announce("run.resumed", subject_id=run.id, actor=actor)


def pause(session: Session, run: Run, *, actor: str) -> None:
    """running -> paused: nothing new begins, what is live goes on. Raises Conflict."""
    moved = _move(session, run, from_=[RunState.RUNNING], to=RunState.PAUSED, unsettled=True)
    _require(session, moved, run, "paused")
    announce("run.paused", subject_id=run.id, actor=actor)


def resume(session: Session, run: Run, *, actor: str) -> None:
    """paused -> running. Raises Conflict."""
    moved = _move(session, run, from_=[RunState.PAUSED], to=RunState.RUNNING)
    _require(session, moved, run, "resumed")
    announce("run.resumed", subject_id=run.id, actor=actor)


def cancel(session: Session, run: Run, *, actor: str) -> None:
    """-> cancelled. Raises Conflict when it is over already."""
    moved = _move(
        session, run,
        from_=[RunState.PENDING, RunState.RUNNING, RunState.PAUSED], to=RunState.CANCELLED,
        finished_at=clock.now(), unsettled=True,
    )  # fmt: skip
    _require(session, moved, run, "cancelled")
    announce("run.cancelled", subject_id=run.id, actor=actor)


def complete(session: Session, run: Run, *, actor: str) -> bool:
    """running -> completed. False if something else ended it first."""
    moved = _move(session, run, from_=[RunState.RUNNING], to=RunState.COMPLETED, finished_at=clock.now())
    if moved:
        announce("run.completed", subject_id=run.id, actor=actor)
    return moved


def fail(session: Session, run: Run, *, error: str, actor: str) -> None:
    """running -> failed, with the reason."""
    if _move(
        session, run, from_=[RunState.RUNNING], to=RunState.FAILED, finished_at=clock.now(), error=error
    ):
        announce("run.failed", subject_id=run.id, actor=actor, error=error)


def unsettle(session: Session, run: Run) -> None:
    """Something that the run began has turned out to be open: look after it again."""
    session.execute(update(Run).where(Run.id == run.id).values(unsettled=True))


def settle(session: Session, run: Run) -> None:
    """Nothing that the run began is open any more: leave it alone from now on."""
    session.execute(update(Run).where(Run.id == run.id, Run.unsettled).values(unsettled=False))


def advance_cursor(session: Session, run: Run, position: int) -> None:
    """Remember how far into its items the run has begun."""
    session.execute(update(Run).where(Run.id == run.id, Run.cursor < position).values(cursor=position))


def _begin(session: Session, run: Run, *, from_: list[RunState], **stamps: Any) -> bool:
    """Make a run running, unless another active one has its subject. Raises RunAlreadyActive."""
    if run.subject is not None:
        require_free(session, run.business_id, kind=run.kind, subject=run.subject, but=run.id)
    try:
        with session.begin_nested():
            return _move(session, run, from_=from_, to=RunState.RUNNING, **stamps)
    except IntegrityError as error:
        # Two starts at the same moment: the unique index let the other one through.
        holder = active_of_subject(session, run.business_id, kind=run.kind, subject=run.subject or "")
        raise RunAlreadyActive(_ALREADY, run_id=str(holder.id) if holder else None) from error


def _of(business_id: UUID, run_id: UUID) -> Select[Run]:
    return select(Run).where(Run.business_id == business_id, Run.id == run_id)


def _move(session: Session, run: Run, *, from_: list[RunState], to: RunState, **stamps: Any) -> bool:
    moved = session.execute(
        update(Run)
        .where(Run.business_id == run.business_id, Run.id == run.id, Run.state.in_(from_))
        .values(state=to, **stamps)
        .returning(Run.id)
    ).scalar_one_or_none()
    return moved is not None


def _require(session: Session, moved: bool, run: Run, verb: str) -> None:
    if not moved:
        session.refresh(run)  # somebody else may have moved it since it was read
        raise Conflict(f"The run is {run.state} and cannot be {verb}.", state=run.state, reason="run_state")
