"""The passwords of the embedded servers: made once, readable by the user alone, and the URLs they make."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from trunkline.embedded.errors import EmbeddedUnavailable
from trunkline.embedded.layout import Layout
from trunkline.embedded.roles import APP_ROLE, DATABASE, OWNER_ROLE, RELAY_ROLE


@dataclass(frozen=True, slots=True)
class Passwords:
    """URL-safe secrets, one for each role of PostgreSQL and one for Redis."""

    owner: str
    app: str
    relay: str
    redis: str


@dataclass(frozen=True, slots=True)
class EmbeddedUrls:
    """Where the servers answer; None for a server that was not wanted. The same at every start."""

    database_url: str | None
    database_relay_url: str | None
    database_owner_url: str | None
    redis_url: str | None


def load_passwords(layout: Layout) -> Passwords:
    """Return the installation's passwords, making them the first time; processes that race agree."""
    if not layout.passwords.exists():
        _write_first(layout.passwords, Passwords(*(secrets.token_urlsafe(24) for _ in range(4))))
    try:
        return Passwords(**json.loads(layout.passwords.read_text()))
    except (ValueError, TypeError) as error:
        raise EmbeddedUnavailable(
            f"{layout.passwords} is damaged. Remove it: new passwords are set at the next start."
        ) from error


def make_urls(layout: Layout, passwords: Passwords, *, postgres: bool, redis: bool) -> EmbeddedUrls:
    """Return the URLs of the wanted servers, both over their sockets."""
    folder = quote(str(layout.socket("postgres").parent), safe="/")

    def database(role: str, password: str) -> str | None:
        return f"postgresql://{role}:{password}@/{DATABASE}?host={folder}" if postgres else None

    return EmbeddedUrls(
        database_url=database(APP_ROLE, passwords.app),
        database_relay_url=database(RELAY_ROLE, passwords.relay),
        database_owner_url=database(OWNER_ROLE, passwords.owner),
        redis_url=f"unix://:{passwords.redis}@{quote(str(layout.socket('redis')), safe='/')}"
        if redis
        else None,
    )


def _write_first(path: Path, passwords: Passwords) -> None:
    fields = {name: getattr(passwords, name) for name in ("owner", "app", "relay", "redis")}
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, json.dumps(fields).encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    # A link, unlike a rename, refuses to replace what another process has written in the meantime.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
