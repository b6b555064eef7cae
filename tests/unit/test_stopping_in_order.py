"""A supervisor's children that the others need are asked to stop when the others have."""

from __future__ import annotations

import sys
from pathlib import Path

from support.processes import eventually
from trunkline.supervisor import Child, Supervisor
from trunkline.up import children_of_system

TELLS = """
import pathlib, signal, sys, time
name, wait, book = sys.argv[1], float(sys.argv[2]), pathlib.Path(sys.argv[3])

def write(word):
    with book.open("a") as file:
        file.write(f"{name} {word}\\n")

def stop(*_):
    write("asked")
    time.sleep(wait)
    write("ended")
    sys.exit()

signal.signal(signal.SIGTERM, stop)
write("ready")
while True:
    time.sleep(0.01)
"""


def test_the_worker_is_there_until_the_last_call_is_over(tmp_path: Path) -> None:
    book = tmp_path / "book"

    def child(name: str, wait: str, *, outlives_others: bool = False) -> Child:
        command = [sys.executable, "-c", TELLS, name, wait, str(book)]
        return Child(name, command, outlives_others=outlives_others)

    supervisor = Supervisor([child("worker", "0", outlives_others=True), child("api", "0.3")])
    supervisor.start()
    try:
        eventually(lambda: book.exists() and book.read_text().count("ready") == 2, "both are ready")
    finally:
        supervisor.stop()
    told = book.read_text().splitlines()[2:]
    assert told == ["api asked", "api ended", "worker asked", "worker ended"]


def test_the_api_is_what_the_worker_outlives() -> None:
    assert [child.name for child in children_of_system() if child.outlives_others] == ["worker"]
