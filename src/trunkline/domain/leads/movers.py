"""Who moves what when two leads turn out to be one person: each table that points at leads has a mover.

A domain above this one cannot be imported from here; its tables are named, or move by its own functions. A
table that nobody moves would lose its rows with the lead that goes: a test looks for such ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, func, select, update
from sqlalchemy.orm import Session

from trunkline.core.db import metadata

Move = Callable[[Session, UUID, UUID, UUID], None]
"""Session, business, whose rows go, and to whom they go; both leads are locked."""
Busy = Callable[[Session, UUID, Collection[UUID]], Mapping[UUID, str]]


@dataclass(frozen=True, slots=True)
class Mover:
    """How the rows of one table come to the lead that is kept."""

    move: Move
    busy: Busy | None = None
    """Which of these leads cannot be merged now, and the reason."""
    lock: Callable[[Session, UUID], None] | None = None
    """Called before any lead is locked: see to it that what `busy` answers stays true."""


_movers: dict[str, Mover] = {}


def register_mover(table: str, mover: Mover) -> None:
    """Say how a table's rows are moved; the last word on one table counts."""
    _movers[table] = mover


def register_rows(*tables: str) -> None:
    """Let the rows of these tables name the other lead in their `lead_id`, and no more."""
    for table in tables:
        register_mover(table, Mover(_renaming(table)))


def tables() -> frozenset[str]:
    """Return the tables whose rows are moved."""
    return frozenset(_movers)


def lock(session: Session, business_id: UUID) -> None:
    """Let every mover hold still what it answers from."""
    for mover in _movers.values():
        if mover.lock is not None:
            mover.lock(session, business_id)


def busy(session: Session, business_id: UUID, lead_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return which of these leads cannot be merged now, each with the first reason that is given."""
    reasons: dict[UUID, str] = {}
    for mover in _movers.values():
        if mover.busy is not None:
            reasons = {**mover.busy(session, business_id, lead_ids), **reasons}
    return reasons


def move(session: Session, business_id: UUID, gone: UUID, kept: UUID) -> None:
    """Let every table's rows go from one lead to the other."""
    for mover in _movers.values():
        mover.move(session, business_id, gone, kept)
    # What was read before says otherwise.
    session.expire_all()


def counts(session: Session, business_id: UUID, lead_id: UUID) -> dict[str, int]:
    """Return how many rows of each table point at a lead; tables without any are left out."""
    found = {}
    for name in sorted(_movers):
        table = metadata.tables[name]
        rows = session.scalar(select(func.count()).where(_of_lead(table, business_id, lead_id)))
        if rows:
            found[name] = rows
    return found


def _renaming(name: str) -> Move:
    def renaming(session: Session, business_id: UUID, gone: UUID, kept: UUID) -> None:
        table = metadata.tables[name]
        session.execute(update(table).where(_of_lead(table, business_id, gone)).values(lead_id=kept))

    return renaming


def _of_lead(table: Table, business_id: UUID, lead_id: UUID) -> ColumnElement[bool]:
    return and_(table.c.business_id == business_id, table.c.lead_id == lead_id)
