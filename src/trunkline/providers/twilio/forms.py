"""What Twilio posts to us, read into the port's words.

Owns the fields' shapes. Every reader raises ValueError, naming the field, on a form that is malformed.
"""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.providers.ports import (
    AnsweredBy,
    AnswerReport,
    CallReport,
    CallStatus,
    DialReport,
    RecordingReport,
)
from trunkline.providers.twilio.wire import CALL_SID, RECORDING_SID, Detected, Field, RecordingStatus

_ANSWERED_BY = {
    Detected.HUMAN: AnsweredBy.HUMAN,
    Detected.FAX: AnsweredBy.FAX,
    Detected.UNKNOWN: AnsweredBy.UNKNOWN,
}
"""What Twilio's other findings mean is a machine, at one or another moment of its greeting."""

_DIALLED = {"answered": CallStatus.COMPLETED}
"""A dialled leg has one word of its own."""


def read_report(form: Mapping[str, str]) -> CallReport:
    """Read a voice or status callback."""
    return CallReport(
        sid=_call_sid(form),
        status=status_named(_required(form, Field.CALL_STATUS), Field.CALL_STATUS),
        to=_required(form, Field.TO),
        from_=_required(form, Field.FROM),
        direction=_required(form, Field.DIRECTION),
        duration_s=_number(form, Field.CALL_DURATION),
        sequence=_number(form, Field.SEQUENCE_NUMBER),
    )


def read_answered_by(form: Mapping[str, str]) -> AnswerReport:
    """Read the callback of asynchronous machine detection."""
    finding = _required(form, Field.ANSWERED_BY)
    try:
        detected = Detected(finding)
    except ValueError as error:
        raise ValueError(f"{Field.ANSWERED_BY} is no finding we know: {finding!r}") from error
    return AnswerReport(
        sid=_call_sid(form),
        answered_by=_ANSWERED_BY.get(detected, AnsweredBy.MACHINE),
        took_ms=_number(form, Field.MACHINE_DETECTION_DURATION),
    )


def read_dial_report(form: Mapping[str, str]) -> DialReport:
    """Read the request to the action of a `<Dial>`."""
    text = _required(form, Field.DIAL_CALL_STATUS)
    return DialReport(
        sid=_call_sid(form),
        status=_DIALLED.get(text) or status_named(text, Field.DIAL_CALL_STATUS),
        duration_s=_number(form, Field.DIAL_CALL_DURATION),
        call_is_over=status_named(_required(form, Field.CALL_STATUS), Field.CALL_STATUS).is_final,
    )


def read_digits(form: Mapping[str, str]) -> str:
    """Read the request to the action of a `<Gather>`; empty: no key was pressed."""
    return form.get(Field.DIGITS, "")


def read_recording(form: Mapping[str, str]) -> RecordingReport:
    """Read the callback of a recording."""
    recording_sid = _required(form, Field.RECORDING_SID)
    if not RECORDING_SID.fullmatch(recording_sid):
        raise ValueError(f"{Field.RECORDING_SID} is not a recording's sid")
    return RecordingReport(
        sid=_call_sid(form),
        recording_sid=recording_sid,
        url=form.get(Field.RECORDING_URL, ""),
        duration_s=_number(form, Field.RECORDING_DURATION) or 0,
        is_complete=_required(form, Field.RECORDING_STATUS) == RecordingStatus.COMPLETED,
    )


def status_named(text: str, name: str) -> CallStatus:
    """Return the status that a field or a record names."""
    try:
        return CallStatus(text)
    except ValueError as error:
        raise ValueError(f"{name} is no status we know: {text!r}") from error


def _call_sid(form: Mapping[str, str]) -> str:
    sid = _required(form, Field.CALL_SID)
    if not CALL_SID.fullmatch(sid):
        raise ValueError(f"{Field.CALL_SID} is not a call's sid")
    return sid


def _required(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise ValueError(f"{name} is missing")
    return value


def _number(form: Mapping[str, str], name: str) -> int | None:
    text = form.get(name)
    if not text:
        return None
    if not text.isdecimal():
        raise ValueError(f"{name} is not a number")
    return int(text)
