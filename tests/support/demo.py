"""The demo as its user runs it: one command in an empty home, whose output and report are read."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_UP = "Ctrl-C ends the demo."
_OVER_WITHIN_S = 400.0


@dataclass(frozen=True, slots=True)
class FinishedDemo:
    """A demo whose calls are over and whose system is still up."""

    url: str
    business_name: str
    email: str
    password: str
    report: dict[str, Any]
    home: Path
    process: subprocess.Popen[bytes]


@contextmanager
def finished_demo(home: Path, *arguments: str) -> Iterator[FinishedDemo]:
    """Run the demo to the end of its calls and keep its system up while the block runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    report, output = home / "out.json", home / "output.txt"
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    with output.open("wb") as out:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "trunkline", "demo", "--port", str(port), "--report", str(report),
                *arguments,
            ],
            env={**environment, "TRUNKLINE_HOME": str(home), "COLUMNS": "160", "HOME": str(home)},
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + _OVER_WITHIN_S
        while _UP not in output.read_text(errors="replace"):
            assert process.poll() is None, f"the demo has ended:\n{output.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"the demo is not over:\n{output.read_text()[-3000:]}"
            time.sleep(0.2)
        found = re.search(r"Sign in to (.+):\n  (\S+), password (\S+)", output.read_text())
        assert found, "the demo does not say how to sign in"
        yield FinishedDemo(
            f"http://127.0.0.1:{port}", found[1], found[2], found[3], json.loads(report.read_text()),
            home, process,
        )  # fmt: skip
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(60)
