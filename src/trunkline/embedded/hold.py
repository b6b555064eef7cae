"""Using the servers: a hold keeps them running, and the first to come starts their keeper.

The order is what leaves no window: a user first shares the lock that the keeper needs for stopping, and only
then looks for a keeper. So a keeper that is found alive cannot begin to stop, and one that has begun is over
before the user gets past the first step.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from trunkline.embedded import logs
from trunkline.embedded.binaries import find_programs
from trunkline.embedded.errors import EmbeddedUnavailable
from trunkline.embedded.layout import Layout, ServerName
from trunkline.embedded.locks import FileLock, is_held_alone
from trunkline.embedded.passwords import EmbeddedUrls, load_passwords, make_urls
from trunkline.embedded.state import read_state

_LOOK_EVERY_S = 0.02
_MOST_KEEPERS = 3


class Hold:
    """Keeps the servers running until it is released or the process is gone, however it goes.

    Children that this process starts with exec do not share it and take one of their own; a forked child
    shares it until it ends.
    """

    def __init__(self, layout: Layout, servers: tuple[ServerName, ...], urls: EmbeddedUrls) -> None:
        self.urls = urls
        self._layout = layout
        self._servers = servers
        self._locks: list[FileLock] = []

    def check(self) -> bool:
        """Start a new keeper if the old one is dead; return whether the servers answer now.

        For the main loop of a long-lived process, every second or so. It takes some 20 microseconds, or a
        tenth of a second when a keeper has to be started; the servers then come back at the same addresses.
        """
        if self._servers and not self._locks:
            raise ValueError("the hold has been released")
        if self._servers:
            self._layout.ensure_link()
            _start_keeper_if_none(self._layout)
        return self._all_ready()

    def release(self) -> None:
        """Let go. The last to do so leaves the keeper to stop the servers."""
        while self._locks:
            self._locks.pop().close()

    def __enter__(self) -> Hold:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _take(self, deadline: float) -> None:
        for server in self._servers:
            lock = FileLock(self._layout.wanted_lock(server))
            self._locks.append(lock)
            _wait_for(lock.try_shared, deadline, self._layout)

    def _wait_until_ready(self, deadline: float) -> None:
        known = self._failures()
        started = 0
        log_start = logs.size(self._layout.log("keeper"))

        def ready_or_failed() -> bool:
            nonlocal started
            started += _start_keeper_if_none(self._layout)
            for failure_id, failure in self._failures().items():
                if failure_id not in known:
                    raise EmbeddedUnavailable(failure)
            if started > _MOST_KEEPERS:
                last_lines = logs.tail(self._layout.log("keeper"), since=log_start)
                raise EmbeddedUnavailable(
                    f"The keeper of the embedded servers does not stay up:\n{last_lines}"
                )
            return self._all_ready()

        _wait_for(ready_or_failed, deadline, self._layout)

    def _all_ready(self) -> bool:
        return all(is_held_alone(self._layout.ready_lock(server)) for server in self._servers)

    def _failures(self) -> dict[str, str]:
        state = read_state(self._layout.state)
        found = {}
        for server in self._servers:
            fared = state["servers"].get(server) if state else None
            if fared and fared["failure_id"] and fared["failure"]:
                found[fared["failure_id"]] = fared["failure"]
        return found


def hold_servers(home: Path, *, postgres: bool = True, redis: bool = True, timeout_s: float = 60) -> Hold:
    """Return a hold on the wanted servers once they answer, starting whatever is not running.

    Raises EmbeddedUnavailable when a package is missing, a server cannot be started or `timeout_s` is over.
    Wanting neither is fine and does nothing.
    """
    servers: tuple[ServerName, ...] = (*(("postgres",) if postgres else ()), *(("redis",) if redis else ()))
    if not servers:
        return Hold(Layout.at(home), servers, EmbeddedUrls(None, None, None, None))
    for server in servers:
        find_programs(server)
    layout = Layout.at(home)
    layout.make()
    deadline = time.monotonic() + timeout_s
    hold = Hold(layout, servers, make_urls(layout, load_passwords(layout), postgres=postgres, redis=redis))
    try:
        hold._take(deadline)
        # A keeper that was stopping when we came took the link with it.
        layout.ensure_link()
        hold._wait_until_ready(deadline)
    except BaseException:
        hold.release()
        raise
    return hold


def _start_keeper_if_none(layout: Layout) -> bool:
    """Start a keeper unless one is alive; return whether one was started.

    The keeper inherits the lock taken here, so of any number of processes exactly one starts it.
    """
    lock = FileLock(layout.keeper_lock)
    try:
        if not lock.try_exclusive():
            return False
        layout.state.unlink(missing_ok=True)
        log = logs.open_log(layout.log("keeper"))
        try:
            subprocess.run(  # noqa: S603
                [sys.executable, "-P", "-m", "trunkline.embedded.keeper", str(layout.home), str(lock.fd)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock.fd,),
                check=False,
            )
        finally:
            os.close(log)
        return True
    finally:
        lock.close()


def _wait_for(condition: Callable[[], bool], deadline: float, layout: Layout) -> None:
    while not condition():
        if time.monotonic() >= deadline:
            raise EmbeddedUnavailable(
                f"The embedded servers in {layout.folder} were not ready in time. "
                f"The logs there say more; the keeper's ends:\n{logs.tail(layout.log('keeper'))}"
            )
        time.sleep(_LOOK_EVERY_S)
