"""Fixtures of the dialler's tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from dialling.staging import ListeningCarrier
from support.installation import Installation
from trunkline.core import registry
from trunkline.domain.outbound.options import install_limits, installed_limits


@pytest.fixture
def carrier(installation: Installation) -> Iterator[ListeningCarrier]:
    """The installation's carrier; the pace is no obstacle unless a test says so."""
    theirs, limits = registry._carriers["twilio"], installed_limits()
    ours = ListeningCarrier()
    registry.register_carrier(lambda: ours)  # type: ignore[arg-type,return-value]
    install_limits(replace(limits, per_second=float("inf"), starts_per_minute=1_000))
    yield ours
    registry.register_carrier(theirs)
    install_limits(limits)
