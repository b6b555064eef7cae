"""One server in the keeper's care: started, watched, started again, stopped. Nothing here waits.

absent --alive lock free--> starting --answers--> ready --dies--> absent
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from typing import Protocol

from trunkline.embedded.binaries import Identity
from trunkline.embedded.errors import EmbeddedUnavailable
from trunkline.embedded.layout import Layout, ServerName
from trunkline.embedded.locks import FileLock
from trunkline.embedded.logs import open_log, size, tail
from trunkline.embedded.process import Launch, processes_in
from trunkline.embedded.state import StateFile

_log = logging.getLogger(__name__)

_FIRST_RETRY_S = 0.25
_LONGEST_RETRY_S = 5.0
# A server that held this long has recovered: its next death is answered at once again.
_STEADY_S = 30.0
# What a killed server's children may take to notice it before they are ended too.
_FAMILY_LIMIT_S = 2.0
_STOP_LIMIT_S = 60.0


class Kind(Protocol):
    """What one kind of server knows about itself; see `postgres` and `valkey`."""

    name: ServerName
    program: str
    stop_signal: signal.Signals
    last_signal: signal.Signals

    def start(self, launch: Launch) -> subprocess.Popen[bytes]: ...
    def is_ready(self, pid: int, /) -> bool: ...
    def finish(self) -> None: ...


class Server:
    """The care of one server. `advance` is called again and again and does what can be done now."""

    def __init__(self, kind: Kind, layout: Layout, identity: Identity, state: StateFile) -> None:
        self._kind = kind
        self._layout = layout
        self._identity = identity
        self._state = state
        self._wanted = FileLock(layout.wanted_lock(kind.name))
        self._ready = FileLock(layout.ready_lock(kind.name))
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._log_start = 0
        self._restarts = 0
        self._started_at = 0.0
        self._retry_at = 0.0
        self._retry_s = _FIRST_RETRY_S
        self._family_since: float | None = None
        self._stop_at = 0.0

    @property
    def settled(self) -> bool:
        """Whether there is nothing to do for it but to watch."""
        return self._is_ready or (self._process is None and not self._wanted_by_someone())

    def take_from_users(self) -> bool:
        """Shut users out, if there are none. Those who come wait to be let in or for the keeper to go."""
        return self._wanted.try_exclusive()

    def let_users_in(self) -> None:
        """Undo `take_from_users`."""
        self._wanted.unlock()

    def advance(self) -> None:
        """Start the server if someone wants it, notice that it is ready, notice that it died."""
        if self._process is None:
            if time.monotonic() >= self._retry_at and self._wanted_by_someone():
                self._start()
        elif (status := self._process.poll()) is not None:
            self._mourn(status)
        elif not self._is_ready and self._kind.is_ready(self._process.pid):
            self._finish(self._process)

    def begin_stop(self) -> None:
        """Ask the server to shut down cleanly."""
        self._set_ready(False)
        if self._process is not None:
            self._stop_at = time.monotonic()
            self._process.send_signal(self._kind.stop_signal)

    def stopped(self) -> bool:
        """Whether the server is gone; one that takes too long is told to go without ceremony."""
        if self._process is None:
            return True
        if self._process.poll() is not None:
            _log.info("%s stopped after %.2f s", self._kind.name, time.monotonic() - self._stop_at)
            self._process = None
            return True
        if time.monotonic() - self._stop_at > _STOP_LIMIT_S:
            _log.warning("%s did not stop in time", self._kind.name)
            self._process.send_signal(self._kind.last_signal)
        return False

    def _wanted_by_someone(self) -> bool:
        if not self._wanted.try_exclusive():
            return True
        self._wanted.unlock()
        return False

    def _start(self) -> None:
        alive = FileLock(self._layout.alive_lock(self._kind.name))
        try:
            if not alive.try_exclusive():
                self._end_family()
                return
            self._family_since = None
            self._launch(alive)
        except (EmbeddedUnavailable, OSError, subprocess.SubprocessError) as error:
            self._fail(str(error))
        finally:
            # From here on the server and its children hold the lock, and nobody else.
            alive.close()

    def _launch(self, alive: FileLock) -> None:
        path = self._layout.log(self._kind.name)
        self._log_start = size(path)
        log_fd = open_log(path)
        try:
            data = self._layout.data(self._kind.name)
            self._process = self._kind.start(
                Launch(data, self._identity, self._kind.stop_signal, log_fd=log_fd, lock_fd=alive.fd)
            )
        finally:
            os.close(log_fd)
        self._started_at = time.monotonic()
        self._state.server(self._kind.name, pid=self._process.pid, restarts=self._restarts)

    def _finish(self, process: subprocess.Popen[bytes]) -> None:
        try:
            self._kind.finish()
        except (EmbeddedUnavailable, OSError, subprocess.SubprocessError) as error:
            process.send_signal(self._kind.last_signal)
            process.wait()
            self._process = None
            self._fail(str(error))
            return
        self._set_ready(True)
        _log.info("%s ready after %.2f s", self._kind.name, time.monotonic() - self._started_at)

    def _set_ready(self, ready: bool) -> None:
        """Say so by the lock. A user who looks at it this instant only delays us to the next round."""
        if not ready:
            self._ready.unlock()
        self._is_ready = ready and self._ready.try_exclusive()

    def _mourn(self, status: int) -> None:
        was_ready = self._is_ready
        self._process = None
        self._set_ready(False)
        if not was_ready:
            self._fail(f"it ended with status {status}")
            return
        self._restarts += 1
        _log.warning("%s died with status %d, starting it again", self._kind.name, status)
        self._state.server(self._kind.name, pid=None, restarts=self._restarts)
        if time.monotonic() - self._started_at > _STEADY_S:
            self._retry_s = _FIRST_RETRY_S
        self._retry_at = 0.0 if self._retry_s == _FIRST_RETRY_S else time.monotonic() + self._retry_s
        self._retry_s = min(self._retry_s * 2, _LONGEST_RETRY_S)

    def _fail(self, reason: str) -> None:
        last_lines = tail(self._layout.log(self._kind.name), since=self._log_start)
        message = f"{self._kind.program} could not be started: {reason}"
        if last_lines:
            message += f"\nThe end of {self._layout.log(self._kind.name)}:\n{last_lines}"
        _log.warning("%s", message)
        self._state.failed(self._kind.name, message)
        self._retry_at = time.monotonic() + self._retry_s
        self._retry_s = min(self._retry_s * 2, _LONGEST_RETRY_S)

    def _end_family(self) -> None:
        """End what is left of a killed server's children, once they have had time to notice by themselves."""
        now = time.monotonic()
        self._family_since = self._family_since or now
        if now - self._family_since > _FAMILY_LIMIT_S:
            for pid in processes_in(self._layout.data(self._kind.name), self._kind.program):
                _log.warning("ending process %d, left over from an earlier %s", pid, self._kind.program)
                os.kill(pid, signal.SIGKILL)
            self._family_since = now
