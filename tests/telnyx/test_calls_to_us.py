"""Calls to us by Telnyx over its real wire: answered by the agent, interrupted, keyed, ended, turned away."""

from __future__ import annotations

import math
import struct

import pytest

from control.theatre import Use
from simulators.product import until
from support.telnyx_house import CALLER, House
from trunkline.core.db import unit_of_work
from trunkline.domain.tenants import service as tenants
from trunkline.kit.audio import pcm_to_ulaw
from trunkline.providers.ports import HangUp, Listen
from trunkline.providers.telnyx.wire import HangupCause

pytestmark = pytest.mark.hasty

SHOUT = pcm_to_ulaw(struct.pack("<8000h", *(int(12_000 * math.sin(i / 3)) for i in range(8_000))))


async def test_a_caller_gets_the_agent_and_the_agent_hangs_up(house: House) -> None:
    house.brain.scripts = [["Good morning.", HangUp("done")]]
    leg = house.phone_in()
    call = await house.over(leg)
    assert leg.actions == ["answer", "streaming_start", "hangup"]
    assert leg.troubles == []
    assert (call.carrier, call.state, call.direction) == ("telnyx", "ended", "inbound")
    assert (call.ours, call.theirs) == (house.world.number, CALLER)
    assert (call.end_reason, leg.ended) == ("done", HangupCause.NORMAL)
    # The goodbye was heard out: what is on record as heard is what the telephone heard.
    (said,) = house.told(leg, "agent_said")
    assert (said["heard_text"], said["interrupted"]) == ("Good morning.", False)
    assert leg.telephone.heard_frames == pytest.approx(len("Good morning.") * 3, abs=4)
    assert leg.streams[0].marks > 0


async def test_a_caller_who_speaks_over_the_agent_clears_what_was_not_heard(house: House) -> None:
    house.brain.scripts = [["Hello. " * 30]]
    leg = house.phone_in()
    await house.live(leg)
    await until(lambda: leg.telephone.heard_frames > 60)
    leg.telephone.say(SHOUT)
    call = await house.over(leg)
    assert leg.streams[0].clears >= 1
    assert leg.streams[0].agent_bytes_cleared > 0
    (said, *_) = house.told(leg, "agent_said")
    assert said["interrupted"]
    assert 0 < len(said["heard_text"]) < len(said["text"])
    assert call.end_reason == "heard_enough"


async def test_keys_of_the_caller_come_in(house: House) -> None:
    prompt = "Key in your number."
    house.brain.scripts = [[prompt, Listen(None, digits=6)]]
    leg = house.phone_in()
    await until(lambda: leg.telephone.heard_frames >= len(prompt) * 3 - 1)
    leg.telephone.press("42#")
    call = await house.over(leg)
    assert house.told(leg, "digits") == [{"digits": "42"}]
    assert call.end_reason == "heard_enough"


async def test_a_caller_who_hangs_up_ends_the_call(house: House) -> None:
    house.brain.scripts = [["Hello. " * 30]]
    leg = house.phone_in()
    await house.live(leg)
    await house.sim.exchange.person_hangs_up(leg)
    call = await house.over(leg)
    assert (call.state, call.end_reason) == ("ended", "stop")
    # Nothing more was asked of a call that is over.
    assert leg.actions == ["answer", "streaming_start"]


async def test_a_stream_that_breaks_off_ends_the_call(house: House) -> None:
    house.brain.scripts = [["Hello. " * 30]]
    leg = house.phone_in()
    await house.live(leg)
    leg.telephone.break_off()
    call = await house.over(leg)
    assert call.end_reason == "disconnect"
    assert leg.actions[-1] == "hangup"


async def test_events_that_come_twice_change_nothing(house: House) -> None:
    house.sim.webhooks.twice = True
    house.brain.scripts = [
        ["One moment.", Use("hold_call", {"seconds": 5})],
        ["Here I am.", Use("hang_up")],
    ]
    leg = house.phone_in()
    call = await house.over(leg, 40)
    # The music had ended by itself, so there was nothing to stop.
    assert leg.actions == [
        "answer",
        "streaming_start",
        "playback_start",
        "streaming_start",
        "hangup",
    ]
    assert (call.end_reason, call.media_spent) == ("agent_hung_up", 2)


async def test_a_number_that_is_nobodys_is_rejected(house: House) -> None:
    leg = house.sim.exchange.phone_in(CALLER, "+12125550999")
    await until(lambda: leg.ended is not None)
    assert (leg.actions, leg.ended) == (["reject"], HangupCause.REJECTED)


async def test_a_caller_who_finds_no_line_hears_a_sentence(house: House) -> None:
    with unit_of_work(house.world.scope) as session:
        tenants.get_business(session, house.world.business_id).max_calls = 0
    leg = house.phone_in()
    await until(lambda: leg.ended is not None)
    assert leg.actions == ["answer", "speak", "hangup"]
    assert leg.telephone.heard_frames > 20
    assert house.row(leg).disposition == "rejected_capacity"
