"""Floor 5: what every command of the terminal shares: its settings, its refusals, its console."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console
from sqlalchemy.exc import DBAPIError

from trunkline.core.errors import StartRefused, TrunklineError
from trunkline.core.settings import Settings, load_settings
from trunkline.embedded import EmbeddedUnavailable

console = Console()
stderr = Console(stderr=True)
"""What is for the person and not for a script that reads the answer."""


@contextmanager
def plainly() -> Iterator[Settings]:
    """Read the settings and turn a refusal into one sentence and exit status 1."""
    try:
        yield load_settings()
    except (StartRefused, TrunklineError, EmbeddedUnavailable) as refusal:
        _refuse(str(refusal), refusal)
    except DBAPIError as refusal:
        first_line = str(refusal.orig).strip().split("\n", 1)[0]
        _refuse(f"The database refuses: {first_line}", refusal)


def _refuse(sentence: str, refusal: Exception) -> NoReturn:
    print(f"trunkline: {sentence}", file=sys.stderr)  # noqa: T201 - the person at the terminal reads it
    raise typer.Exit(1) from refusal
