"""The log files of the keeper and its servers: opened for appending, kept small, quoted in errors."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_LARGEST_BYTES = 16 * 1024 * 1024
_TAIL_BYTES = 8 * 1024


def open_log(path: Path) -> int:
    """Open a log for appending and return its descriptor, to be a server's standard output."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def tail(path: Path, *, since: int = 0, lines: int = 12) -> str:
    """Return the last lines written after byte `since`; empty where there is no log."""
    try:
        with path.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(min(since, end), end - _TAIL_BYTES))
            text = log.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def size(path: Path) -> int:
    """Return the log's length in bytes, to be given to `tail` later."""
    return path.stat().st_size if path.exists() else 0


def trim(path: Path) -> None:
    """Move a log that has grown too long aside. Its writers append, so they go on from the start."""
    if size(path) > _LARGEST_BYTES:
        shutil.copyfile(path, path.with_name(path.name + ".1"))
        os.truncate(path, 0)
