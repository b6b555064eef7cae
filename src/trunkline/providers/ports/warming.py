"""The port by which a provider's connection is opened before anybody waits for it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class KeepsWarm(Protocol):
    """A provider whose connections stay open between requests."""

    async def warm(self) -> None:
        """See to it that one is open: name looked up, TLS done. Costs nothing at the provider.

        Raises SpeechFailed, ModelFailed.
        """
