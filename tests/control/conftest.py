"""The theatre in which calls are controlled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from control.theatre import Theatre, open_theatre
from support.hasty_loop import threads_counted
from support.installation import Installation
from support.world import World


@pytest.fixture(autouse=True)
def _threads_take_their_time() -> Iterator[None]:
    with threads_counted():
        yield


@pytest.fixture
async def theatre(installation: Installation, acme: World) -> AsyncIterator[Theatre]:
    """The application, the local carrier and an agent on call."""
    async with open_theatre(installation, acme) as opened:
        yield opened
