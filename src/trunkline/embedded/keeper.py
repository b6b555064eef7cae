"""The keeper: one detached process that owns the servers for all of the installation's processes.

    python -m trunkline.embedded.keeper HOME LOCK_FD

It is started by `hold`, which takes the keeper's lock first and hands it down as LOCK_FD, so there is never
a second keeper. It stops the servers when nobody has wanted any of them for a moment, and while it does so
it keeps the users' locks to itself: whoever comes then waits, finds the keeper gone and starts the next one.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from trunkline.embedded.binaries import server_identity
from trunkline.embedded.errors import EmbeddedUnavailable
from trunkline.embedded.layout import SERVER_NAMES, Layout
from trunkline.embedded.logs import trim
from trunkline.embedded.passwords import load_passwords
from trunkline.embedded.postgres import Postgres
from trunkline.embedded.server import Server
from trunkline.embedded.state import StateFile
from trunkline.embedded.valkey import Valkey

_log = logging.getLogger("trunkline.embedded.keeper")

# One command after another must not stop and start the servers each time.
_GRACE_S = 2.0
_WATCH_S = 0.25
_HURRY_S = 0.02
_HOUSEKEEPING_S = 30.0


class Keeper:
    """The loop over all servers. A signal, a dead child for one, ends a wait at once."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._state = StateFile(layout.state)
        self._servers = _servers(layout, self._state)
        self._told_to_stop = False
        self._alone_since: float | None = None
        self._housekept_at = time.monotonic()
        self._wake, self._waker = os.pipe()
        for end in (self._wake, self._waker):
            os.set_blocking(end, False)

    def run(self) -> None:
        """Keep the servers until nobody wants them or a signal says so; then stop them and clean up."""
        signal.set_wakeup_fd(self._waker)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop_signal)
        while not (self._told_to_stop or self._long_alone()):
            for server in self._servers:
                server.advance()
            self._keep_house()
            self._wait(_WATCH_S if all(server.settled for server in self._servers) else _HURRY_S)
        self._stop()

    def _long_alone(self) -> bool:
        """Whether there has been no user for a while. If so, none can come any more until we are gone."""
        taken = [server for server in self._servers if server.take_from_users()]
        if len(taken) == len(self._servers):
            self._alone_since = self._alone_since or time.monotonic()
            if time.monotonic() - self._alone_since >= _GRACE_S:
                return True
        else:
            self._alone_since = None
        for server in taken:
            server.let_users_in()
        return False

    def _stop(self) -> None:
        for server in self._servers:
            server.begin_stop()
        while not all(server.stopped() for server in self._servers):
            self._wait(_WATCH_S)
        # Told to stop under its users, the keeper leaves the link to them: they start the next one.
        if all(server.take_from_users() for server in self._servers):
            self._layout.remove_link()
        self._state.remove()
        _log.info("keeper stopped")

    def _keep_house(self) -> None:
        if time.monotonic() - self._housekept_at < _HOUSEKEEPING_S:
            return
        self._housekept_at = time.monotonic()
        try:
            self._layout.ensure_link()
            for log in (self._layout.log("keeper"), *map(self._layout.log, SERVER_NAMES)):
                trim(log)
        except (EmbeddedUnavailable, OSError) as error:
            _log.warning("%s", error)

    def _wait(self, seconds: float) -> None:
        if select.select([self._wake], [], [], seconds)[0]:
            os.read(self._wake, 4096)

    def _on_stop_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._told_to_stop = True


def _servers(layout: Layout, state: StateFile) -> list[Server]:
    identity = server_identity()
    passwords = load_passwords(layout)
    kinds = (Postgres(layout, passwords), Valkey(layout, passwords))
    return [Server(kind, layout, identity, state) for kind in kinds]


def main(home: str, lock_fd: str) -> None:
    """Leave the terminal and the process that started us, then keep the servers."""
    os.set_inheritable(int(lock_fd), False)
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s [%(process)d] %(levelname)s %(message)s")
    _log.info("keeper started for %s", home)
    try:
        Keeper(Layout.at(Path(home))).run()
    except EmbeddedUnavailable as error:
        _log.critical("%s", error)
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
