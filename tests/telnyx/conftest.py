"""A house whose calls go by Telnyx."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from support.hasty_loop import threads_counted
from support.installation import Installation
from support.telnyx_house import House, open_telnyx
from support.world import World


@pytest.fixture(autouse=True)
def _threads_take_their_time() -> Iterator[None]:
    with threads_counted():
        yield


@pytest.fixture
async def house(installation: Installation, acme: World) -> AsyncIterator[House]:
    async with open_telnyx(installation, acme) as opened:
        yield opened
