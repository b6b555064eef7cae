"""The run machine: each change of state is one guarded UPDATE, so that of two askers one wins.

Knows no items: what a run works through, and when it is done, its domain says.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trunkline.core.errors import Conflict, NotFound, RunAlreadyActive
from trunkline.core.events import announce
from trunkline.core.runs.models import Run, RunState
from trunkline.kit import clock


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


def newest(session: Session, business_id: UUID, *, kind: str, limit: int) -> list[Run]:
    """Return the business's runs of a kind, newest first."""
    return list(
        session.scalars(
            select(Run)
            .where(Run.business_id == business_id, Run.kind == kind)
            .order_by(Run.created_at.desc())
            .limit(limit)
        )
    )


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


def start(session: Session, run: Run, *, actor: str) -> None:
    """pending -> running. Raises RunAlreadyActive, naming the active run, before anything is written."""
    if run.subject is not None:
        holder = active_of_subject(session, run.business_id, kind=run.kind, subject=run.subject)
        if holder is not None:
            raise RunAlreadyActive("This list is being worked on already.", run_id=str(holder.id))
    try:
        with session.begin_nested():
            moved = _move(session, run, from_=[RunState.PENDING], to=RunState.RUNNING, started_at=clock.now())
    except IntegrityError as error:
        # Two starts at the same moment: the unique index let the other one through.
        holder = active_of_subject(session, run.business_id, kind=run.kind, subject=run.subject or "")
        run_id = str(holder.id) if holder else None
        raise RunAlreadyActive("This list is being worked on already.", run_id=run_id) from error
    if not moved:
        session.refresh(run)
        if RunState(run.state).is_active:
            raise RunAlreadyActive("This run is active already.", run_id=str(run.id))
        raise Conflict(f"The run is {run.state} and cannot be started.", state=run.state)
    announce("run.started", subject_id=run.id, actor=actor)


def pause(session: Session, run: Run, *, actor: str) -> None:
    """running -> paused: nothing new begins, what is live goes on. Raises Conflict."""
    moved = _move(session, run, from_=[RunState.RUNNING], to=RunState.PAUSED, unsettled=True)
    _require(moved, run, "paused")
    announce("run.paused", subject_id=run.id, actor=actor)


def resume(session: Session, run: Run, *, actor: str) -> None:
    """paused -> running. Raises Conflict."""
    _require(_move(session, run, from_=[RunState.PAUSED], to=RunState.RUNNING), run, "resumed")
    announce("run.resumed", subject_id=run.id, actor=actor)


def cancel(session: Session, run: Run, *, actor: str) -> None:
    """-> cancelled. Raises Conflict when it is over already."""
    moved = _move(
        session, run,
        from_=[RunState.PENDING, RunState.RUNNING, RunState.PAUSED], to=RunState.CANCELLED,
        finished_at=clock.now(), unsettled=True,
    )  # fmt: skip
    _require(moved, run, "cancelled")
    announce("run.cancelled", subject_id=run.id, actor=actor)


def complete(session: Session, run: Run, *, actor: str) -> bool:
    """running -> completed. False if something else ended it first."""
    moved = _move(session, run, from_=[RunState.RUNNING], to=RunState.COMPLETED, finished_at=clock.now())
    if moved:
        announce("run.completed", subject_id=run.id, actor=actor)
    return moved


def settle(session: Session, run: Run) -> None:
    """Nothing that the run began is open any more: leave it alone from now on."""
    session.execute(update(Run).where(Run.id == run.id, Run.unsettled).values(unsettled=False))


def advance_cursor(session: Session, run: Run, position: int) -> None:
    """Remember how far into its items the run has begun."""
    session.execute(update(Run).where(Run.id == run.id, Run.cursor < position).values(cursor=position))


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


def _require(moved: bool, run: Run, verb: str) -> None:
    if not moved:
        raise Conflict(f"The run is {run.state} and cannot be {verb}.", state=run.state)
