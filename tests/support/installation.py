"""One PostgreSQL and one Valkey for a whole test session, with the schema in them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import redis
from psycopg import conninfo
from psycopg.errors import DeadlockDetected
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from trunkline import schema, wiring
from trunkline.core import vault
from trunkline.core.db import Database, install_database, metadata
from trunkline.core.jobs.executor import Executor
from trunkline.core.settings import Settings
from trunkline.core.storage import Storage, install_storage
from trunkline.embedded import EmbeddedUrls, hold_servers

TOKEN_KEY = b"a key for tests"
VAULT_KEY = b"a key for the vault of the tests"


@dataclass(slots=True)
class Installation:
    """A running pair of servers and this process's connections to them."""

    home: Path
    urls: EmbeddedUrls
    database: Database
    owner: Engine
    administrator: Engine
    """As the server's superuser, whom neither policies nor triggers bind."""
    redis: redis.Redis

    def wipe(self, *, to_the_ground: bool = False) -> None:
        """Empty every table and Redis, and begin all sequences anew.

        `to_the_ground`: the tables' files too, for who counts the pages that are read afterwards.
        """
        # A test may have killed PostgreSQL, and the relay does not try a connection before it uses it.
        if self.database.relay is not None:
            self.database.relay.dispose()
        while True:
            try:
                with self.administrator.begin() as connection:
                    _empty(connection, to_the_ground=to_the_ground)
            except OperationalError as error:
                # A system that still runs reads and writes meanwhile, in an order of its own.
                if not isinstance(error.orig, DeadlockDetected):
                    raise
            else:
                break
        self.redis.flushall()

    def run_jobs(self, *queues: str, rounds: int = 50) -> int:
        """Work the ledger here and now until nothing is ready. Returns how many jobs ran."""
        assert self.database.relay is not None
        executor = Executor(
            self.database.relay,
            name="test",
            lease=timedelta(seconds=15),
            queues=queues or ("high", "default", "low", "maintenance"),
        )
        total = 0
        for _ in range(rounds):
            ran = executor.work(seconds=30)
            total += ran
            if not ran:
                return total
        raise AssertionError("the ledger did not come to rest")


_TABLES = [table.name for table in metadata.sorted_tables]
_HEAVY_BYTES = 4 * 1024 * 1024
_LOOK = "select " + ", ".join(
    f"case when pg_relation_size('{name}') > {_HEAVY_BYTES} then 2"
    f" when exists(select from {name}) then 1 else 0 end"
    for name in _TABLES
)


def _empty(administrator: Connection, *, to_the_ground: bool) -> None:
    """Take out what is there. Almost every test begins so: TRUNCATE of all costs 30 ms, this 1 to 5."""
    looked = administrator.exec_driver_sql(_LOOK).fetchone()
    assert looked is not None
    if to_the_ground or 2 in looked:
        administrator.exec_driver_sql(f"truncate {', '.join(_TABLES)} restart identity cascade")
        return
    # A superuser in this role fires no triggers: neither those of foreign keys nor those that keep journals.
    orders = [f"delete from {name}" for name, much in zip(_TABLES, looked, strict=True) if much]
    orders += [
        "perform setval(sequencename::regclass, 1, false) from pg_sequences where schemaname = 'public'"
    ]
    administrator.exec_driver_sql("set local session_replication_role = replica")
    administrator.exec_driver_sql(f"do $$ begin {'; '.join(orders)}; end $$")


def administrator_url(urls: EmbeddedUrls, database: str | None = None) -> str:
    """Return the address of the server's superuser, whom the kernel vouches for."""
    owner = conninfo.conninfo_to_dict(urls.database_owner_url or "")
    return conninfo.make_conninfo(
        host=owner["host"], dbname=database or owner["dbname"], user="trunkline_admin"
    )


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Yield an empty folder, in memory where there is room, so that fsync costs nothing."""
    base = "/dev/shm" if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK) else None
    home = Path(tempfile.mkdtemp(prefix="trunkline-test-", dir=base))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def open_installation(home: Path) -> Iterator[Installation]:
    """Start servers under `home`, make the schema, and connect this process as a worker would."""
    with hold_servers(home) as hold:
        urls = hold.urls
        assert urls.database_url
        assert urls.database_owner_url
        assert urls.redis_url
        owner = Database(urls.database_owner_url)
        schema.migrate(owner.engine)
        database = Database(urls.database_url, relay_url=urls.database_relay_url)
        install_database(database)
        wiring.register_doors(
            Settings(twilio_account_sid="AC" + "0" * 32, twilio_auth_token="test-token"), TOKEN_KEY
        )
        vault.install_vault(vault.Seals([VAULT_KEY]))
        install_storage(Storage(home / "storage"))
        # No connection of it stays open: a database that somebody is connected to is no template for another.
        administrator = create_engine(
            "postgresql+psycopg://",
            creator=lambda: psycopg.connect(administrator_url(urls)),
            poolclass=NullPool,
        )
        client = redis.Redis.from_url(urls.redis_url)
        try:
            yield Installation(home, urls, database, owner.engine, administrator, client)
        finally:
            client.close()
            database.dispose()
            owner.dispose()
