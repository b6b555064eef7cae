"""The carrier of cardboard with an ear: what its caller hears of the agent, sample by sample."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
from media_stubs import FakeCarrier

from trunkline.kit.audio import ulaw_to_pcm


class HearingCarrier(FakeCarrier):
    """Keeps what reaches the caller's ear on a time line that begins with the stream."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.began = self.now()
        self.ear = bytearray()
        """PCM heard since the stream began, silence included, up to what has been sent."""
        self.clears: list[float] = []

    async def send_text(self, text: str) -> None:
        message = json.loads(text)
        now = self.now() + self.one_way_s
        at = round((now - self.began) * 8000) * 2
        if message["event"] == "media":
            self.ear += bytes(max(0, at - len(self.ear)))
            self.ear += ulaw_to_pcm(base64.b64decode(message["media"]["payload"]))
        elif message["event"] == "clear":
            self.clears.append(now - self.began)
            del self.ear[at:]
        await super().send_text(text)

    def heard(self, begin_s: float = 0.0, end_s: float | None = None) -> np.ndarray:
        """Return the samples of a stretch of time."""
        samples = np.frombuffer(bytes(self.ear), "<i2").astype(float)
        return samples[round(begin_s * 8000) : None if end_s is None else round(end_s * 8000)]


def loudness(samples: np.ndarray) -> list[float]:
    """Return the root mean square of every 20 ms."""
    whole = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    return [float(level) for level in np.sqrt((whole**2).mean(axis=1))]
