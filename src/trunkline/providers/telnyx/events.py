"""What Telnyx tells of a call, read from the bytes of its webhooks. Signatures are the carrier's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from trunkline.providers.ports import (
    AnsweredBy,
    AnswerReport,
    CallReport,
    CallStatus,
    CarrierEvent,
    DialReport,
)
from trunkline.providers.telnyx.commands import read_state
from trunkline.providers.telnyx.wire import EventType, HangupCause

_ENDED = {
    HangupCause.REJECTED: CallStatus.BUSY,
    HangupCause.NORMAL: CallStatus.COMPLETED,
    HangupCause.CANCELLED: CallStatus.CANCELED,
    HangupCause.TIMEOUT: CallStatus.NO_ANSWER,
    HangupCause.TIME_LIMIT: CallStatus.COMPLETED,
    HangupCause.BUSY: CallStatus.BUSY,
    HangupCause.NOT_FOUND: CallStatus.FAILED,
    HangupCause.NO_ANSWER: CallStatus.NO_ANSWER,
}
"""Whoever declines a call is engaged, as elsewhere. What is not named here has failed."""

_STATUSES = {EventType.INITIATED: CallStatus.INITIATED, EventType.ANSWERED: CallStatus.IN_PROGRESS}
_DETECTED = {"human": AnsweredBy.HUMAN, "not_sure": AnsweredBy.UNKNOWN}
"""A machine is told of when its greeting has ended, which is what a message waits for."""
_STREAM_OVER = frozenset({EventType.STREAMING_STOPPED, EventType.STREAMING_FAILED})
_KINDS = frozenset(EventType)
_CALL_GONE = "call_hangup"
"""Status of something played that ended because the call did: nothing goes on then."""


def read_event(body: bytes) -> CarrierEvent | None:
    """Read a webhook's body; None: it concerns nothing of ours. Raises ValueError, naming the field."""
    try:
        envelope = json.loads(body)
    except RecursionError as error:
        raise ValueError("the event is nested too deep") from error
    data = envelope.get("data") if isinstance(envelope, dict) else None
    payload = data.get("payload") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(payload, dict):
        raise ValueError("data.payload is missing")
    named = _text(data, "event_type")
    if named not in _KINDS:
        return None
    kind = EventType(named)
    sid = _text(payload, "call_control_id")
    state = read_state(payload.get("client_state"))
    if state.is_dialled_leg:
        return _of_dialled_leg(sid, kind, payload, state.then, data)
    then = None
    expected = state.on in _STREAM_OVER if kind in _STREAM_OVER else state.on == kind
    if expected and payload.get("status") != _CALL_GONE:
        then = state.then
    return CarrierEvent(
        sid=sid,
        is_offered=kind is EventType.INITIATED and payload.get("direction") == "incoming",
        report=_report(sid, kind, payload),
        answered_by=_answered_by(sid, kind, payload),
        then_url=then,
        trouble=str(payload.get("failure_reason") or "failed") if kind is EventType.STREAMING_FAILED else "",
    )


def _of_dialled_leg(
    sid: str, kind: EventType, payload: Mapping[str, Any], then: str, data: Mapping[str, Any]
) -> CarrierEvent | None:
    if kind is not EventType.HANGUP:
        return None
    status = _ended(payload)
    report = DialReport(
        sid=sid,
        status=status,
        duration_s=_seconds(payload.get("start_time"), data.get("occurred_at")),
        # Only who gave up waiting can have cancelled it.
        call_is_over=status is CallStatus.CANCELED,
    )
    return CarrierEvent(sid=sid, then_url=then, dial=report)


def _report(sid: str, kind: EventType, payload: Mapping[str, Any]) -> CallReport | None:
    status = _ended(payload) if kind is EventType.HANGUP else _STATUSES.get(kind)
    if status is None:
        return None
    return CallReport(
        sid=sid,
        status=status,
        to=_text(payload, "to"),
        from_=_text(payload, "from"),
        direction=str(payload.get("direction") or ""),
    )


def _answered_by(sid: str, kind: EventType, payload: Mapping[str, Any]) -> AnswerReport | None:
    if kind is EventType.MACHINE_GREETING_ENDED:
        return AnswerReport(sid, AnsweredBy.MACHINE)
    found = _DETECTED.get(str(payload.get("result"))) if kind is EventType.MACHINE_DETECTION_ENDED else None
    return None if found is None else AnswerReport(sid, found)


def _ended(payload: Mapping[str, Any]) -> CallStatus:
    try:
        return _ENDED.get(HangupCause(str(payload.get("hangup_cause"))), CallStatus.FAILED)
    except ValueError:
        return CallStatus.FAILED


def _seconds(begun: object, ended: object) -> int | None:
    if not isinstance(begun, str) or not isinstance(ended, str):
        return None
    try:
        return max(0, round((datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()))
    except (ValueError, TypeError):
        return None


def _text(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is missing")
    return value
