"""What the keeper tells others: its process id, its servers' and what went wrong last.

Only the keeper writes it. It informs people and error messages; who is alive is decided by locks alone.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from pathlib import Path
from typing import TypedDict

from trunkline.embedded.layout import ServerName

_log = logging.getLogger(__name__)


class ServerState(TypedDict):
    """One server: its process while it has one, how often it was replaced, the last failure to start."""

    pid: int | None
    restarts: int
    failure: str | None
    # Tells one failure from the next without trusting any clock.
    failure_id: str | None


class KeeperState(TypedDict):
    """The whole file."""

    pid: int
    servers: dict[ServerName, ServerState]


class StateFile:
    """The keeper's pen: every change is written whole, or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state = KeeperState(pid=os.getpid(), servers={})
        self._write()

    def server(self, name: ServerName, *, pid: int | None, restarts: int) -> None:
        """Record a server's process."""
        previous = self._state["servers"].get(name)
        self._state["servers"][name] = ServerState(
            pid=pid,
            restarts=restarts,
            failure=previous["failure"] if previous else None,
            failure_id=previous["failure_id"] if previous else None,
        )
        self._write()

    def failed(self, name: ServerName, failure: str) -> None:
        """Record that a server could not be started."""
        previous = self._state["servers"].get(name)
        self._state["servers"][name] = ServerState(
            pid=None,
            restarts=previous["restarts"] if previous else 0,
            failure=failure,
            failure_id=secrets.token_hex(8),
        )
        self._write()

    def remove(self) -> None:
        """Take the file away: a keeper that stopped cleanly says nothing."""
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        draft = self._path.with_suffix(".new")
        try:
            draft.write_text(json.dumps(self._state))
            draft.replace(self._path)
        except OSError as error:
            # A full disk must not take the servers down with it.
            _log.warning("cannot write %s: %s", self._path, error.strerror)


def read_state(path: Path) -> KeeperState | None:
    """Return what the keeper last wrote; None when there is nothing."""
    try:
        state: KeeperState = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return state
