"""What tests of the dialler do again and again: a carrier that obeys, and steps of a run in one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from threading import Barrier
from typing import Any
from uuid import UUID

from sqlalchemy import select

from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.runs.models import Run
from trunkline.core.toolbox import ToolCaller
from trunkline.domain.calls import service as calls
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.selection import Whom
from trunkline.domain.outbound import hearing, run_store, service
from trunkline.domain.outbound.claim import Claim, Denied, claim_next
from trunkline.domain.outbound.models import OutboundAttempt, OutboundItem
from trunkline.domain.outbound.options import DialLimits, RunOptions, installed_limits
from trunkline.domain.tenants import service as tenants
from trunkline.kit.ids import new_id
from trunkline.providers.ports import CallOrder, CallReport, CallStatus, CarrierCall, CarrierCapabilities


@dataclass
class ListeningCarrier:
    """A carrier that does as it is told and remembers what it was asked."""

    answers: list[Exception] = field(default_factory=list)
    orders: list[CallOrder] = field(default_factory=list)
    listed: list[CarrierCall] = field(default_factory=list)
    hung_up: list[str] = field(default_factory=list)
    capabilities: CarrierCapabilities = field(
        default_factory=lambda: CarrierCapabilities(idempotency_key=False, lists_calls=True, hangs_up=True)
    )

    def place_call(self, order: CallOrder) -> str:
        self.orders.append(order)
        if self.answers:
            raise self.answers.pop(0)
        return f"CA{len(self.orders):032x}"

    def find_calls(self, *, to: str, from_: str, since: datetime) -> Sequence[CarrierCall]:
        return [call for call in self.listed if (call.to, call.from_) == (to, from_)]

    def hang_up(self, sid: str) -> None:
        self.hung_up.append(sid)

    def fetch_call(self, sid: str) -> CarrierCall | None:
        return next((call for call in self.listed if call.sid == sid), None)


def start(world: World, run: Run) -> None:
    with unit_of_work(world.scope) as session:
        service.start_run(session, world.business_id, run.id, actor="test")


def started(world: World, **options: Any) -> Run:
    run = world.make_run(**options)
    start(world, run)
    return run


def claim(world: World, limits: DialLimits | None = None) -> Claim | Denied:
    with unit_of_work(world.scope) as session:
        return claim_next(
            session, world.business_id, limits=limits or installed_limits(), job_id=new_id(), lease_epoch=1
        )


def items(world: World, run: Run) -> list[OutboundItem]:
    with unit_of_work(world.scope) as session:
        return list(run_store.items_of_run(session, world.business_id, run.id))


def attempts(world: World, run: Run) -> list[OutboundAttempt]:
    with unit_of_work(world.scope) as session:
        return list(run_store.attempts_of_run(session, world.business_id, run.id))


def report(world: World, attempt: OutboundAttempt, status: CallStatus, sid: str | None = None) -> None:
    with unit_of_work(world.scope) as session:
        hearing.hear_report(
            session, world.business_id, attempt.id,
            CallReport(
                sid=sid or attempt.carrier_sid or f"CA{attempt.id.hex}", status=status, to=attempt.phone,
                from_=attempt.from_number, direction="outbound-api",
            ),
        )  # fmt: skip


def limit(world: World, **columns: int) -> None:
    with unit_of_work(world.scope) as session:
        business = tenants.get_business(session, world.business_id)
        for name, value in columns.items():
            setattr(business, name, value)


def at_once(*claims: Callable[[], Claim | Denied]) -> list[Claim | Denied]:
    """Run these at the same moment on connections of their own."""
    gate = Barrier(len(claims))

    def go(one: Callable[[], Claim | Denied]) -> Claim | Denied:
        gate.wait(30)
        return one()

    with ThreadPoolExecutor(len(claims)) as pool:
        return list(pool.map(go, claims))


def lead_ids(world: World) -> list[UUID]:
    with unit_of_work(world.scope) as session:
        found = {lead.phone: lead.id for lead in session.scalars(select(Lead))}
    return [found[phone] for phone in world.phones]


def options(world: World, **values: object) -> RunOptions:
    return RunOptions.model_validate(
        {"agent_id": world.agent_id, "from_number": world.number, "concurrency": 1, **values}
    )


def run_over(world: World, *phones: str, **values: object) -> Run:
    """Make and start a run over chosen people."""
    ids = dict(zip(world.phones, lead_ids(world), strict=True))
    with unit_of_work(world.scope) as session:
        run = service.create_run(
            session, world.business_id, title="Chosen", whom=Whom(lead_ids=[ids[phone] for phone in phones]),
            options=options(world, **values), actor="test",
        )  # fmt: skip
    start(world, run)
    return run


def claimed(world: World) -> Claim:
    answer = claim(world)
    assert isinstance(answer, Claim), answer
    return answer


def answered(world: World, run: Run) -> tuple[UUID, ToolCaller]:
    """Let the run's newest dial be answered, and its media be there."""
    dial = attempts(world, run)[-1]
    report(world, dial, CallStatus.IN_PROGRESS)
    with unit_of_work(world.scope) as session:
        call = next(c for c in calls.list_calls(session, world.business_id, limit=9)[0])
        calls.spend_media_token(session, world.business_id, call.id)
        return call.id, ToolCaller(world.business_id, call.id, world.agent_id, call.lead_id, dial.phone)


def told(world: World, call_id: UUID, disposition: str) -> None:
    with unit_of_work(world.scope) as session:
        calls.finalize(session, world.business_id, call_id, end_reason="goodbye", disposition=disposition)
