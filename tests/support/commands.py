"""Commands as an operator types them, each a process of its own that ends with its status."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from support.forks import forks
from support.installation import Installation

_WITHIN_S = 60


def trunkline(installation: Installation, *arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run a command against the session's servers; return its status and what it wrote."""
    urls = installation.urls
    assert urls.database_url
    assert urls.database_relay_url
    assert urls.redis_url
    environment = {
        **os.environ,
        "DATABASE_URL": urls.database_url,
        "DATABASE_RELAY_URL": urls.database_relay_url,
        "REDIS_URL": urls.redis_url,
        "TRUNKLINE_HOME": str(installation.home),
        # That Redis took a moment too long on a busy machine is logged, and is no complaint.
        "LOG_LEVEL": "ERROR",
        **variables,
    }
    with tempfile.TemporaryDirectory() as folder:
        said, complaint = Path(folder, "said"), Path(folder, "complaint")
        process = forks().Process(target=_run, args=(arguments, environment, str(said), str(complaint)))
        process.start()
        process.join(_WITHIN_S)
        if process.exitcode is None:
            process.kill()
            raise AssertionError(f"trunkline {' '.join(arguments)} did not end")
        return process.exitcode, said.read_text().strip(), complaint.read_text().strip()


def _run(arguments: tuple[str, ...], environment: Mapping[str, str], said: str, complaint: str) -> None:
    for number, path in ((1, said), (2, complaint)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["trunkline", *arguments]
    from trunkline.cli import app

    app()
