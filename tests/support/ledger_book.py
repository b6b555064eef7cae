"""The book that the fault suite judges by: every transition of the ledger, every effect, every note.

A trigger writes each change of a job's state or epoch, as PostgreSQL made it and when, so that the
judge needs nobody's word for it. All of it lives in a schema of its own and is gone after the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

_OPEN = """
    create schema faults;
    grant usage on schema faults to trunkline_app;
    create table faults.effects (
        n bigint generated always as identity, job_id uuid not null, part text not null,
        epoch int not null
    );
    create index effects_of_job on faults.effects (job_id);
    grant select, insert on faults.effects to trunkline_app;
    create table faults.history (
        n bigint generated always as identity, job_id uuid not null, state text not null,
        epoch int not null, attempt int not null, owner text, at timestamptz not null,
        transaction xid8 not null default pg_current_xact_id()
    );
    create function faults.remember() returns trigger language plpgsql security definer
        set search_path = pg_catalog, pg_temp as $$
    begin
        if tg_op = 'DELETE' then
            insert into faults.history (job_id, state, epoch, attempt, owner, at)
                values (old.id, 'deleted', old.lease_epoch, old.attempt, null, clock_timestamp());
        elsif tg_op = 'INSERT' or new.state <> old.state or new.lease_epoch <> old.lease_epoch then
            insert into faults.history (job_id, state, epoch, attempt, owner, at)
                values (new.id, new.state, new.lease_epoch, new.attempt, new.lease_owner, clock_timestamp());
        end if;
        return null;
    end $$;
    create trigger faults_history after insert or update or delete on public.jobs
        for each row execute function faults.remember();
    """

_HISTORY = """
    select job_id, state, epoch, attempt, owner, cast(extract(epoch from at) as float8),
           cast(cast(transaction as text) as bigint)
    from faults.history order by n
    """

_ROWS = """
    select id, name, state, attempt, max_attempts, lease_epoch,
           args -> 'args' -> 0
    from jobs
    """

_CLOSE = """
    drop trigger if exists faults_history on public.jobs;
    drop schema if exists faults cascade;
    """


@dataclass(frozen=True, slots=True)
class Entry:
    """A job's row came to be in a state."""

    job_id: UUID
    state: str
    epoch: int
    attempt: int
    owner: str | None
    at: float
    """Seconds since 1970."""
    transaction: int
    """What was claimed in one transaction is one hand."""


@dataclass(frozen=True, slots=True)
class Note:
    """A handler went through a step."""

    step: str
    job_id: UUID
    epoch: int
    pid: int
    at: float


@dataclass(frozen=True, slots=True)
class Row:
    """A job as it stands."""

    id: UUID
    name: str
    state: str
    attempt: int
    max_attempts: int
    epoch: int
    argument: Any
    """Its first one."""


class Book:
    """What can be read afterwards."""

    def __init__(self, owner: Engine, relay: Engine, journal: Path) -> None:
        self._owner = owner
        self._relay = relay
        self.journal = journal

    def wipe(self) -> None:
        """Begin anew, with the ledger empty."""
        with self._owner.begin() as connection:
            connection.execute(text("truncate faults.history, faults.effects"))
        self.journal.write_text("")

    def history(self) -> list[Entry]:
        """Every transition in the order of writing, which is that of time for any one job."""
        return [Entry(*row) for row in _read(self._owner, _HISTORY)]

    def rows(self) -> list[Row]:
        """The ledger as it stands."""
        return [Row(*row) for row in _read(self._relay, _ROWS)]

    def effects(self) -> list[tuple[UUID, str, int]]:
        """Every effect: job, part, and how often it was done."""
        rows = _read(self._owner, "select job_id, part, count(*) from faults.effects group by job_id, part")
        return [(row.job_id, row.part, row.count) for row in rows]

    def notes(self) -> list[Note]:
        """Every note."""
        found = []
        for line in self.journal.read_text().splitlines():
            step, job, epoch, pid, at = line.split(" ")
            found.append(Note(step, UUID(job), int(epoch), int(pid), float(at)))
        return found

    def count(self, where: str = "true") -> int:
        """How many jobs there are of which this SQL is true."""
        # The owner is bound by row-level security; the relay sees every business's jobs.
        return int(_read(self._relay, f"select count(*) as jobs from jobs where {where}")[0].jobs)

    def count_unlocked(self, where: str) -> int:
        """How many of those nobody has locked."""
        return len(_read(self._relay, f"select id from jobs where {where} for update skip locked"))

    def busy(self) -> set[str]:
        """The workers that have a job claimed, or have had one that ended well."""
        rows = _read(
            self._relay, "select distinct lease_owner as name from jobs where lease_owner is not null"
        )
        return {row.name for row in rows}

    def stopping(self) -> int:
        """How many workers say that they were told to stop."""
        return int(_read(self._relay, "select count(*) as n from workers where state = 'stopping'")[0].n)

    @contextmanager
    def locking(self, job_id: UUID) -> Iterator[None]:
        """Keep a row locked, as a host does whose network has gone."""
        with self._relay.connect() as connection:
            connection.execute(text("select 1 from jobs where id = :id for update"), {"id": job_id})
            yield


def _read(engine: Engine, statement: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(statement)))


@contextmanager
def open_book(owner: Engine, relay: Engine, journal: Path) -> Iterator[Book]:
    """Keep the book while the block runs."""
    with owner.begin() as connection:
        connection.execute(text(_CLOSE))
        connection.execute(text(_OPEN))
    try:
        book = Book(owner, relay, journal)
        book.wipe()
        yield book
    finally:
        with owner.begin() as connection:
            connection.execute(text(_CLOSE))
