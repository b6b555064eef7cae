"""The database: engines by role, the declarative base, and the unit of work.

One unit of work is one transaction in one scope: a business, or the system. Everything that
writes happens inside one. What must follow the commit (ringing a queue) is left with the unit
and happens after it, never when it rolls back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import Engine, MetaData, create_engine, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction, mapped_column, sessionmaker
from sqlalchemy.types import DateTime

from trunkline.kit.ids import new_id

_APP_OPTIONS = "-c idle_in_transaction_session_timeout=60s"
# The relay's statements take a millisecond: one that waits longer waits for something that is wrong.
# All of them go by index. A worker that prepared them while the ledger was empty would else keep reading
# the whole table until the next ANALYZE.
_RELAY_OPTIONS = (
    "-c idle_in_transaction_session_timeout=5s -c statement_timeout=10s -c lock_timeout=2s "
    "-c synchronous_commit=off -c enable_seqscan=off"
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = metadata
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: DateTime(timezone=True),
        UUID: PG_UUID(as_uuid=True),
        dict[str, Any]: JSONB,
        list[str]: JSONB,
    }


PrimaryId = Annotated[UUID, mapped_column(primary_key=True, default=new_id)]


@dataclass(frozen=True, slots=True)
class Scope:
    """On whose behalf a transaction speaks. Built by `of_business` and `SYSTEM` only."""

    business_id: UUID | None

    @property
    def is_system(self) -> bool:
        return self.business_id is None


SYSTEM = Scope(None)
"""The scope of what belongs to no business: system jobs, system admins, the list of businesses."""


def of_business(business_id: UUID) -> Scope:
    """Return the scope of one business."""
    return Scope(business_id)


@dataclass(slots=True)
class UnitOfWork:
    """The transaction in hand and what is to follow its commit."""

    session: Session
    scope: Scope
    after_commit: list[Callable[[], None]] = field(default_factory=list)


_current: ContextVar[UnitOfWork | None] = ContextVar("trunkline_unit_of_work", default=None)


class NoUnitOfWork(RuntimeError):
    """Something that must be written with its cause was called outside any transaction."""


class Database:
    """One process's connections: as the application, and, in workers, as the relay."""

    def __init__(self, url: str, *, relay_url: str | None = None, pool_size: int = 10) -> None:
        self.engine = _engine(url, pool_size)
        self.relay: Engine | None = _engine(relay_url, 3, relay=True) if relay_url else None
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    def begin(self, scope: Scope) -> UnitOfWork:
        """Return a fresh unit of work in this scope. It touches the database on first use."""
        return UnitOfWork(self._sessions(info={"scope": scope}), scope)

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        if self.relay is not None:
            self.relay.dispose()


_database: Database | None = None


def install_database(database: Database) -> None:
    """Make this the process's database. Called once by a process at start, and by tests."""
    global _database  # noqa: PLW0603 - one database a process, set at start
    _database = database


def database() -> Database:
    """Return the process's database."""
    if _database is None:
        raise NoUnitOfWork("no database has been installed in this process")
    return _database


@contextmanager
def unit_of_work(scope: Scope) -> Iterator[Session]:
    """Open a transaction in `scope`; commit it at the end, or roll it back if the block raises."""
    if _current.get() is not None:
        raise NoUnitOfWork("a unit of work is open already; finish it before opening another")
    unit = database().begin(scope)
    token = _current.set(unit)
    try:
        with unit.session:
            yield unit.session
            unit.session.commit()
    finally:
        _current.reset(token)
    run_after_commit(unit)


@contextmanager
def adopt(unit: UnitOfWork) -> Iterator[None]:
    """Make `unit` the one in hand while the block runs; its owner commits."""
    token = _current.set(unit)
    try:
        yield
    finally:
        _current.reset(token)


def run_after_commit(unit: UnitOfWork) -> None:
    """Do what was left for after the commit, once."""
    pending, unit.after_commit = unit.after_commit, []
    for action in pending:
        action()


def current_unit() -> UnitOfWork:
    """Return the unit of work in hand. Raises NoUnitOfWork where there is none."""
    unit = _current.get()
    if unit is None:
        raise NoUnitOfWork("this must be called inside a unit of work")
    return unit


@event.listens_for(Session, "after_begin")
def _set_scope(session: Session, _transaction: SessionTransaction, connection: Any) -> None:
    """Tell PostgreSQL the scope of each transaction as it begins, so that no call site can forget."""
    scope: Scope | None = session.info.get("scope")
    if scope is None:
        return
    connection.execute(
        text(
            "select set_config('app.business_id', :business, true),"
            " set_config('app.is_system', :system, true)"
        ),
        {"business": str(scope.business_id or ""), "system": "on" if scope.is_system else ""},
    )


def _engine(url: str, pool_size: int, *, relay: bool = False) -> Engine:
    """Build an engine; plain `postgresql://` addresses are taken to mean psycopg 3.

    The relay's connections are not tried before each use, as it asks again by itself, and its commits
    do not wait for the disk: docs/decisions/0012-worker-settings.md says why nothing is lost by that.
    """
    scheme, rest = url.split("://", 1)
    if scheme in {"postgresql", "postgres"}:
        url = f"postgresql+psycopg://{rest}"
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=not relay,
        pool_timeout=10,
        # What a person typed, or a password's hash, has no place in an error's text.
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            # A server that went away without a word is noticed within half a minute.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
            # Who stands still in the middle of a transaction loses it, and with it its locks.
            "options": "-c timezone=UTC " + (_RELAY_OPTIONS if relay else _APP_OPTIONS),
        },
    )
