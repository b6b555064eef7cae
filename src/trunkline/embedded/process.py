"""Starting a server process that cannot outlive the keeper, and recognising one that did.

A child gets SIGINT or SIGTERM from the kernel when its parent dies (PR_SET_PDEATHSIG), so that it shuts
down cleanly after a `kill -9` of the keeper. It starts inside its data folder and names it
/proc/self/cwd: the folder's parents may be closed to the user it runs as.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trunkline.embedded.binaries import Identity
from trunkline.kit.processes import die_with_parent

HERE = "/proc/self/cwd"
CLEAN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Launch:
    """Where and as whom to start. `lock_fd` is handed down and marks the whole family of processes alive."""

    folder: Path
    identity: Identity
    death_signal: signal.Signals
    log_fd: int
    lock_fd: int


def start(argv: list[str], launch: Launch, *, stdin: bytes = b"") -> subprocess.Popen[bytes]:
    """Start the process and give it `stdin`, which must fit a pipe's buffer."""
    drop = launch.identity.drop
    process = subprocess.Popen(  # noqa: S603
        argv,
        cwd=launch.folder,
        env=CLEAN_ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=launch.log_fd,
        stderr=launch.log_fd,
        pass_fds=(launch.lock_fd,),
        start_new_session=True,
        user=launch.identity.uid if drop else None,
        group=launch.identity.gid if drop else None,
        extra_groups=[] if drop else None,
        # The kernel forgets the signal when the user changes, so it is set after that. There are no threads.
        preexec_fn=_tie_to_parent(launch.death_signal),  # noqa: PLW1509
    )
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(stdin)
    return process


def processes_in(folder: Path, program: str) -> list[int]:
    """Return the ids of the processes called `program` that have `folder` as their working folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and lives_in(int(entry.name), folder, program):
            found.append(int(entry.name))
    return found


def lives_in(pid: int, folder: Path, program: str) -> bool:
    """Whether the process is `program` working in `folder`; one that may not be asked is none of ours."""
    process = Path("/proc") / str(pid)
    try:
        return (process / "comm").read_text().strip() == program and (process / "cwd").readlink() == folder
    except OSError:
        return False


def _tie_to_parent(death_signal: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def tie() -> None:
        die_with_parent(death_signal)
        if os.getppid() != parent:
            os._exit(1)

    return tie
