"""The events table: what happened, written in the transaction in which it happened.

Append-only. Every consumer reads it in commit order with a cursor of its own; a row becomes
readable only when no older transaction can still add one before it, so that no cursor ever
steps over an event.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    case,
    func,
    literal_column,
    select,
    text,
    tuple_,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from trunkline.core.db import Base, current_unit


class Event(Base):
    """One thing that happened. `business_id` is null for the system's own."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_feed", "business_id", "transaction_id", "id"),
        Index("ix_events_kind", "kind", "actor", "at"),
        Index(
            "ix_events_compliance",
            "business_id",
            "at",
            "id",
            postgresql_where=text(
                "kind in ('dial.allowed', 'dial.refused', 'dial.taken_back', 'number.suppressed', "
                "'number.allowed', 'consent.changed')"
            ),
        ),
        Index(
            "ix_events_lead",
            "business_id",
            "subject_id",
            "at",
            "id",
            postgresql_where=text("kind in ('lead.changed', 'lead.status_changed', 'consent.changed')"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    transaction_id: Mapped[int] = mapped_column(
        BigInteger, server_default=text("pg_current_xact_id()::text::bigint")
    )
    business_id: Mapped[UUID | None] = mapped_column(ForeignKey("businesses.id"))
    kind: Mapped[str]
    subject_id: Mapped[UUID | None]
    actor: Mapped[str]
    data: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a consumer has read: the last event's transaction and id."""

    transaction_id: int = 0
    id: int = 0


_APPEND = text(
    """
    insert into events (business_id, kind, subject_id, actor, data)
    select cast(:business as uuid), :kind, subject_id, :actor, cast(facts as jsonb)
    from unnest(cast(:data as text[]), cast(:subjects as uuid[])) given (facts, subject_id)
    """
)


def announce(kind: str, *, subject_id: UUID | None, actor: str, **data: Any) -> None:
    """Append an event to the unit of work in hand. `kind` is `noun.past_tense`, `actor` who did it."""
    unit = current_unit()
    unit.session.add(
        Event(business_id=unit.scope.business_id, kind=kind, subject_id=subject_id, actor=actor, data=data)
    )


def announce_many(
    kind: str, *, actor: str, data: Sequence[dict[str, Any]], subjects: Sequence[UUID] = ()
) -> None:
    """Append an event of one kind for each of these facts, by one statement; as many subjects or none."""
    unit = current_unit()
    unit.session.execute(
        _APPEND,
        {
            "business": unit.scope.business_id, "kind": kind, "actor": actor,
            "data": [json.dumps(facts) for facts in data], "subjects": list(subjects),
        },
    )  # fmt: skip


_PLACE = (Event.transaction_id, Event.id)


def read_after(session: Session, cursor: Cursor, *, limit: int = 100) -> list[Event]:
    """Return the scope's events behind the cursor, oldest first, without a gap that could yet fill."""
    rows = select(Event).where(*_readable(session), _behind(cursor))
    return list(session.scalars(rows.order_by(*_PLACE).limit(limit)))


def newest_cursor(session: Session) -> Cursor:
    """Return the cursor behind every event of the scope that is readable now."""
    newest = select(*_PLACE).where(*_readable(session)).order_by(*(part.desc() for part in _PLACE)).limit(1)
    row = session.execute(newest).one_or_none()
    return Cursor() if row is None else Cursor(*row)


def _readable(session: Session) -> list[ColumnElement[bool]]:
    """Of the scope, and of transactions before any that goes on. A business is said by `=`, the system by
    `is null`: no index serves `is not distinct from`, and what is new would be sought among all events."""
    return [
        Event.business_id == session.info["scope"].business_id,
        Event.transaction_id < literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint"),
    ]


def _behind(cursor: Cursor) -> ColumnElement[bool]:
    return tuple_(*_PLACE) > (cursor.transaction_id, cursor.id)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a consumer has heard that follows subjects and not each event."""

    subjects: set[UUID]
    cursor: Cursor
    there_are_more: bool


def subjects_after(session: Session, cursor: Cursor, *, prefix: str, limit: int) -> Heard:
    """Return what the scope's next events behind the cursor are about, of the kinds that begin so."""
    subject = case((func.starts_with(Event.kind, prefix), Event.subject_id))
    rows = session.execute(
        select(*_PLACE, subject.label("subject"))
        .where(*_readable(session), _behind(cursor))
        .order_by(*_PLACE)
        .limit(limit)
    ).all()
    subjects = {row.subject for row in rows if row.subject is not None}
    last = Cursor(rows[-1].transaction_id, rows[-1].id) if rows else cursor
    return Heard(subjects, last, len(rows) == limit)
