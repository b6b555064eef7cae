"""Fixtures of every test: one installation a session, emptied between tests; two businesses; the yard."""

from __future__ import annotations

import gc
import ssl
from asyncio import AbstractEventLoop, new_event_loop
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from unittest.mock import patch

import pytest
from argon2 import PasswordHasher

from support.demo import FinishedDemo, finished_demo
from support.hasty_loop import HastyLoop
from support.installation import Installation, open_installation, temporary_home
from support.verdict import add_to_verdict
from support.world import World, make_world
from support.yard import Yard, open_yard
from trunkline.domain.people import service as people

_SHARED = ("demo", "running_system", "running_yard")
"""Fixtures that cost minutes to make: whatever uses one of them runs in the process that has made it."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the isolation tests first, and then what takes longest; keep together what shares a fixture.

    The isolation tests copy the database, which nobody else may be using then; the fault tests' system,
    once started, uses it to the session's end. All this before xdist reads the groups.
    """
    for item in items:
        names = getattr(item, "fixturenames", ())
        shared = next((name for name in _SHARED if name in names), None)
        item.add_marker(pytest.mark.xdist_group(shared or item.path.name))
    items.sort(key=_turn)


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """Give those who are marked `hasty` the loop on which nobody sits through what is said."""
    return {"loop": HastyLoop if item.get_closest_marker("hasty") else new_event_loop}


def pytest_sessionstart() -> None:
    """Look for no garbage while tests are loaded: there is none, and it takes a fifth of the time."""
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to share tests between processes that would each make what is to be made once.

    What has been loaded by now stays: the collector need not walk it again and again.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    shares = session.config.getoption("loadgroup", default=False)
    if shares and not all("@" in item.nodeid for item in session.items):
        raise pytest.UsageError("pytest-xdist does not name the tests' groups: is there a newer pytest?")


def _turn(item: pytest.Item) -> int:
    if "isolation" in item.path.parts:
        return 0
    names = getattr(item, "fixturenames", ())
    return next((number for number, name in enumerate(_SHARED, 1) if name in names), len(_SHARED) + 1)


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hash passwords in a moment: well hashed, they were half of what most tests take to begin.

    Whoever checks one goes by the cost that its hash names, so a system that a test starts can as well.
    """
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    nobodys = cheap.hash("nobody signs in with this")
    with patch.object(people, "_hasher", cheap), patch.object(people, "_NOBODYS_HASH", nobodys):
        yield


@pytest.fixture(scope="session", autouse=True)
def certificates_read_once() -> Iterator[None]:
    """Read the machine's certificates once: doing so for each client took a quarter of all time."""
    with patch.object(ssl, "create_default_context", cache(ssl.create_default_context)):
        yield


@pytest.fixture(scope="session")
def servers() -> Iterator[Installation]:
    """Servers with the schema, for the whole session."""
    with temporary_home() as home, open_installation(home) as installation:
        yield installation


@pytest.fixture
def installation(servers: Installation) -> Installation:
    """The installation, empty."""
    servers.wipe()
    return servers


@pytest.fixture
def acme(installation: Installation) -> World:
    """A business with three leads."""
    return make_world("Acme", number="+12125550190", phones=("+12125550101", "+12125550102", "+12125550103"))


@pytest.fixture
def umbrella(installation: Installation) -> World:
    """Another business; one of its leads has a number that Acme's has too."""
    return make_world("Umbrella", number="+13125550190", phones=("+12125550101", "+13125550102"))


@pytest.fixture(scope="session")
def running_yard(
    servers: Installation, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Yard]:
    """The job system without workers, with the book open."""
    servers.wipe()
    with open_yard(servers, tmp_path_factory.mktemp("yard")) as yard:
        yield yard
        add_to_verdict(pytestconfig, jobs=yard.verdict)


@pytest.fixture
def yard(running_yard: Yard) -> Iterator[Yard]:
    """The job system with an empty ledger and an empty book; what the test started is gone after it."""
    running_yard.wipe()
    try:
        yield running_yard
    finally:
        running_yard.stop_workers()


@pytest.fixture(scope="session")
def demo() -> Iterator[FinishedDemo]:
    """The demo, run once a session to the end of its calls; its system stays up."""
    with temporary_home() as home, finished_demo(home) as finished:
        yield finished
