"""The workers' door to outbound: dialling, going on after a call, tending runs, asking the carrier."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from trunkline.core import registry
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import NotFound, RunAlreadyActive, TooManyRequests
from trunkline.core.jobs import JobContext, TryLater, enqueue_unique, job
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls import service as calls
from trunkline.domain.outbound import dialling, hearing, machines, orders, service, store, tending
from trunkline.domain.outbound.claim import Claim, Denied, claim_next
from trunkline.domain.outbound.models import AttemptState, OutboundAttempt
from trunkline.domain.outbound.options import installed_limits
from trunkline.domain.tenants import service as tenants
from trunkline.kit import barriers, clock
from trunkline.providers.ports import CallOrder, CallReport, Carrier, CarrierRefused, CarrierUncertain

_RECONCILE_DELAYS_S = (5.0, 15.0, 60.0, 300.0, 1_800.0, 3_600.0)

_DIALLING_S = 15.0
"""How long one job goes on beginning dials; with the slowest answer after it, well within its timeout."""

_BUSY_LIST_S = 60.0
"""How long a scheduled run waits for another run over its list before it tries again."""

_SKEW = timedelta(seconds=2)
"""How far the carrier's clock may be behind ours when it dates a call."""

log = get_logger(__name__)


@job(queue="high", timeout=60, retries=2)
def dial_next(ctx: JobContext) -> None:
    """Dial for the business, one item after another, until something denies the next."""
    limits = installed_limits()
    ends = time.monotonic() + _DIALLING_S
    while True:
        ctx.check_cancelled()
        if time.monotonic() > ends:
            # The rest is another job's: no dial is begun that the job's own timeout could cut short.
            with ctx.unit_of_work():
                enqueue_unique("high", dial_next, f"more:{ctx.job_id}")
            return
        with ctx.unit_of_work() as session:
            claimed = claim_next(
                session, ctx.business, limits=limits, job_id=ctx.job_id, lease_epoch=ctx.lease_epoch
            )
            if isinstance(claimed, Denied) and claimed.retry_at is not None:
                # One job for each moment at which a dial may be made, whoever asks for it.
                enqueue_unique(
                    "high", dial_next, f"at:{claimed.retry_at.isoformat()}",
                    run_in=max(0.0, (claimed.retry_at - clock.now()).total_seconds()),
                )  # fmt: skip
        if isinstance(claimed, Denied):
            if claimed.reason == "set_aside":
                continue
            log.debug("dial_denied", reason=claimed.reason)
            if claimed.gives_way_to is not None:
                _wake(claimed.gives_way_to)
            return
        barriers.reached("dial.committed")
        _dial(ctx, claimed)


@job(queue="high", timeout=60, retries=2)
def release_and_process_next(ctx: JobContext, run: str) -> None:
    """A call of the run has ended: see whether it is done, and dial on."""
    with ctx.unit_of_work() as session:
        tending.finish_if_done(session, ctx.business, UUID(run))
    dial_next(ctx)


@job(queue="high", timeout=60, retries=3)
def hear_call_outcome(ctx: JobContext, call_id: str) -> None:
    """A conversation has been written down: its lead is done with, or called again."""
    with ctx.unit_of_work() as session:
        hearing.hear_outcome(session, ctx.business, UUID(call_id))


@job(queue="high", timeout=60, retries=3)
def start_scheduled_run(ctx: JobContext, run: str, starts_at: str) -> None:
    """Start a run whose moment has come; while its list is worked on by another, wait for that."""
    try:
        with ctx.unit_of_work() as session:
            service.start_if_due(session, ctx.business, UUID(run), datetime.fromisoformat(starts_at))
    except RunAlreadyActive as error:
        raise TryLater(_BUSY_LIST_S) from error
    except TooManyRequests as error:
        raise TryLater(error.data["retry_after_s"]) from error


@job(queue="high", timeout=60, retries=3)
def sweep_outbound(ctx: JobContext, run: str) -> None:
    """Push a running run on; enqueued every few seconds for every running run."""
    with ctx.unit_of_work() as session:
        tending.tend_run(session, ctx.business, UUID(run), limits=installed_limits())


@job(queue="high", timeout=60, retries=3)
def reconcile_attempt(ctx: JobContext, attempt: str) -> None:
    """Ask the carrier what became of an attempt; ask again, ever later, until the fence comes down."""
    attempt_id, limits = UUID(attempt), installed_limits()
    with ctx.unit_of_work() as session:
        row = session.get(OutboundAttempt, attempt_id)
    if row is None or row.released or row.state in {AttemptState.ENDED, AttemptState.REJECTED}:
        return
    with ctx.unit_of_work() as session:
        name = calls.carrier_of_sid(session, ctx.business, row.carrier_sid or "")
        name = name or tenants.carrier_of(session, ctx.business)
    carrier = registry.carrier(name)
    found, is_answered = None, True
    try:
        found = _find(ctx, carrier, row)
    except (CarrierUncertain, CarrierRefused) as error:
        log.warning("reconcile_unanswered", attempt_id=attempt, error=str(error))
        is_answered = False
    barriers.reached("reconcile.asked")
    if found is None and is_answered and clock.now() - row.created_at > limits.longest_life:
        with ctx.unit_of_work() as session:
            dialling.lose(session, ctx.business, attempt_id)
    if found is not None:
        with ctx.unit_of_work() as session:
            hearing.hear_report(session, ctx.business, attempt_id, found, carrier=name)
        if found.status.is_final:
            return
    age = clock.now() - row.created_at
    if age < limits.fence:
        raise TryLater(_reconcile_delay_s(age.total_seconds()))


@job(queue="high", timeout=60, retries=3)
def hang_up_call(ctx: JobContext, sid: str, attempt: str | None = None) -> None:
    """End a live call at the carrier; its terminal callback does the rest.

    `attempt` is the one that a signed report named with this call: the second call of an attempt is bound
    to none, and not every carrier shows by which number it goes. Raises NotFound for a call that is not
    this business's.
    """
    ctx.check_cancelled()
    with ctx.unit_of_work() as session:
        name = calls.carrier_of_sid(session, ctx.business, sid)
        is_ours = name is not None or store.is_bound(session, ctx.business, sid)
        if not is_ours and attempt is not None:
            named = store.attempt_for_update(session, ctx.business, UUID(attempt))
            is_ours = named is not None
            if named is not None and named.carrier_sid is not None:
                name = calls.carrier_of_sid(session, ctx.business, named.carrier_sid)
        if not is_ours:
            raise NotFound("There is no such call.")
        carrier = registry.carrier(name or tenants.carrier_of(session, ctx.business))
        is_noted = calls.note_hang_up(session, ctx.business, sid)
    try:
        carrier.hang_up(sid)
    except CarrierRefused:
        if is_noted:
            with ctx.unit_of_work() as session:
                calls.take_back_hang_up(session, ctx.business, sid)
        raise


@job(queue="high", timeout=60, retries=3)
def recheck_waiting(ctx: JobContext) -> None:
    """The business's calling rules have changed: judge those anew whom a rule lets wait."""
    changed_at, there_are_more = clock.now(), True
    while there_are_more:
        ctx.check_cancelled()
        with ctx.unit_of_work() as session:
            there_are_more = service.recheck_waiting(session, ctx.business, changed_at=changed_at)


@job(queue="maintenance", timeout=60, retries=3)
def tend_businesses(ctx: JobContext) -> None:
    """See to what no running run does, business by business: old fences, and starts that were missed."""
    with ctx.unit_of_work() as session:
        businesses = [business.id for business in tenants.list_businesses(session)]
    for business_id in businesses:
        with unit_of_work(of_business(business_id)) as session:
            store.release_old_unknowns(
                session, business_id, fenced_since=clock.now() - installed_limits().fence
            )
            service.enqueue_missed_starts(session, business_id)


def _wake(business_id: UUID) -> None:
    """Let another business, which has waited longer, have the line that is free."""
    with unit_of_work(of_business(business_id)):
        enqueue_unique("high", dial_next, "line")


def _dial(ctx: JobContext, claim: Claim) -> None:
    """POST once and record what came of it. No transaction is open meanwhile."""
    with ctx.unit_of_work() as session:
        if not dialling.run_allows(session, ctx.business, claim.run_id, claim.attempt_id):
            return
        name = tenants.carrier_of(session, ctx.business)
        carrier = registry.carrier(name)
        detects_machines = machines.asks_carrier(session, ctx.business, claim.run_id, carrier.capabilities)
    order = orders.order_of(ctx.business, claim, detects_machines=detects_machines, carrier=name)
    barriers.reached("dial.before_post")
    try:
        sid = _place(carrier, order)
    except CarrierRefused as refusal:
        with ctx.unit_of_work() as session:
            dialling.refuse(
                session,
                ctx.business,
                claim.attempt_id,
                account=installed_limits().account,
                error=f"{refusal.code}: {refusal}",
                retry_after_s=refusal.retry_after_s,
            )
        log.warning("dial_refused", attempt_id=str(claim.attempt_id), code=refusal.code)
    except CarrierUncertain as doubt:
        with ctx.unit_of_work() as session:
            dialling.leave_unknown(session, ctx.business, claim.attempt_id, error=str(doubt))
        log.warning("dial_unknown", attempt_id=str(claim.attempt_id), error=str(doubt))
    else:
        barriers.reached("dial.posted")
        with ctx.unit_of_work() as session:
            dialling.bind(session, ctx.business, claim.attempt_id, sid=sid)
            hearing.hang_up_if_forced(session, ctx.business, claim.run_id, claim.attempt_id, sid)
    barriers.reached("dial.recorded")


def _place(carrier: Carrier, order: CallOrder) -> str:
    """Order a call once; of a carrier that knows the order again by its key, a second time when in doubt."""
    if carrier.capabilities.idempotency_key:
        with suppress(CarrierUncertain):
            return carrier.place_call(order)
    return carrier.place_call(order)


def _find(ctx: JobContext, carrier: Carrier, attempt: OutboundAttempt) -> CallReport | None:
    """Return what the carrier knows of the attempt's call. Raises CarrierUncertain."""
    if attempt.carrier_sid is not None:
        call = carrier.fetch_call(attempt.carrier_sid)
        return None if call is None else hearing.report_of_listing(call.sid, call.status, attempt)
    if not carrier.capabilities.lists_calls:
        return None
    listed = carrier.find_calls(to=attempt.phone, from_=attempt.from_number, since=attempt.created_at - _SKEW)
    with ctx.unit_of_work() as session:
        for call in listed:
            if not store.is_bound(session, ctx.business, call.sid):
                return hearing.report_of_listing(call.sid, call.status, attempt)
    return None


def _reconcile_delay_s(age_s: float) -> float:
    """Return how long to wait before asking about an attempt of this age again."""
    asked_until = 0.0
    for delay in _RECONCILE_DELAYS_S:
        asked_until += delay
        if age_s < asked_until:
            return delay
    return _RECONCILE_DELAYS_S[-1]
