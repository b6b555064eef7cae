"""Recordings made without a call: a file as a call's process leaves it."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from uuid import UUID

import numpy as np

from trunkline.core.storage import installed_storage
from trunkline.domain.recordings import service as recordings
from trunkline.kit import clock, wav

RATE = 8_000


def leave_recording(
    business_id: UUID,
    call_id: UUID,
    leg: int = 1,
    *,
    seconds: float = 2.0,
    began_at: datetime | None = None,
    is_whole: bool = True,
) -> Path:
    """Leave a file that waits to be kept: the caller's tone first, then the agent's, half as loud."""
    folder = installed_storage().incoming(recordings.INCOMING)
    folder.mkdir(parents=True, exist_ok=True)
    frames = round(seconds * RATE)
    tone = (np.sin(np.arange(frames) * (2 * math.pi * 440 / RATE)) * 32_000).astype("<i2")
    half = frames // 2
    sound = np.zeros((frames, 2), "<i2")
    sound[:half, 0], sound[half:, 1] = tone[:half], tone[half:] // 2
    head = wav.header(frames if is_whole else 0, rate=RATE, began_at=began_at or clock.now())
    path = folder / f"{recordings.file_name(business_id, call_id, leg)}.wav"
    path.write_bytes(head + sound.tobytes())
    return path
