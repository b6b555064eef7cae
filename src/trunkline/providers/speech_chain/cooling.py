"""Which of several providers is asked first: those that failed a moment ago come last.

Pure: it is told what time it is.
"""

from __future__ import annotations

from collections.abc import Sequence


class Cooling:
    """The order of providers, in which one that failed is passed over for `seconds`."""

    def __init__(self, names: Sequence[str], *, seconds: float) -> None:
        if not names or len(set(names)) != len(names):
            raise ValueError("a chain names each provider once, and one at least")
        self.names = tuple(names)
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def order(self, now: float, *, first: str = "") -> list[str]:
        """Return everyone: the well ones in their order, then those that cool, the soonest ready before."""
        wished = sorted(self.names, key=lambda name: name != first)
        return sorted(wished, key=lambda name: max(0.0, self._until.get(name, 0.0) - now))

    def failed(self, name: str, now: float) -> None:
        """Leave a provider alone for a while."""
        self._until[name] = now + self._seconds

    def worked(self, name: str) -> None:
        """A provider has done its work: it is well."""
        self._until.pop(name, None)
