"""The port by which providers in a row tell of one that failed. Knows neither who listens nor what failed."""

from __future__ import annotations

from collections.abc import Callable

TellFailure = Callable[[str, str, str], None]
"""Is told of each failure: who, why, and who takes over; empty where nobody does. It never raises."""
