"""Answering machines, as far as a run is concerned: what it wants done, and what the carrier finds out.

Owns the carrier's word on who has answered, on its way into the call's row. Refuses to know the live
call: that is told by whoever holds it.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.runs import service as runs
from trunkline.domain.calls import service as calls
from trunkline.domain.outbound import hearing, store
from trunkline.domain.outbound.options import Detection, Machines, RunOptions
from trunkline.providers.ports import AnswerReport, CallStatus, CarrierCapabilities


def asks_carrier(
    session: Session, business_id: UUID, run_id: UUID, capabilities: CarrierCapabilities
) -> bool:
    """Return whether the carrier is to find out who answers the run's calls. One that cannot is not asked."""
    options = RunOptions.model_validate(runs.get(session, business_id, run_id).options)
    return options.machines.detection is Detection.CARRIER and capabilities.detects_machines


def machines_of_call(session: Session, business_id: UUID, call_id: UUID) -> Machines | None:
    """Return what the call's run does about machines; None for a call of no run."""
    run_id = store.run_of_call(session, business_id, call_id)
    if run_id is None:
        return None
    return RunOptions.model_validate(runs.get(session, business_id, run_id).options).machines


def hear_answered_by(
    session: Session,
    business_id: UUID,
    attempt_id: UUID,
    report: AnswerReport,
    *,
    carrier: str = calls.TWILIO,
) -> UUID | None:
    """Take the carrier's word on who has answered an attempt's call; a repeated one changes nothing.

    It may come before any other word of the call, and then proves that it was answered. Returns the
    call's id, or None for an attempt that is not this business's. Raises SecondCall.
    """
    store.lock_business(session, business_id)
    attempt = store.attempt_for_update(session, business_id, attempt_id)
    if attempt is None:
        return None
    if attempt.carrier_sid is not None and attempt.carrier_sid != report.sid:
        raise hearing.SecondCall("This attempt has another call.")
    call = calls.call_of_sid(session, business_id, report.sid)
    if call is None:
        live = hearing.report_of_listing(report.sid, CallStatus.IN_PROGRESS, attempt)
        call = hearing.hear_report(session, business_id, attempt_id, live, carrier=carrier)
    if call is None:
        return None
    calls.note_answered_by(session, call, report)
    return call.id
