"""What of recordings goes over HTTP."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from trunkline.domain.recordings.models import RecordingState


class Peaks(BaseModel):
    """How loud each side is in each of equal parts of a recording, 0 to 100."""

    caller: list[int]
    agent: list[int]


class RecordingOut(BaseModel):
    """The sound of one stretch of a call with its agent."""

    model_config = ConfigDict(from_attributes=True)

    leg: int
    state: RecordingState
    began_at: datetime | None
    """The moment of its first sample: what happened in the call is that much later in it."""
    duration_ms: int | None
    peaks: Peaks | None
