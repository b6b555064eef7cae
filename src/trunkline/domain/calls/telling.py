"""What calls tell in the timelines of leads."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from trunkline.core.timeline import Entry, Wanted, register_source
from trunkline.domain.calls.models import Call

_CALL = "call"


def register() -> None:
    """Let calls tell of the leads they were with."""
    register_source(_CALL, _calls)


def _calls(session: Session, wanted: Wanted) -> Sequence[Entry]:
    rows = session.scalars(wanted.rows_of(_CALL, Call, Call.created_at))
    return [Entry(call.created_at, str(call.id), "call", None, _facts(call)) for call in rows]


def _facts(call: Call) -> dict[str, object]:
    length = None
    if call.answered_at is not None and call.ended_at is not None:
        length = (call.ended_at - call.answered_at).total_seconds()
    return {
        "id": str(call.id), "direction": call.direction, "state": call.state,
        "disposition": call.disposition, "seconds": length,
    }  # fmt: skip
