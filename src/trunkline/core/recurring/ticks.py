"""The table of ticks and all its SQL: where each recurring job stands, and how a tick is taken.

Time is PostgreSQL's, so that schedulers whose own clocks differ agree; a test that holds the clock
passes its instant. Decides nothing: which tick is due is for `rules`.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from trunkline.core.db import Base
from trunkline.kit import clock

_INSTANT = text("select coalesce(cast(:now as timestamptz), statement_timestamp())")

_BEGIN = text(
    "insert into schedule_ticks (name, last_tick) values (:name, :tick) on conflict (name) do nothing"
)

# Only from where the taker saw it: who comes second finds another `last_tick`. A row that another
# scheduler holds is passed over, so that one that hangs with it does not make the others hang too.
_TAKE = text(
    """
    update schedule_ticks set last_tick = :tick, missed = missed + :missed
    where name in (
        select name from schedule_ticks where name = :name and last_tick = :seen
        for update skip locked
    )
    returning name
    """
)

_NOTE_FIRED = text(
    """
    update schedule_ticks set
        fired_at = coalesce(cast(:now as timestamptz), statement_timestamp()),
        job_id = :job_id, fired = fired + 1
    where name = :name
    """
)

_NOTE_MISSED = text("update schedule_ticks set missed = missed + 1 where name = :name")

# A scheduler that stands still with a tick in hand loses it: PostgreSQL rolls it back, others take it.
_LET_GO = text("set local idle_in_transaction_session_timeout = '5s'")


class ScheduleTick(Base):
    """Where a recurring job stands: the last tick that was dealt with, and the firings so far."""

    __tablename__ = "schedule_ticks"

    name: Mapped[str] = mapped_column(primary_key=True)
    last_tick: Mapped[datetime]
    """Fired or missed. Of an entry that is new, the tick before it was first seen, which is neither."""
    fired_at: Mapped[datetime | None]
    job_id: Mapped[UUID | None]
    """The job that the last firing enqueued."""
    fired: Mapped[int] = mapped_column(BigInteger, server_default="0")
    missed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Ticks that passed unfired: while no scheduler ran, or while the job of an earlier one was active."""


def instant(session: Session) -> datetime:
    """Return the time by which ticks are judged."""
    now: datetime = session.execute(_INSTANT, {"now": clock.frozen()}).scalar_one()
    return now


def rows(session: Session) -> dict[str, ScheduleTick]:
    """Return where every entry stands that was ever seen, by name."""
    return {row.name: row for row in session.scalars(select(ScheduleTick))}


def begin(session: Session, *, name: str, tick: datetime) -> None:
    """Let an entry that is new stand at this tick, unless another scheduler has let it already."""
    session.execute(_BEGIN, {"name": name, "tick": tick})


def take(session: Session, *, name: str, seen: datetime, tick: datetime, missed: int) -> bool:
    """Take a tick in the unit of work in hand, from where the entry was seen to stand.

    False: another scheduler has taken it, or is about to.
    """
    session.execute(_LET_GO)
    values = {"name": name, "seen": seen, "tick": tick, "missed": missed}
    return session.execute(_TAKE, values).scalar_one_or_none() is not None


def note_fired(session: Session, *, name: str, job_id: UUID) -> None:
    """Write what the tick in hand enqueued."""
    session.execute(_NOTE_FIRED, {"name": name, "job_id": job_id, "now": clock.frozen()})


def note_missed(session: Session, *, name: str) -> None:
    """Write that the tick in hand enqueued nothing after all."""
    session.execute(_NOTE_MISSED, {"name": name})
