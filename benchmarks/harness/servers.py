"""The PostgreSQL and the Valkey that all systems share, each in a database of its own.

They are the embedded ones, with the settings that an installation has. It knows nothing of who is measured.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

from trunkline import schema
from trunkline.core.db import Database
from trunkline.embedded import EmbeddedUrls, Hold, hold_servers, status

_PEER = "bench_peer"
_DATABASES = 16
"""What Valkey has by default."""


@dataclass(slots=True)
class Servers:
    """Where they answer, and who may do everything in them."""

    home: Path
    hold: Hold
    urls: EmbeddedUrls

    @property
    def folder(self) -> Path:
        """PostgreSQL's data folder, in which its socket lies too."""
        assert self.urls.database_url
        return Path(parse_qs(urlsplit(self.urls.database_url).query)["host"][0])

    def admin_url(self, database: str) -> str:
        return f"host={self.folder} user=trunkline_admin dbname={database}"

    def admin(self, database: str = "postgres") -> psycopg.Connection:
        """Connect as the superuser, whom row-level security does not bind."""
        return psycopg.connect(self.admin_url(database), autocommit=True)

    def redis_url(self, number: int) -> str:
        """Return the address of one of Valkey's databases."""
        assert self.urls.redis_url
        assert number < _DATABASES
        return f"{self.urls.redis_url}?db={number}"

    def own_database(self, name: str) -> dict[str, str]:
        """Make a database with Trunkline's schema. Returns the settings that name it."""
        with self.admin() as admin:
            admin.execute(sql.SQL("create database {} owner trunkline_owner").format(sql.Identifier(name)))
        with self.admin(name) as admin:
            for extension in ("pg_trgm", "btree_gist"):
                admin.execute(sql.SQL("create extension {}").format(sql.Identifier(extension)))
        urls = self.urls
        assert urls.database_url
        assert urls.database_relay_url
        assert urls.database_owner_url
        owner = Database(_with_database(urls.database_owner_url, name), pool_size=2)
        schema.migrate(owner.engine)
        owner.dispose()
        return {
            "DATABASE_URL": _with_database(urls.database_url, name),
            "DATABASE_RELAY_URL": _with_database(urls.database_relay_url, name),
            "BENCH_ADMIN": self.admin_url(name),
        }

    def peer_database(self, name: str) -> str:
        """Make an empty database with an owner. Returns its address."""
        with self.admin() as admin:
            if not admin.execute("select 1 from pg_roles where rolname = %s", [_PEER]).fetchone():
                admin.execute(
                    sql.SQL("create role {} login password {}").format(
                        sql.Identifier(_PEER), sql.Literal(_PEER)
                    )
                )
            admin.execute(
                sql.SQL("create database {} owner {}").format(sql.Identifier(name), sql.Identifier(_PEER))
            )
        return f"postgresql://{_PEER}:{_PEER}@/{name}?host={self.folder}"

    def pids(self) -> tuple[int, int]:
        """Return the process ids of PostgreSQL's postmaster and of Valkey."""
        assert self.urls.redis_url
        with redis.Redis.from_url(self.urls.redis_url) as client:
            valkey = int(client.info("server")["process_id"])
        return int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0]), valkey

    def durability(self) -> str:
        """Return in words what a commit and a push mean here."""
        assert self.urls.redis_url
        with self.admin() as admin, redis.Redis.from_url(self.urls.redis_url) as client:
            names = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
            said = {
                name: admin.execute(sql.SQL("show {}").format(sql.SQL(name))).fetchone()[0] for name in names
            }
            aof = {name: client.config_get(name)[name] for name in ("appendonly", "appendfsync")}
            return (
                f"PostgreSQL {admin.info.server_version // 10000} "
                + ", ".join(f"{name} {value}" for name, value in said.items())
                + "; Valkey "
                + ", ".join(f"{name} {value}" for name, value in aof.items())
                + f"; data on {_file_system(self.folder)}"
            )

    def checkpoint(self) -> None:
        """Let no pass pay for the pages of another."""
        with self.admin() as admin:
            admin.execute("checkpoint")

    def restart_counting_statements(self) -> None:
        """Start PostgreSQL anew with pg_stat_statements, which only a start can load."""
        with self.admin() as admin:
            admin.execute("alter system set shared_preload_libraries = 'pg_stat_statements'")
            admin.execute("alter system set pg_stat_statements.track_utility = on")
        self.hold.release()
        _wait_until_stopped(self.home)
        self.hold = hold_servers(self.home)


@contextmanager
def open_servers(parent: Path) -> Iterator[Servers]:
    """Start both on a fresh folder below `parent`, and leave nothing behind."""
    parent.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="bench-", dir=parent))
    try:
        hold = hold_servers(home)
        servers = Servers(home, hold, hold.urls)
        try:
            yield servers
        finally:
            servers.hold.release()
            _wait_until_stopped(home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _wait_until_stopped(home: Path) -> None:
    deadline = time.monotonic() + 60
    while status(home).keeper_alive:
        if time.monotonic() > deadline:
            raise SystemExit("the servers did not stop within a minute")
        time.sleep(0.05)


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _file_system(folder: Path) -> str:
    """Return the kind of file system that a folder lies on."""
    resolved = str(folder.resolve())
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return max((m for m in mounts if resolved.startswith(m[1])), key=lambda m: len(m[1]))[2]
