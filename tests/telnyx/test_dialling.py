"""The dialler by Telnyx: a call is placed once, whatever becomes of the replies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from anyio.from_thread import start_blocking_portal
from sqlalchemy import select

from support.installation import Installation
from support.processes import eventually
from support.telnyx_house import API_KEY, CONNECTION, House, open_telnyx
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.domain.calls.models import Call
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.models import AttemptState, OutboundAttempt, OutboundItem
from trunkline.domain.outbound.options import install_limits, installed_limits
from trunkline.providers.ports import CallOrder, CallStatus, CarrierRefused, CarrierUncertain, HangUp
from trunkline.providers.telnyx import TelnyxCarrier
from trunkline.simulators.telnyx import Manner
from trunkline.simulators.telnyx.server import Fault

pytestmark = pytest.mark.hasty


@contextmanager
def opened(
    installation: Installation, world: World, *, bare_repeats: bool = False, timeout_s: float = 5
) -> Iterator[House]:
    """The house on a loop of its own: jobs want the main thread."""
    with (
        start_blocking_portal() as loop,
        loop.wrap_async_context_manager(
            open_telnyx(installation, world, bare_repeats=bare_repeats, timeout_s=timeout_s)
        ) as house,
    ):
        # One person is called: a run over the list would call three.
        install_limits(replace(installed_limits(), per_second=float("inf"), starts_per_minute=1_000))
        house.brain.scripts = [["Good morning.", HangUp("done")]] * 3
        yield house


def dial(house: House, *, detection: str = "heard") -> None:
    run = house.world.make_run(concurrency=1, machines={"detection": detection})
    with unit_of_work(house.world.scope) as session:
        outbound.start_run(session, house.world.business_id, run.id, actor="test")
    house.installation.run_jobs("high")


def attempts(house: House) -> list[OutboundAttempt]:
    with unit_of_work(house.world.scope) as session:
        return list(session.scalars(select(OutboundAttempt).order_by(OutboundAttempt.created_at)))


def work_until_over(house: House) -> list[str]:
    """Work the ledger until every lead is done with; return what became of them."""

    def items() -> list[OutboundItem]:
        house.installation.run_jobs("high")
        with unit_of_work(house.world.scope) as session:
            return list(session.scalars(select(OutboundItem).order_by(OutboundItem.position)))

    eventually(
        lambda: all(item.state in {"completed", "failed"} for item in items()), "the run is over", within_s=60
    )
    return [item.disposition or "" for item in items()]


def test_the_dialler_places_calls_and_hears_what_becomes_of_them(
    installation: Installation, acme: World
) -> None:
    with opened(installation, acme) as house:
        house.sim.exchange.people |= {
            acme.phones[1]: Manner.ENGAGED, acme.phones[2]: Manner.NEVER_ANSWERS,
        }  # fmt: skip
        dial(house, detection="carrier")
        dispositions = work_until_over(house)
        legs = list(house.sim.exchange.legs.values())
        orders = house.sim.exchange.dials
        assert [leg.to for leg in legs] == list(acme.phones)
        assert legs[0].actions == ["streaming_start", "hangup"]
        assert dispositions[1:] == ["busy", "no_answer"]
        with unit_of_work(acme.scope) as session:
            call = session.scalars(select(Call).where(Call.carrier_sid == legs[0].sid)).one()
        assert (call.carrier, call.direction, call.answered_by) == ("telnyx", "outbound", "human")
        assert call.end_reason == "done"
        assert all(order["answering_machine_detection"] == "greeting_end" for order in orders)
        # Each attempt has a key of its own.
        assert [order["command_id"] for order in orders] == [str(found.id) for found in attempts(house)]


@pytest.mark.parametrize("fault", [Fault.ERROR_AFTER, Fault.LOSE_REPLY, Fault.ERROR_BEFORE])
@pytest.mark.parametrize("bare_repeats", [False, True])
def test_an_order_in_doubt_is_sent_again_with_its_key_and_rings_once(
    installation: Installation, acme: World, fault: Fault, *, bare_repeats: bool
) -> None:
    with opened(installation, acme, bare_repeats=bare_repeats, timeout_s=1) as house:
        house.sim.faults.append(fault)
        dial(house)
        work_until_over(house)
        first = [order for order in house.sim.exchange.dials if order["to"] == acme.phones[0]]
        assert len(first) == (1 if fault is Fault.ERROR_BEFORE else 2)
        assert len({order["command_id"] for order in first}) == 1
        rung = [leg.to for leg in house.sim.exchange.legs.values()]
        assert sorted(rung) == sorted(acme.phones)
        # Whether or not the repetition named the call, it was bound: by the reply, or by its events.
        assert {found.state for found in attempts(house)} == {AttemptState.ENDED}
        assert len({found.carrier_sid for found in attempts(house)}) == 3


@pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.ERROR_BEFORE])
def test_a_second_call_that_could_not_be_hung_up_at_once_is_left_to_a_job(
    installation: Installation, acme: World, fault: Fault
) -> None:
    with opened(installation, acme) as house:
        house.brain.scripts = [["Good morning."]]
        dial(house)
        (order,) = house.sim.exchange.dials
        eventually(lambda: house.room.live.count == 1, "the first call talks")
        # It is told of twice, as rung and as answered; a command in doubt is sent again.
        refused = [fault] * (2 if fault is Fault.TOO_MANY else 4)
        house.sim.faults.extend([Fault.ERROR_AFTER, *refused])
        with pytest.raises(CarrierUncertain):
            house.carrier.place_call(
                CallOrder(
                    to=order["to"], from_=order["from"], answer_url="", status_url="", key="another",
                    events_url=order["webhook_url"],
                )
            )  # fmt: skip
        first, second = house.sim.exchange.legs.values()
        eventually(lambda: not house.sim.faults, "both events have been taken")
        assert second.ended is None

        def is_hung_up() -> bool:
            house.installation.run_jobs("high")
            return second.ended is not None

        eventually(is_hung_up, "the job has hung it up")
        assert first.ended is None


def test_a_call_that_a_job_could_not_hang_up_is_not_called_hung_up(
    installation: Installation, acme: World
) -> None:
    with opened(installation, acme) as house:
        house.brain.scripts = [["Good morning."]]
        dial(house)
        (leg,) = house.sim.exchange.legs.values()
        eventually(lambda: house.room.live.count == 1, "the call talks")
        house.sim.faults.append(Fault.TOO_MANY)
        with unit_of_work(acme.scope):
            enqueue_job("recordings", "hang_up_call", leg.sid, retry=1)
        house.installation.run_jobs("recordings")
        assert not house.sim.faults
        assert leg.ended is None
        assert (house.row(leg).state, house.row(leg).end_reason) == ("live", None)


def test_a_refusal_is_definite(installation: Installation, acme: World) -> None:
    with opened(installation, acme) as house:
        order = CallOrder(to="nobody", from_=acme.number, answer_url="", status_url="", key="k")
        with pytest.raises(CarrierRefused) as refused:
            house.carrier.place_call(order)
        assert (refused.value.code, refused.value.retry_after_s) == ("10016", None)
        house.sim.faults.append(Fault.TOO_MANY)
        with pytest.raises(CarrierRefused) as paced:
            house.carrier.place_call(order)
        assert (paced.value.code, paced.value.retry_after_s) == ("10011", 2.0)
        stranger = TelnyxCarrier(
            api_key="other", connection_id=CONNECTION, public_key=house.sim.public_key, events_url="",
            base_url=house.sim.base_url,
        )  # fmt: skip
        with pytest.raises(CarrierRefused) as unknown:
            stranger.place_call(replace(order, to=acme.phones[0]))
        stranger.close()
        assert (unknown.value.code, unknown.value.retry_after_s) == ("10009", 60.0)
        assert API_KEY not in str(unknown.value)
        assert house.sim.exchange.legs == {}


def test_a_call_is_shown_as_far_as_it_is_known(installation: Installation, acme: World) -> None:
    with opened(installation, acme) as house:
        house.sim.exchange.people[acme.phones[0]] = Manner.NEVER_ANSWERS
        order = CallOrder(
            to=acme.phones[0], from_=acme.number, answer_url="", status_url="", key="k",
            events_url=house.events_url,
        )  # fmt: skip
        sid = house.carrier.place_call(order)
        ringing = house.carrier.fetch_call(sid)
        assert ringing is not None
        assert ringing.status is CallStatus.RINGING
        leg = house.sim.exchange.legs[sid]
        eventually(lambda: leg.ended is not None, "it has rung out")
        over = house.carrier.fetch_call(sid)
        assert over is not None
        assert over.status is CallStatus.NO_ANSWER
        house.carrier.hang_up(sid)
        house.carrier.hang_up("v3:unknown")
        assert house.carrier.fetch_call("v3:unknown") is None
        with pytest.raises(CarrierUncertain):
            house.carrier.find_calls(to=acme.phones[0], from_=acme.number, since=leg.started_at)
