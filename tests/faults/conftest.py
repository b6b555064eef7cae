"""Fixtures of the fault tests: one carrier and one API a session, workers and people of each test's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.installation import Installation
from support.system import System, open_system
from support.verdict import VERDICT, add_to_verdict


def pytest_unconfigure(config: pytest.Config) -> None:
    """After all else, say in one line of JSON what was done and what came of it."""
    if VERDICT in config.stash:
        print(json.dumps(config.stash[VERDICT]), file=sys.__stdout__, flush=True)


@pytest.fixture(scope="session")
def running_system(
    servers: Installation, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[System]:
    """The system without workers; it outlives a test that kills the API by starting it again."""
    folder: Path = tmp_path_factory.mktemp("system")
    servers.wipe()
    with open_system(servers, folder) as system:
        yield system
        add_to_verdict(pytestconfig, **system.verdict())


@pytest.fixture
def system(running_system: System) -> Iterator[System]:
    """The system with empty tables; whatever the test started is gone after it."""
    running_system.installation.wipe()
    try:
        yield running_system
    finally:
        running_system.stop_workers()
        for carrier in running_system.carriers.values():
            carrier.no_faults()
