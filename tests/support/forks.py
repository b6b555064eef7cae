"""A warm server of `multiprocessing` that forks processes for tests: a start from nothing costs seconds."""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from unittest.mock import patch

_LOADED = ["support.schedulers", "trunkline.wiring", "typer.rich_utils", "rich.table", "pygments.lexers"]
"""What every fork finds imported: what takes long, and nothing that looks at the terminal as it is loaded."""


def forks() -> ForkServerContext:
    """Return the context whose processes are forks; start the server that makes them, unless it runs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LOADED)
    # It is told this process's path for what it forks, and not for what it loads beforehand.
    path = os.pathsep.join(entry for entry in sys.path if entry)
    with patch.dict(os.environ, PYTHONPATH=path):
        forkserver.ensure_running()
    return context
