"""Embeddings by OpenAI's interface: OpenAI's own, and every server that speaks the same.

Owns one request and its answer. Refuses to retry: a job is tried again by itself, and a caller is not kept
waiting for a second try. Synchronous, without the SDK, which takes a second to load for one small request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx2

from trunkline.kit.hosts import is_loopback
from trunkline.providers.model_http import in_words
from trunkline.providers.ports import EmbeddingFailed


class OpenAIEmbedder:
    """The `Embedder` port on `POST /embeddings`."""

    def __init__(self, *, model: str, api_key: str | None, base_url: str) -> None:
        self._model = model
        self._client = httpx2.Client(
            base_url=base_url,
            headers={"authorization": f"Bearer {api_key}"} if api_key else {},
            trust_env=not is_loopback(urlsplit(base_url).hostname),
        )

    @property
    def name(self) -> str:
        return self._model

    def embed(self, texts: Sequence[str], *, timeout_s: float) -> list[list[float]]:
        """Return a vector for each text. Raises EmbeddingFailed."""
        asked = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        try:
            answer = self._client.post("/embeddings", json=asked, timeout=timeout_s)
            answer.raise_for_status()
            return _vectors(answer.json(), wanted=len(texts))
        except (httpx2.HTTPError, ValueError, TypeError, KeyError) as error:
            raise EmbeddingFailed(in_words(error)) from error

    def close(self) -> None:
        self._client.close()


def _vectors(answer: Any, *, wanted: int) -> list[list[float]]:
    """Read them in the order of the texts, which the answer need not keep. Raises ValueError on nonsense."""
    rows = sorted(answer["data"], key=lambda row: int(row["index"]))
    vectors = [[float(number) for number in row["embedding"]] for row in rows]
    if len(vectors) != wanted or len({len(vector) for vector in vectors}) > 1 or not all(vectors):
        raise ValueError(f"{len(vectors)} vectors for {wanted} texts, or of unlike length")
    return vectors
