"""The workers' door to call control: what is said to the carrier about a call that nobody waits for here.

No transaction is open while the carrier is spoken to.
"""

from __future__ import annotations

from uuid import UUID

from trunkline.core import registry
from trunkline.core.jobs import JobContext, TryLater, job
from trunkline.core.telemetry import get_logger
from trunkline.domain.control import tending, warm
from trunkline.domain.control.models import ControlState
from trunkline.domain.control.store import locked
from trunkline.kit import barriers
from trunkline.providers.ports import CarrierRefused, CarrierUncertain

log = get_logger(__name__)


@job(queue="high", timeout=60, retries=3)
def call_colleague(ctx: JobContext, control: str) -> None:
    """Call the colleague who is to take a waiting caller, once; a dial of unknown outcome is not repeated."""
    with ctx.unit_of_work() as session:
        order = warm.order(session, ctx.business, UUID(control))
        call, _ = locked(session, ctx.business, UUID(control))
        carrier = registry.carrier(call.carrier)
    barriers.reached("colleague.committed")
    if order is None:
        return
    try:
        sid = carrier.place_call(order)
    except CarrierRefused as refusal:
        with ctx.unit_of_work() as session:
            _, row = locked(session, ctx.business, UUID(control))
            if row.state == ControlState.UNDER_WAY:
                warm.fail(row, "refused", detail=str(refusal))
    except CarrierUncertain as doubt:
        # If it rings, the carrier will tell of it; if not, the time of this step runs out.
        log.warning("colleague_unknown", control_id=control, error=str(doubt))
    else:
        with ctx.unit_of_work() as session:
            warm.bind(session, ctx.business, UUID(control), sid)


@job(queue="high", timeout=60, retries=8, backoff=1)
def give_caller_back(ctx: JobContext, control: str) -> None:
    """Bring a caller whom nobody took out of the conference and back to the agent.

    Raises CarrierUncertain to be tried again: the caller may still hear the music.
    """
    with ctx.unit_of_work() as session:
        told = tending.way_back(session, ctx.business, UUID(control))
    if told is None:
        return
    call, answer = told
    try:
        registry.carrier(call.carrier).redirect(call.carrier_sid, answer)
    except CarrierRefused as refusal:
        # It certainly is not where it could be brought back from: the caller is gone.
        log.info("caller_gone", control_id=control, reason=str(refusal))


@job(queue="high", timeout=60, retries=8, backoff=1)
def hang_up_colleague(ctx: JobContext, control: str) -> None:
    """End the leg of a colleague who is not to take the call, or not any more."""
    with ctx.unit_of_work() as session:
        call, row = locked(session, ctx.business, UUID(control))
        sid = row.data.get("leg_sid")
    if sid is not None:
        registry.carrier(call.carrier).hang_up(str(sid))


@job(queue="high", timeout=60, retries=5)
def tend_controls(ctx: JobContext, call_id: str) -> None:
    """See to the acts of a call of which nobody tells: none stays open for ever. Looks again while one is."""
    with ctx.unit_of_work() as session:
        look_s, legs = tending.tend(session, ctx.business, UUID(call_id))
    for control_id, carrier, sid in legs:
        try:
            leg = registry.carrier(carrier).fetch_call(sid)
        except CarrierUncertain as doubt:
            log.warning("colleague_unasked", control_id=str(control_id), error=str(doubt))
            continue
        if leg is None or leg.status.is_final:
            with ctx.unit_of_work() as session:
                tending.leg_is_over(session, ctx.business, control_id)
            look_s = warm.LEG_OVER_S
    if look_s is not None:
        raise TryLater(look_s)
