"""The theatre in which calls are controlled."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control.theatre import Theatre, open_theatre
from support.installation import Installation
from support.world import World


@pytest.fixture
async def theatre(installation: Installation, acme: World) -> AsyncIterator[Theatre]:
    """The application, the local carrier and an agent on call."""
    async with open_theatre(installation, acme) as opened:
        yield opened
