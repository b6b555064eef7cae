"""What is worked out of a recording's sound: its waveform."""

from __future__ import annotations

from pathlib import Path

from trunkline.kit import wav

MOST_PARTS = 600
"""As many bars as a wide window can show."""
_SHORTEST_PART_MS = 50


def peaks_of(path: Path, sound: wav.Sound) -> dict[str, list[int]]:
    """Return how loud each side is in each of up to 600 equal parts, 0 to 100 of what there can be."""
    parts = max(1, min(MOST_PARTS, sound.duration_ms // _SHORTEST_PART_MS))
    if sound.frames < parts:
        return {"caller": [], "agent": []}
    import numpy as np  # noqa: PLC0415 - not many who import this ever draw a waveform

    samples = np.memmap(path, "<i2", "r", offset=wav.HEADER_BYTES, shape=(sound.frames, wav.CHANNELS))
    starts = np.arange(parts) * sound.frames // parts
    # Of 16 bits the lowest number has no positive twin: both ends are looked at.
    loudest = np.maximum(np.maximum.reduceat(samples, starts), -(np.minimum.reduceat(samples, starts) + 1))
    caller, agent = np.round(loudest.T * (100 / 32_767)).astype(int)
    return {"caller": caller.tolist(), "agent": agent.tolist()}
