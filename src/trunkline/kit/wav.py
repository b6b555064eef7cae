"""WAV files of recordings: 16 bit PCM in two channels, with the moment of their first sample in them.

The moment stands in a chunk of our own, `when`, milliseconds since 1970, which players pass over.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

CHANNELS, SAMPLE_BYTES = 2, 2
_FRAME_BYTES = CHANNELS * SAMPLE_BYTES
_HEAD = struct.Struct("<4sI4s4sIQ4sIHHIIHH4sI")
HEADER_BYTES = _HEAD.size


class NotOurs(ValueError):
    """The file is not a recording as it is written here."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What is in a file."""

    began_at: datetime
    rate: int
    frames: int
    """Moments that both channels have a sample of."""
    is_whole: bool
    """False: its writer was cut off, and its header does not tell its length."""

    @property
    def duration_ms(self) -> int:
        return round(self.frames * 1000 / self.rate)


def header(frames: int, *, rate: int, began_at: datetime) -> bytes:
    """Return the head of a file with so many frames, 0 while that is not known."""
    data = frames * _FRAME_BYTES
    return _HEAD.pack(
        b"RIFF", HEADER_BYTES - 8 + data, b"WAVE", b"when", 8, round(began_at.timestamp() * 1000),
        b"fmt ", 16, 1, CHANNELS, rate, rate * _FRAME_BYTES, _FRAME_BYTES, 8 * SAMPLE_BYTES, b"data", data,
    )  # fmt: skip


def read(path: Path) -> Sound:
    """Return what is in a file. Raises NotOurs, OSError."""
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    if len(head) < HEADER_BYTES:
        raise NotOurs(f"{path.name} is shorter than a header")
    riff, _, wave, when, _, began_ms, _, _, form, channels, rate, _, _, bits, data, length = _HEAD.unpack(
        head
    )
    if (riff, wave, when, form, channels, bits, data) != (b"RIFF", b"WAVE", b"when", 1, 2, 16, b"data"):
        raise NotOurs(f"{path.name} is no recording of ours")
    there = (path.stat().st_size - HEADER_BYTES) // _FRAME_BYTES
    return Sound(
        began_at=datetime.fromtimestamp(began_ms / 1000, UTC),
        rate=rate,
        frames=there,
        is_whole=length == there * _FRAME_BYTES,
    )


def mend(path: Path, sound: Sound) -> None:
    """Tell the length of what is there in the header of a file whose writer was cut off. Raises OSError."""
    with path.open("r+b") as file:
        file.write(header(sound.frames, rate=sound.rate, began_at=sound.began_at))
        file.truncate(HEADER_BYTES + sound.frames * _FRAME_BYTES)
