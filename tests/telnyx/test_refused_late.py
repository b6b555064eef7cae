"""While a carrier takes its time to refuse something, the call goes on: what happens then is not undone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest

from control.theatre import Use
from simulators.product import until
from support.telnyx_house import NOBODY, OFFICE, PICKED_UP, House, person
from trunkline.domain.control.places import command_key
from trunkline.providers.ports import Answer
from trunkline.providers.telnyx import TelnyxCarrier
from trunkline.simulators.telnyx.server import Fault

pytestmark = pytest.mark.hasty


class Slow:
    """One request to the carrier waits here until it is let go, and is refused then."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.reached, self._go = threading.Event(), threading.Event()
        self._redirect = TelnyxCarrier.redirect

    def redirect(self, carrier: TelnyxCarrier, sid: str, answer: Answer, *, key: UUID | None = None) -> None:
        if not self.reached.is_set():
            self.reached.set()
            assert self._go.wait(30)
        self._redirect(carrier, sid, answer, key=key)

    def refuse(self) -> None:
        self._house.sim.faults.append(Fault.TOO_MANY)
        self._go.set()


@contextmanager
def slow(house: House) -> Iterator[Slow]:
    first = Slow(house)
    with pytest.MonkeyPatch.context() as patch:

        def redirect(carrier: TelnyxCarrier, sid: str, answer: Answer, *, key: UUID | None = None) -> None:
            first.redirect(carrier, sid, answer, key=key)

        patch.setattr(TelnyxCarrier, "redirect", redirect)
        yield first


async def test_a_transfer_that_came_between_stands(house: House) -> None:
    house.brain.scripts = [["Hello. " * 20], ["Here I am.", Use("hang_up")]]
    leg = house.phone_in()
    call_id = await house.live(leg)
    async with person(house) as client, person(house) as other:
        with slow(house) as first:
            holding = asyncio.create_task(client.post(f"/api/calls/{call_id}/hold"))
            await until(first.reached.is_set)
            handed = await other.post(f"/api/calls/{call_id}/transfer", json={"to": NOBODY})
            assert handed.status_code == 202
            first.refuse()
            assert (await holding).status_code == 409
    assert house.row(leg).away not in {None, "on_hold"}
    # And what the carrier tells of the colleague is not late: the caller gets the agent back.
    call = await house.over(leg)
    assert leg.actions == [*PICKED_UP, "transfer", "streaming_stop", "streaming_start", "hangup"]
    assert (call.media_spent, call.end_reason) == (2, "agent_hung_up")
    assert [(act.verb, act.state) for act in house.controls(leg)] == [
        ("hold", "failed"), ("transfer", "failed"), ("hang_up", "done"),
    ]  # fmt: skip


async def test_an_agent_that_has_ended_its_stretch_meanwhile_is_heard(house: House) -> None:
    house.brain.scripts = [["Hello. " * 4, Use("hang_up")]]
    leg = house.phone_in()
    call_id = await house.live(leg)
    async with person(house) as client:
        with slow(house) as first:
            holding = asyncio.create_task(client.post(f"/api/calls/{call_id}/hold"))
            await until(first.reached.is_set)
            await until(lambda: house.room.is_empty, 60)
            await until(lambda: any("missed" in act.data for act in house.controls(leg)))
            assert leg.ended is None
            first.refuse()
            assert (await holding).status_code == 409
    # Nobody else would tell the carrier: the caller would wait in silence.
    call = await house.over(leg)
    assert leg.actions == [*PICKED_UP, "hangup"]
    assert {act.verb: act.state for act in house.controls(leg)} == {"hang_up": "failed", "hold": "failed"}
    assert call.state == "ended"


async def test_two_refusals_leave_the_call_as_it_was(house: House) -> None:
    """Also for as long as it was, and with keys that the carrier has not had."""
    house.brain.scripts = [["Hello. " * 20, Use("hang_up")]]
    leg = house.phone_in()
    call_id = await house.live(leg)
    before = house.row(leg)
    async with person(house) as client, person(house) as other:
        with slow(house) as first:
            holding = asyncio.create_task(client.post(f"/api/calls/{call_id}/hold"))
            await until(first.reached.is_set)
            house.sim.faults.append(Fault.TOO_MANY)
            handed = await other.post(f"/api/calls/{call_id}/transfer", json={"to": OFFICE})
            assert handed.status_code == 409
            first.refuse()
            assert (await holding).status_code == 409
    after = house.row(leg)
    assert after.away is None
    assert before.live_until is not None
    assert after.live_until is not None
    assert abs(after.live_until - before.live_until) < timedelta(seconds=5)
    assert command_key(after) != command_key(before)
    call = await house.over(leg)
    assert leg.actions == [*PICKED_UP, "hangup"]
    assert call.end_reason == "agent_hung_up"
