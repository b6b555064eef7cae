"""Advisory file locks (flock): the truth about who is alive.

The kernel drops a lock when the last process that shares its open file is gone, however it went.
So no decision here rests on a process id in a file, which a crash or a restarted container makes a lie.
Lock files are never deleted: a deleted one can be held by one process and created anew by another.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FileLock:
    """One open lock file. Closed on exec unless it is handed on; forked children share it."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @property
    def fd(self) -> int:
        """The descriptor, for passing the lock on to a child process."""
        return self._fd

    def try_exclusive(self) -> bool:
        """Take the lock alone, at once or not at all."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take the lock beside others who share it, at once or not at all."""
        return self._try(fcntl.LOCK_SH)

    def unlock(self) -> None:
        """Let go for every process that shares this open file."""
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go for this process only: whoever inherited the open file still holds the lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self._fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def is_held_alone(path: Path) -> bool:
    """Whether some process holds this lock exclusively now. Creates nothing and disturbs nobody for long."""
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        return not lock.try_shared()
    finally:
        lock.close()
