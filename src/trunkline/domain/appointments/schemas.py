"""What of appointments goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class AppointmentOut(BaseModel):
    """An appointment; times are UTC."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    lead_id: UUID | None
    call_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    state: str
