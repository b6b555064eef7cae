"""What every test of live calls begins with."""

from __future__ import annotations

import sys

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _the_same_voice() -> None:
    """Stub voices are noise: each test hears the same, whichever ran before it."""
    for name in ("media_stubs", "media.media_stubs"):
        if name in sys.modules:
            sys.modules[name]._NOISE = np.random.default_rng(7)  # type: ignore[attr-defined]
