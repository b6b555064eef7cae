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

import redis
from psycopg.errors import DeadlockDetected
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

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
    redis: redis.Redis

    def wipe(self) -> None:
        """Empty every table and Redis. TRUNCATE is not subject to row-level security."""
        # A test may have killed PostgreSQL, and the relay does not try a connection before it uses it.
        if self.database.relay is not None:
            self.database.relay.dispose()
        names = ", ".join(table.name for table in metadata.sorted_tables)
        while True:
            try:
                with self.owner.begin() as connection:
                    connection.execute(text(f"truncate {names} restart identity cascade"))
            except OperationalError as error:
                # A system that still runs reads meanwhile, table after table in an order of its own.
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
        client = redis.Redis.from_url(urls.redis_url)
        try:
            yield Installation(home, urls, database, owner.engine, client)
        finally:
            client.close()
            database.dispose()
            owner.dispose()
