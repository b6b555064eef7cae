"""Fifty dials live at once, some of them in the middle of a step, when a person cancels or pauses."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from sqlalchemy import func, select

from support.api_client import Api
from support.dial_judge import attempt_of_order
from support.processes import eventually, kill
from support.system import ACCOUNT, FINAL_ITEM_STATES, TOKEN, System
from support.world import World
from support.zygote import Worker
from trunkline.core.db import unit_of_work
from trunkline.domain.leads.selection import Whom, people_of
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.models import OutboundAttempt
from trunkline.domain.outbound.options import Breaker, RunOptions
from trunkline.providers.twilio import TwilioCarrier

_RUNS, _LINES, _LEADS = 5, 10, 12
_LIVE = _RUNS * _LINES
_PATIENT = {"ring_timeout_seconds": 600, "longest_call_seconds": 600, "lease_seconds": 60.0}
"""Lines ring until they are hung up, and a dial that stands still keeps its lease."""
_FROZEN_AT = ("dial.committed", "dial.before_post", "dial.posted")
_TO_RING_YET = 1
"""Of those frozen, the one that is about to ask the carrier; the first is taken back, the last rings."""


@pytest.fixture
def rooms() -> Iterator[ExitStack]:
    """What is entered here is left when the test is over."""
    with ExitStack() as stack:
        yield stack


@dataclass(slots=True)
class Fifty:
    """A business whose five runs have ten dials each, three of them not finished."""

    system: System
    world: World
    api: Api
    runs: list[UUID]
    frozen: list[Worker] = field(default_factory=list)

    def dials(self) -> dict[str, OutboundAttempt]:
        """Every attempt by its id, as committed now."""
        with unit_of_work(self.world.scope) as session:
            return {str(row.id): row for row in session.scalars(select(OutboundAttempt))}

    def unresolved(self) -> int:
        with unit_of_work(self.world.scope) as session:
            query = select(func.count()).where(OutboundAttempt.state.not_in(["ended", "rejected"]))
            return session.scalar(query) or 0

    def ordered(self) -> set[str]:
        """The attempts that the carrier was asked for."""
        page = self.system.slow_carrier.page_of(self.world.phones)
        return {attempt_of_order(order["form"]) for order in page.creates}

    def thaw(self) -> None:
        """Let those go on that stand still, to the end of the job that they are at."""
        for worker in self.frozen:
            kill(worker.pid, signal.SIGCONT)

    def hang_up(self) -> None:
        """The people at the other end have had enough: every line is put down."""
        carrier = TwilioCarrier(ACCOUNT, TOKEN, self.system.slow_carrier.base_url)
        for call in self.system.slow_carrier.page_of(self.world.phones).calls:
            if call["ended_at"] is None:
                carrier.hang_up(call["sid"])

    def see_the_end(self) -> None:
        eventually(
            lambda: {item["state"] for run in self.runs for item in self.api.items(run)} <= FINAL_ITEM_STATES,
            "every item is over", within_s=60,
        )  # fmt: skip

    def at_once(self, verb: str, **body: bool) -> list[dict[str, object]]:
        """Ask for this of all runs at the same time, and return the answers."""
        with ThreadPoolExecutor(_RUNS) as people:
            replies = list(people.map(lambda run: self.api.post(f"/api/runs/{run}/{verb}", body), self.runs))
        return [reply.raise_for_status().json() for reply in replies]


@pytest.fixture
def fifty(system: System, rooms: ExitStack) -> Fifty:
    """Fifty dials, of which forty-eight ring, one is about to, and one has not got as far."""
    carrier = system.slow_carrier
    world = system.world("no_answer", size=_RUNS * _LEADS, lines=_LIVE, carrier=carrier)
    with unit_of_work(world.scope) as session:
        leads = [
            row.id for row in session.execute(people_of(session, world.business_id, Whom(world.list_id)))
        ]
        runs = [
            outbound.create_run(
                session, world.business_id, title="Ten lines", actor="test",
                options=RunOptions(
                    agent_id=world.agent_id, from_number=world.number, concurrency=_LINES,
                    breaker=Breaker(share=1),
                ),
                whom=Whom(lead_ids=leads[number * _LEADS : (number + 1) * _LEADS]),
            ).id
            for number in range(_RUNS)
        ]  # fmt: skip
    found = Fifty(system, world, rooms.enter_context(system.signed_in(world)), runs)
    for barrier in _FROZEN_AT:
        found.frozen.append(
            system.start_worker(
                barrier=barrier, nth=3, number=signal.SIGSTOP, carrier=carrier, settings=_PATIENT
            )
        )
    assert {found.api.start(run).status_code for run in runs} == {202}
    for worker in found.frozen:
        worker.wait_until_stopped(within_s=60)
    system.start_worker(carrier=carrier, settings=_PATIENT)
    eventually(lambda: found.unresolved() == _LIVE, "fifty dials are live", within_s=60)
    eventually(
        lambda: len(carrier.page_of(world.phones).rang) == _LIVE - 2, "all but two of them ring", within_s=60
    )
    return found


@pytest.mark.parametrize("force", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_what_rings_after_fifty_live_calls_are_cancelled_was_committed_and_counted_before(
    fifty: Fifty, force: bool
) -> None:
    answers = fifty.at_once("cancel", force=force)
    known = fifty.dials()
    asked_before = fifty.ordered()
    fifty.thaw()
    eventually(
        lambda: len(fifty.ordered()) == len(asked_before) + _TO_RING_YET, "the last dial is made", within_s=30
    )
    if not force:
        # Nobody else hangs up on them: every line goes on ringing.
        assert fifty.unresolved() >= _LIVE - len(_FROZEN_AT)
        fifty.hang_up()
    fifty.see_the_end()
    eventually(lambda: fifty.system.jobs_at_rest(fifty.world), "no job is left", within_s=60)

    assert sum(int(str(answer["calls_in_flight"])) for answer in answers) == _LIVE == len(known)
    assert sum(int(str(answer["items_cancelled"])) for answer in answers) == _RUNS * _LEADS - _LIVE
    assert fifty.dials().keys() == known.keys()
    assert fifty.ordered() <= known.keys()
    page = fifty.system.slow_carrier.page_of(fifty.world.phones)
    assert page.rang <= {row.phone for row in known.values()}
    assert len(page.rang) == _LIVE - 1
    assert page.most_rings == 1
    assert {call["ended_by"] for call in page.calls} == {"api"}
    assert {fifty.api.run(run)["state"] for run in fifty.runs} == {"cancelled"}


@pytest.mark.soak
def test_a_pause_with_fifty_live_calls_begins_no_dial_and_a_resume_goes_on(fifty: Fifty) -> None:
    fifty.at_once("pause")
    known = fifty.dials()
    fifty.thaw()
    # Every line that is put down is one that a run would dial on, were it not paused.
    eventually(lambda: len(fifty.ordered()) == _LIVE - 1, "the last dial is made", within_s=60)
    fifty.hang_up()
    eventually(lambda: fifty.unresolved() == 0, "what rang is over", within_s=60)
    eventually(
        lambda: fifty.system.jobs_at_rest(fifty.world, but="sweep_outbound"), "no job is left", within_s=30
    )
    assert fifty.dials().keys() == known.keys()
    assert {fifty.api.run(run)["state"] for run in fifty.runs} == {"paused"}

    fifty.at_once("resume")
    waiting = _RUNS * _LEADS - _LIVE + 1
    eventually(lambda: len(fifty.dials()) == len(known) + waiting, "the others are dialled", within_s=60)
    eventually(lambda: len(fifty.ordered()) == _LIVE - 1 + waiting, "they ring", within_s=60)
    fifty.hang_up()
    fifty.see_the_end()
    page = fifty.system.slow_carrier.page_of(fifty.world.phones)
    assert page.rang == set(fifty.world.phones)
    assert page.most_rings == 1
    assert page.double_dials == []
