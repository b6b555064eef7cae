"""Houses to test in; see `embedded_house`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from embedded_house import EVERYONE, House, User, open_house


@pytest.fixture(params=EVERYONE)
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """A HOME of this test's own."""
    yield from open_house(request.param)


@pytest.fixture
def own_house() -> Iterator[House]:
    """A HOME of this test's own, for the account that runs the tests."""
    yield from open_house(EVERYONE[0])


@pytest.fixture(scope="session", params=EVERYONE)
def lived_in(request: pytest.FixtureRequest) -> Iterator[tuple[House, User]]:
    """A HOME with a resident user, shared by tests that leave it as they found it."""
    for house in open_house(request.param):
        resident = house.user()
        assert resident.urls
        yield house, resident
