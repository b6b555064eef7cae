"""What every job of the benchmark does: append one byte to a file.

The file's length says how often the job ran, at a microsecond each, whatever system ran it; it
proves that none was lost and none ran twice.
"""

from __future__ import annotations

import os

MARKS = "BENCH_MARKS"
"""Environment variable with the file's path."""

_file: int | None = None


def mark() -> None:
    """Note that the job ran, in a file that this process opens once."""
    global _file  # noqa: PLW0603 - one file a process
    if _file is None:
        _file = os.open(os.environ[MARKS], os.O_WRONLY | os.O_APPEND)
    os.write(_file, b".")


def marked() -> int:
    """Return how often the job ran."""
    return os.stat(os.environ[MARKS]).st_size  # noqa: PTH116 - polled: no path object each time


def forget() -> None:
    """Empty the file."""
    os.truncate(os.environ[MARKS], 0)
