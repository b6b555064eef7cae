"""The verdict of a test session: what was done to the system and what came of it, for one line of JSON."""

from __future__ import annotations

from typing import Any

import pytest

VERDICT = pytest.StashKey[dict[str, Any]]()


def add_to_verdict(config: pytest.Config, **parts: Any) -> None:
    """Add to what the session's last line says."""
    config.stash.setdefault(VERDICT, {}).update(parts)
