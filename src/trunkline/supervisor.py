"""Floor 5: keeps child processes running: starts them, replaces the dead, stops them in order.

Knows nothing of what they do. A child that dies at once, again and again, is started ever more
slowly.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from trunkline.core.telemetry import get_logger
from trunkline.kit.processes import die_with_parent

_LOOK_EVERY_S = 0.25
_STEADY_AFTER_S = 10.0
_LONGEST_PAUSE_S = 10.0

log = get_logger(__name__)


@dataclass(slots=True)
class Child:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    """File that its output is appended to; None: the supervisor's own output."""
    outlives_others: bool = False
    """It is asked to stop only when all the others have: they need it until then."""
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause_s: float = 0.25
    start_at: float = 0.0


class Supervisor:
    """Runs children until told to stop by SIGTERM or SIGINT."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        upkeep: Callable[[], object] | None = None,
        on_death: Callable[[int], object] = lambda _pid: None,
        stop_within_s: float = 20.0,
        last_within_s: float = 20.0,
    ) -> None:
        """`upkeep` is called a few times a second in the supervisor's own loop, `on_death` with the
        process id of each child that is gone; a child that has not ended `stop_within_s` after it was
        asked to is killed, and `last_within_s` after it, if it outlives the others.
        """
        self.children = tuple(children)
        self.stopping = False
        self._upkeep = upkeep
        self._on_death = on_death
        self._stop_within_s = stop_within_s
        self._last_within_s = last_within_s

    def start(self) -> None:
        """Start every child that is not running."""
        for child in self.children:
            if child.process is None:
                self._start(child)

    def run(self) -> None:
        """Start the children and keep them until a signal comes; then stop them."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop_on_signal)
        self.start()
        try:
            while not self.stopping:
                self.look()
                time.sleep(_LOOK_EVERY_S)
        finally:
            self.stop()

    def look(self) -> None:
        """Replace what has died, once, and do the upkeep."""
        if self._upkeep is not None:
            self._upkeep()
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                steady = now - child.started_at > _STEADY_AFTER_S
                child.pause_s = 0.25 if steady else min(child.pause_s * 2, _LONGEST_PAUSE_S)
                child.start_at = now + child.pause_s
                log.warning(
                    "child_died", child=child.name, status=child.process.returncode, again_in_s=child.pause_s
                )
                self._on_death(child.process.pid)
                child.process = None
            if child.process is None and now >= child.start_at:
                self._start(child)

    def stop(self) -> None:
        """Ask every child to end, wait, then insist; those that the others need are asked behind them."""
        self._stop(outliving=False, within_s=self._stop_within_s)
        self._stop(outliving=True, within_s=self._last_within_s)

    def _stop(self, *, outliving: bool, within_s: float) -> None:
        asked = [child for child in self.children if child.outlives_others is outliving]
        running = [child.process for child in asked if child.process is not None]
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + within_s
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self._on_death(process.pid)

    def _start(self, child: Child) -> None:
        output = None if child.log is None else child.log.open("ab")
        child.process = subprocess.Popen(  # noqa: S603 - our own command line
            child.command,
            env={**os.environ, **child.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # A terminal's Ctrl-C is for the supervisor, which stops its children in order.
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - the supervisor has no threads
        )
        child.started_at = time.monotonic()
        if output is not None:
            output.close()

    def _stop_on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """First signal: stop. Second: hand it on to the children, who know what to make of it."""
        if self.stopping:
            for child in self.children:
                if child.process is not None and child.process.poll() is None:
                    child.process.send_signal(signal.SIGTERM)
        self.stopping = True


def own_command(*arguments: str) -> list[str]:
    """Return the command line that runs Trunkline's CLI with these arguments."""
    return [sys.executable, "-m", "trunkline", *arguments]
