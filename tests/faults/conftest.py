"""Fixtures of the fault tests: one carrier, API and yard a session; workers and jobs of each test's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.installation import Installation
from support.system import System, open_system
from support.yard import Yard, open_yard

_VERDICT = pytest.StashKey[dict[str, Any]]()


def pytest_unconfigure(config: pytest.Config) -> None:
    """After all else, say in one line of JSON what was done and what came of it."""
    if _VERDICT in config.stash:
        print(json.dumps(config.stash[_VERDICT]), file=sys.__stdout__, flush=True)


@pytest.fixture(scope="session")
def running_system(
    servers: Installation, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[System]:
    """The system without workers; it outlives a test that kills the API by starting it again."""
    folder: Path = tmp_path_factory.mktemp("system")
    servers.wipe()
    with open_system(servers, folder) as system:
        yield system
        pytestconfig.stash.setdefault(_VERDICT, {}).update(system.verdict())


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


@pytest.fixture(scope="session")
def running_yard(
    servers: Installation, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Yard]:
    """The job system without workers, with the book open."""
    servers.wipe()
    with open_yard(servers, tmp_path_factory.mktemp("yard")) as yard:
        yield yard
        pytestconfig.stash.setdefault(_VERDICT, {})["jobs"] = yard.verdict


@pytest.fixture
def yard(running_yard: Yard) -> Iterator[Yard]:
    """The job system with an empty ledger and an empty book; whatever the test started is gone after it."""
    running_yard.wipe()
    try:
        yield running_yard
    finally:
        running_yard.stop_workers()
