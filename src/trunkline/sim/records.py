"""What the database says of a simulation's calls, once they are written."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from trunkline.core.db import of_business, unit_of_work
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.calls import service as calls
from trunkline.domain.outbound.models import Suppression
from trunkline.sim.calls import HeldCall
from trunkline.sim.grades import Outcome
from trunkline.sim.practice import Practice

WRITTEN_WITHIN_S = 45.0
"""Longer than the grace within which a lost call's own process may tell its end."""
_LOOK_S = 0.2


def outcomes(
    practice: Practice, held: Sequence[HeldCall], *, within_s: float = WRITTEN_WITHIN_S
) -> list[Outcome]:
    """Wait until every call is written, for so long at most, and return what came of them, in order."""
    ends = time.monotonic() + within_s
    found = [_read(practice, call) for call in held]
    while not all(one.finalized for one in found) and time.monotonic() < ends:
        time.sleep(_LOOK_S)
        found = [
            one if one.finalized else _read(practice, call) for one, call in zip(found, held, strict=True)
        ]
    return found


def _read(practice: Practice, held: HeldCall) -> Outcome:
    outcome = _of_carrier(practice, held)
    business_id = practice.business_id
    with unit_of_work(of_business(business_id)) as session:
        call = calls.call_of_sid(session, business_id, held.sid) if held.sid else None
        if call is None:
            return outcome
        outcome.state, outcome.disposition, outcome.end_reason = call.state, call.disposition, call.end_reason
        outcome.finalized = call.finalized_at is not None
        outcome.events = [
            {"sequence": event.sequence, "kind": event.kind, "at": event.at.isoformat(), "data": event.data}
            for event in calls.events_of(session, business_id, call.id)
        ]
        outcome.appointments = list(
            session.scalars(
                select(Appointment.starts_at).where(
                    Appointment.business_id == business_id,
                    Appointment.call_id == call.id,
                    Appointment.state == "booked",
                )
            )
        )
        outcome.do_not_call = session.get(Suppression, (business_id, held.phone)) is not None
    return outcome


def _of_carrier(practice: Practice, held: HeldCall) -> Outcome:
    entry = held.entry
    media: dict[str, Any] = entry.media if entry else {}
    return Outcome(
        sid=held.sid,
        phone=held.phone,
        time_zone=practice.time_zone,
        rings=held.rings,
        ended_by=(entry.ended_by or "") if entry else "",
        heard=[row["heard"] for row in entry.understood if row["heard"]] if entry else [],
        said=[row["text"] for row in entry.said] if entry else [],
        errors=[row["message"] for row in entry.errors] if entry else ["the call never came about"],
        figures=held.figures,
        gaps=int(media.get("gaps", 0)),
        worst_gap_ms=float(media.get("worst_gap_ms", 0)),
        lag_ms=round(float(media.get("worst_lag_ms", 0)), 1),
    )
