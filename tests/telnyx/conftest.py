"""A house whose calls go by Telnyx."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.installation import Installation
from support.telnyx_house import House, open_telnyx
from support.world import World


@pytest.fixture
async def house(installation: Installation, acme: World) -> AsyncIterator[House]:
    async with open_telnyx(installation, acme) as opened:
        yield opened
