"""Who wants to hear what calls came to: domains that do something about it register here.

Owns what is told, put together from the call's row and from what was noted in its conversation. Calls know
nobody who listens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core.db import current_unit
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job
from trunkline.domain.calls.models import Call, CallEvent

_CERTAIN = 1.0


@dataclass(frozen=True, slots=True)
class Ending:
    """What a call came to. Told again when somebody tells better."""

    call_id: UUID
    lead_id: UUID | None
    disposition: str
    is_booked: bool
    was_answered: bool
    confidence: float
    ended_at: datetime


Wants = Callable[[Session, UUID], bool]
Hear = Callable[[Session, UUID, Ending], None]

_listeners: dict[str, tuple[Wants, Hear]] = {}


def register_listener(domain: str, wants: Wants, hear: Hear) -> None:
    """Let a domain hear how calls end: in the transaction that notes it, where it wants to."""
    _listeners[domain] = (wants, hear)


def finalized(call: Call) -> None:
    """Announce that a call's outcome is written, or is another now, and tell it to who waits for that."""
    announce("call.finalized", subject_id=call.id, actor="media", disposition=call.disposition)
    if call.direction == "outbound":
        enqueue_job("high", "hear_call_outcome", str(call.id))
    tell(current_unit().session, call)


def tell(session: Session, call: Call) -> None:
    """Tell everybody who listens what a call came to, which is over and has a disposition."""
    hearing = [hear for wants, hear in _listeners.values() if wants(session, call.business_id)]
    if not hearing or call.disposition is None or call.ended_at is None:
        return
    ending = Ending(
        call.id, call.lead_id, call.disposition, is_booked=call.booked_at is not None,
        was_answered=call.media_opened_at is not None,
        confidence=_confidence(session, call), ended_at=call.ended_at,
    )  # fmt: skip
    for hear in hearing:
        hear(session, call.business_id, ending)


def _confidence(session: Session, call: Call) -> float:
    """Return how sure the call's disposition is: as sure as whoever noted it; what nobody noted is."""
    note = CallEvent.data
    noted = session.execute(
        select(note["value"].astext.label("value"), note["confidence"].as_float().label("confidence"))
        .where(
            CallEvent.business_id == call.business_id, CallEvent.call_id == call.id,
            CallEvent.kind == "note", note["name"].astext == "disposition",
        )
        .order_by(CallEvent.sequence.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip
    if noted is None or noted.value != call.disposition or noted.confidence is None:
        return _CERTAIN
    return float(noted.confidence)
