"""What appointments tell in the timelines of leads: when each was made, and how it stands."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from trunkline.core.timeline import Entry, Wanted, register_source
from trunkline.domain.appointments.models import Appointment

_APPOINTMENT = "appointment"


def register() -> None:
    """Let appointments tell of the leads they are with."""
    register_source(_APPOINTMENT, _appointments)


def _appointments(session: Session, wanted: Wanted) -> Sequence[Entry]:
    rows = session.scalars(wanted.rows_of(_APPOINTMENT, Appointment, Appointment.created_at))
    return [
        Entry(
            row.created_at, str(row.id), "appointment", None,
            {
                "id": str(row.id), "starts_at": row.starts_at.isoformat(), "state": row.state,
                "call_id": row.call_id and str(row.call_id), "note": row.note,
            },
        )
        for row in rows
    ]  # fmt: skip
