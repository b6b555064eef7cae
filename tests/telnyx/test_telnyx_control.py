"""Call control by Telnyx: what its commands can do is done, and what they cannot is refused."""

from __future__ import annotations

import pytest

from control.theatre import Use
from simulators.product import until
from support.telnyx_house import NOBODY, OFFICE, PICKED_UP, House, person
from trunkline.core.db import unit_of_work
from trunkline.core.errors import Conflict
from trunkline.domain.control import service as control
from trunkline.domain.control.models import Verb
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.extensions import WhenFull
from trunkline.simulators.telnyx.server import Fault
from trunkline.web.sentences import BACK_AGAIN, NOBODY_THERE

pytestmark = pytest.mark.hasty


async def test_an_agent_hands_the_caller_on(house: House) -> None:
    house.brain.scripts = [["I will put you through.", Use("transfer_call", {"to": "Office"})]]
    leg = house.phone_in()
    call = await house.over(leg)
    # The stream had been closed by us, so there was none to stop.
    assert leg.actions == [*PICKED_UP, "transfer"]
    assert leg.other is not None
    assert (leg.other.to, leg.other.from_) == (OFFICE, house.world.number)
    assert "call.bridged" in leg.events
    assert (call.state, call.disposition, call.end_reason) == ("ended", "transferred", "transferred")
    (act,) = house.controls(leg)
    assert (act.verb, act.state, act.target) == ("transfer", "done", OFFICE)
    assert act.data["status"] == "completed"


async def test_a_caller_whom_nobody_takes_gets_the_agent_back(house: House) -> None:
    house.brain.scripts = [
        ["Let me see who is there.", Use("transfer_call", {"to": "102"})],
        ["It is me again.", Use("hang_up")],
    ]
    leg = house.phone_in()
    call = await house.over(leg)
    assert leg.actions == [*PICKED_UP, "transfer", "streaming_start", "hangup"]
    assert leg.other is not None
    assert (leg.other.to, leg.other.ended) == (NOBODY, "timeout")
    assert house.brain.briefs[1].greeting == NOBODY_THERE["en"]
    assert [(act.verb, act.state) for act in house.controls(leg)] == [
        ("transfer", "failed"), ("hang_up", "done"),
    ]  # fmt: skip
    assert (call.end_reason, call.away, call.media_spent) == ("agent_hung_up", None, 2)


async def test_a_person_holds_a_call_and_resumes_it(house: House) -> None:
    house.brain.scripts = [["Hello. " * 20], ["Here I am.", Use("hang_up")]]
    leg = house.phone_in()
    call_id = await house.live(leg)
    async with person(house) as client:
        assert (await client.post(f"/api/calls/{call_id}/hold")).status_code == 200
        assert leg.actions == [*PICKED_UP, "playback_start", "streaming_stop"]
        assert leg.commands[2][1]["loop"] == "infinity"
        heard = leg.telephone.heard_frames
        await until(lambda: leg.telephone.heard_frames > heard + 20)
        assert (await client.post(f"/api/calls/{call_id}/resume")).status_code == 200
        call = await house.over(leg)
    assert leg.actions[4:] == ["playback_stop", "streaming_start", "hangup"]
    assert house.brain.briefs[1].greeting == BACK_AGAIN["en"]
    assert call.end_reason == "agent_hung_up"


async def test_a_persons_keys_go_down_the_line_and_the_agent_comes_back(house: House) -> None:
    house.brain.scripts = [["Hello. " * 20], ["Here I am.", Use("hang_up")]]
    leg = house.phone_in()
    call_id = await house.live(leg)
    async with person(house) as client:
        sent = await client.post(f"/api/calls/{call_id}/digits", json={"digits": "12#"})
        assert sent.status_code == 200
    call = await house.over(leg)
    assert leg.telephone.tones == "12#"
    assert (call.media_spent, call.end_reason) == (2, "agent_hung_up")


async def test_a_message_is_spoken_and_the_call_ends(house: House) -> None:
    house.brain.scripts = [["Hello. " * 20]]
    leg = house.phone_in()
    call_id = await house.live(leg)
    async with person(house) as client:
        body = {"message": "Please call us back."}
        assert (await client.post(f"/api/calls/{call_id}/drop-message", json=body)).status_code == 200
    call = await house.over(leg)
    assert leg.actions == [*PICKED_UP, "speak", "streaming_stop", "hangup"]
    assert leg.commands[2][1]["payload"] == "Please call us back."
    assert call.end_reason == "message_dropped"


async def test_a_person_hangs_up(house: House) -> None:
    house.brain.scripts = [["Hello. " * 20]]
    leg = house.phone_in()
    call_id = await house.live(leg)
    async with person(house) as client:
        assert (await client.post(f"/api/calls/{call_id}/hang-up")).status_code == 200
    await house.over(leg)
    assert leg.actions[-1] == "hangup"


async def test_a_transfer_that_is_refused_leaves_the_call_with_its_agent(house: House) -> None:
    house.brain.scripts = [["Hello. " * 10, Use("hang_up")]]
    leg = house.phone_in()
    call_id = await house.live(leg)
    house.sim.faults.append(Fault.TOO_MANY)
    async with person(house) as client:
        refused = await client.post(f"/api/calls/{call_id}/transfer", json={"to": OFFICE})
    assert refused.status_code == 409
    assert "refused" in refused.json()["error"]["message"]
    # And the agent goes on to the end of its own, at which the carrier is told what is next.
    call = await house.over(leg)
    assert leg.actions == [*PICKED_UP, "hangup"]
    assert call.end_reason == "agent_hung_up"


async def test_a_hang_up_that_is_refused_is_no_end_of_the_call(house: House) -> None:
    house.brain.scripts = [["What can I do for you?"]]
    leg = house.phone_in()
    call_id = await house.live(leg)
    house.sim.faults.append(Fault.TOO_MANY)
    async with person(house) as client:
        assert (await client.post(f"/api/calls/{call_id}/hang-up")).status_code == 409
    assert (house.row(leg).state, house.row(leg).end_reason) == ("live", None)
    await house.sim.exchange.person_hangs_up(leg)
    call = await house.over(leg)
    assert (call.end_reason, call.disposition) == ("stop", "no_response")


async def test_an_agents_transfer_that_is_refused_brings_the_agent_back(house: House) -> None:
    house.brain.scripts = [["One moment.", Use("transfer_call", {"to": "101"})], ["Sorry.", Use("hang_up")]]
    leg = house.phone_in()
    await house.live(leg)
    house.sim.faults.append(Fault.TOO_MANY)
    call = await house.over(leg)
    assert leg.actions == [*PICKED_UP, "streaming_start", "hangup"]
    assert [(act.verb, act.state) for act in house.controls(leg)] == [
        ("transfer", "failed"), ("hang_up", "done"),
    ]  # fmt: skip
    assert call.end_reason == "agent_hung_up"


@pytest.mark.parametrize("fault", [Fault.ERROR_AFTER, Fault.ERROR_BEFORE])
async def test_a_command_in_doubt_is_sent_again_and_carried_out_once(house: House, fault: Fault) -> None:
    house.brain.scripts = [["Bye.", Use("hold_call", {"seconds": 5})], ["Here I am.", Use("hang_up")]]
    leg = house.phone_in()
    await house.live(leg)
    house.sim.faults.append(fault)
    call = await house.over(leg, 40)
    assert leg.actions.count("playback_start") == 1
    assert leg.ignored.count("playback_start") == (1 if fault is Fault.ERROR_AFTER else 0)
    assert call.end_reason == "agent_hung_up"


async def test_what_this_carrier_has_not_is_refused(house: House) -> None:
    house.brain.scripts = [["Hello. " * 20]]
    leg = house.phone_in()
    call_id = await house.live(leg)
    with unit_of_work(house.world.scope) as session:
        offered = control.possible_acts(session, house.world.business_id, call_id)
    assert offered == ["transfer", "hold", "send_digits", "drop_message", "hang_up"]
    with unit_of_work(house.world.scope) as session, pytest.raises(Conflict, match="carrier cannot do this"):
        control.ask(session, house.world.business_id, call_id, Verb.WARM_TRANSFER, actor="test", to="Office")
    await house.sim.exchange.person_hangs_up(leg)
    await house.over(leg)


async def test_without_recordings_a_full_line_gets_the_sentence(house: House) -> None:
    with unit_of_work(house.world.scope) as session:
        business = tenants.get_business(session, house.world.business_id)
        business.max_calls, business.when_full = 0, WhenFull.VOICEMAIL
    leg = house.phone_in()
    await until(lambda: leg.ended is not None)
    assert leg.actions == ["answer", "speak", "hangup"]


async def test_nobody_is_offered_what_the_carrier_cannot_do(house: House) -> None:
    house.brain.scripts = [["Hello. " * 20]]
    leg = house.phone_in()
    call_id = await house.live(leg)
    tools = {tool.name for tool in house.brain.briefs[0].tools}
    assert "transfer_call" in tools
    assert "warm_transfer" not in tools
    async with person(house) as client:
        possible = (await client.get(f"/api/calls/{call_id}/controls/possible")).json()
        assert "transfer" in possible
        assert "warm_transfer" not in possible
        refused = await client.post(f"/api/calls/{call_id}/warm-transfer", json={"to": OFFICE})
        assert (refused.status_code, refused.json()["error"]["data"]["carrier"]) == (409, "telnyx")
    await house.sim.exchange.person_hangs_up(leg)
    await house.over(leg)
