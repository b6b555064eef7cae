"""Worker processes for fault tests, forked warm, each with its own orders about dying.

Run as a program it imports the worker once and then forks one for every line of JSON on its
standard input, answering with the process id. A forked child is the real worker (`worker.work`)
with three additions: at a named barrier, the n-th time, it kills or stops its own process; its
waits may be shorter than an operator may set them; and, for negative controls alone, one safeguard
of the dialler may be taken out.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from trunkline import worker
from trunkline.core.settings import load_settings
from trunkline.domain.outbound import dialling, jobs, service
from trunkline.kit import barriers
from trunkline.kit.processes import die_with_parent
from trunkline.providers.ports import CallOrder, CarrierUncertain
from trunkline.providers.twilio import TwilioCarrier


def main() -> None:
    """Fork a worker for each order until standard input ends."""
    # Without this the dead would stay as zombies; the children's own children do not matter.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    # Read unbuffered: a child must not inherit orders that are not its own.
    while line := _read_line():
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become_worker(order)
        print(pid, flush=True)


def _read_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return b""
        line += byte
    return line


def _become_worker(order: dict[str, Any]) -> None:
    status = 1
    try:
        die_with_parent(signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Under init's name the kernel would reap it; a session of its own keeps Ctrl-C from it.
        os.setsid()
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(order["environment"])
        _shorten(**order["waits"])
        _disarm(order["without"])
        if order["barrier"]:
            mark = Path(order["mark"])
            barriers.install(_at(order["barrier"], order["nth"], signal.Signals(order["signal"]), mark))
        settings = load_settings().model_copy(update=order["settings"])
        worker.work(settings)
        status = 0
    finally:
        sys.stdout.flush()
        with contextlib.suppress(Exception):
            ctypes.CDLL(None).fflush(None)
        if status:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        os._exit(status)


def _at(name: str, nth: int, number: signal.Signals, mark: Path) -> barriers.Hook:
    """Return a hook that sends this process a signal the n-th time it reaches a barrier."""
    left = nth

    def hook(reached: str) -> None:
        nonlocal left
        if reached != name:
            return
        left -= 1
        if left == 0:
            mark.write_text(name)
            os.kill(os.getpid(), number)

    return hook


def _shorten(*, patience_s: float, reconcile_delays_s: list[float]) -> None:
    """Wait less for callbacks that do not come, and between questions to the carrier."""
    service._PATIENCE = timedelta(seconds=patience_s)
    if hasattr(service, "_CALLBACK_PATIENCE"):
        service._CALLBACK_PATIENCE = timedelta(seconds=patience_s)
    jobs._RECONCILE_DELAYS_S = tuple(reconcile_delays_s)


def _disarm(what: str | None) -> None:
    """Take out a safeguard, so that a test can see the harm it prevents."""
    if what == "one_post":
        TwilioCarrier.place_call = _post_until_answered(TwilioCarrier.place_call)  # type: ignore[method-assign]
    elif what == "commit_before_post":
        dialling.leave_unknown = _forget_the_attempt  # type: ignore[assignment]
        service.leave_unknown = _forget_the_attempt  # type: ignore[assignment]
    elif what is not None:
        raise ValueError(what)


def _post_until_answered(once: Callable[..., str]) -> Callable[..., str]:
    """A client that retries what it got no answer to, as clients do by default."""

    def place_call(self: TwilioCarrier, order: CallOrder) -> str:
        try:
            return once(self, order)
        except CarrierUncertain:
            return once(self, order)

    return place_call


def _forget_the_attempt(session: Any, business_id: Any, attempt_id: Any, *, error: str) -> None:
    """What a dialler does that has no row from before its POST: it dials the item again."""
    from sqlalchemy import text

    session.execute(
        text(
            "update outbound_items set state = 'queued' where state = 'dialling' and id ="
            " (select item_id from outbound_attempts where id = :id and state = 'submitting')"
        ),
        {"id": attempt_id},
    )
    session.execute(
        text(
            "update outbound_attempts set state = 'rejected', error = :error, resolved_at = now()"
            " where id = :id and state = 'submitting'"
        ),
        {"id": attempt_id, "error": error},
    )


if __name__ == "__main__":
    main()
