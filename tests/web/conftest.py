"""A door to the application, and a database that can be taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from api.doorway import TestClient, build_app, open_door
from support.installation import Installation
from trunkline.core.db import Database, install_database

Away = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def database_away(installation: Installation) -> Away:
    """Return what takes PostgreSQL away from this process while a block runs."""

    @contextmanager
    def away() -> Iterator[None]:
        nowhere = Database("postgresql://nobody@127.0.0.1:9/nothing", pool_size=1)
        install_database(nowhere)
        try:
            yield
        finally:
            install_database(installation.database)
            nowhere.dispose()

    return away


@pytest.fixture
def visitor(installation: Installation) -> Iterator[TestClient]:
    """Somebody at the door who has not signed in."""
    with open_door(build_app(spool=installation.home / "no-spool")) as client:
        yield client
