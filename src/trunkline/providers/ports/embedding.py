"""The port of embeddings: whoever turns texts into vectors of which those of like meaning lie close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class EmbeddingFailed(Exception):
    """No vectors came: the provider refused, was too slow or sent nonsense."""


class Embedder(Protocol):
    """Turns texts into vectors. Blocks: for jobs and an agent's tools, which run off the loop."""

    @property
    def name(self) -> str:
        """The model: vectors of another one cannot be compared with its own."""
        ...

    def embed(self, texts: Sequence[str], *, timeout_s: float) -> list[list[float]]:
        """Return a vector for each text, all equally long. Raises EmbeddingFailed."""
        ...

    def close(self) -> None:
        """Let go of the connections."""
