"""Worker processes for fault tests, forked warm, each with its own orders about dying.

Run as a program it imports the worker, and the modules named on its command line, once, and then
forks one for every line of JSON on its standard input, answering with the process id. A forked child
is the real worker (`worker.work`), its upkeep, its supervisor or the API, with three additions: at a named
barrier, the n-th time, it kills or stops its own process; its waits may be shorter than an operator
may set them; and, for negative controls alone, one safeguard may be taken out.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from support import disarming
from trunkline import worker
from trunkline.core.settings import Settings, load_settings
from trunkline.domain.outbound import jobs, tending
from trunkline.kit import barriers
from trunkline.kit.processes import die_with_parent
from trunkline.supervisor import Supervisor
from trunkline.wiring import Command, open_runtime


def main(modules: list[str]) -> None:
    """Fork a worker for each order until standard input ends."""
    for module in modules:
        importlib.import_module(module)
    # What a process loads when it first connects is loaded once, here, and not by every child.
    answers = os.dup(1)
    os.dup2(2, 1)
    with open_runtime(Command.WORKER, load_settings()):
        pass
    sys.stdout.flush()
    os.dup2(answers, 1)
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


def _be_child(modules: list[str]) -> None:
    """Be a supervisor's child, started as any other."""
    for module in modules:
        importlib.import_module(module)
    worker.work(load_settings())


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
        if order["waits"]:
            _shorten(**order["waits"])
        disarming.take_out(order["without"])
        if order["barrier"]:
            mark = Path(order["mark"])
            event.listen(Engine, "commit", lambda _connection: barriers.reached("sql.commit"))
            barriers.install(_at(order["barrier"], order["nth"], signal.Signals(order["signal"]), mark))
        settings = load_settings().model_copy(update=order["settings"])
        _ROLES[order["role"]](settings)
        status = 0
    finally:
        sys.stdout.flush()
        with contextlib.suppress(Exception):
            ctypes.CDLL(None).fflush(None)
        if status:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        os._exit(status)


def _keep_up(settings: Settings) -> None:
    """Be a supervisor that has no children: what is left of it is the upkeep."""
    with open_runtime(Command.WORKER, settings) as runtime:
        Supervisor([], upkeep=worker.SupervisorUpkeep(runtime, schedules=False)).run()


def _supervise(settings: Settings) -> None:
    """Be the supervisor itself, whose children know the tests' handlers too."""
    worker.own_command = lambda *_: [sys.executable, "-m", "support.barrier_worker", "--child", *sys.argv[1:]]
    worker.supervise(settings)


def _serve(settings: Settings) -> None:
    """Be the API. Its module is loaded by whoever wants one: it brings speech with it."""
    importlib.import_module("trunkline.asgi").serve(Command.API, settings)


_ROLES: dict[str, Callable[[Settings], None]] = {
    "worker": worker.work, "upkeep": _keep_up, "supervisor": _supervise, "api": _serve,
}  # fmt: skip


def _at(name: str, nth: int, number: signal.Signals, mark: Path) -> barriers.Hook:
    """Return a hook that sends this process a signal the n-th time it reaches a barrier."""
    left = nth

    def hook(reached: str) -> None:
        nonlocal left
        if reached != name:
            return
        left -= 1
        if left == 0:
            # Put there whole: who looks for it may read it at once.
            draft = mark.with_suffix(".draft")
            draft.write_text(repr(time.time()))
            draft.rename(mark)
            os.kill(os.getpid(), number)

    return hook


def _shorten(*, patience_s: float, reconcile_delays_s: list[float]) -> None:
    """Wait less for callbacks that do not come, and between questions to the carrier."""
    tending._PATIENCE = tending._CALLBACK_PATIENCE = timedelta(seconds=patience_s)
    jobs._RECONCILE_DELAYS_S = tuple(reconcile_delays_s)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _be_child(sys.argv[2:])
    else:
        main(sys.argv[1:])
