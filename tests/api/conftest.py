"""A door to the application, open while a test runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.doorway import TestClient, build_app, open_door
from support.installation import Installation


@pytest.fixture
def visitor(installation: Installation) -> Iterator[TestClient]:
    """Somebody at the door who has not signed in."""
    with open_door(build_app(spool=installation.home / "no-spool")) as client:
        yield client
