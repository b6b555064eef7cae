"""A process that is told to stop: no call is cut, no new one is taken, and its load balancer knows."""

from __future__ import annotations

import asyncio
import signal

import httpx
import pytest

from control.theatre import Theatre, Use, open_theatre
from simulators.product import until
from support.installation import Installation
from support.world import World
from trunkline.simulators.carrier import Persona
from trunkline.web.sentences import FAREWELL, FULL_LINE

pytestmark = pytest.mark.hasty


async def get(theatre: Theatre, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=theatre.url, trust_env=False) as client:
        return await client.get(path)


async def test_a_live_call_comes_to_its_own_end_and_new_ones_are_turned_away(
    installation: Installation, acme: World
) -> None:
    async with open_theatre(installation, acme) as theatre:
        theatre.brain.scripts = [["Hello. " * 8, Use("hang_up")]]
        sid = theatre.phone_in()
        await theatre.live(sid)
        assert (await get(theatre, "/ready")).status_code == 200
        theatre.server.handle_exit(signal.SIGTERM, None)
        ready = await get(theatre, "/ready")
        assert (ready.status_code, ready.json()["reason"]) == (503, "the process is draining")
        health = (await get(theatre, "/health")).json()
        assert (health["status"], health["calls"]["live"], health["calls"]["draining"]) == (
            "draining",
            1,
            True,
        )
        late = theatre.phone_in(Persona.SILENT, "+12125550302")
        await until(lambda: theatre.entry(late).ended_at is not None)
        assert FULL_LINE["en"] in [step["detail"] for step in theatre.entry(late).twiml]
        assert not theatre.server.should_exit
        await until(lambda: theatre.server.should_exit, 60)
        # We were there for the last question, so the carrier had nothing to excuse itself for.
        assert (theatre.entry(sid).ended_by, theatre.entry(sid).errors) == ("twiml", [])
        assert await theatre.room.log.flush()
        installation.run_jobs("high")
        said = [event.data for event in theatre.events(sid) if event.kind == "agent_said"]
        assert said[0]["heard_text"].split() == ["Hello."] * 8
        assert theatre.row(sid).end_reason == "agent_hung_up"


async def test_a_call_that_does_not_end_gets_a_goodbye_that_is_heard(
    installation: Installation, acme: World
) -> None:
    async with open_theatre(installation, acme, drain_s=1) as theatre:
        theatre.brain.scripts = [["Hello."]]
        sid = theatre.phone_in()
        await theatre.live(sid)
        theatre.server.handle_exit(signal.SIGTERM, None)
        await until(lambda: theatre.server.should_exit, 60)
        assert await theatre.room.log.flush()
        installation.run_jobs("high")
        said = [event.data for event in theatre.events(sid) if event.kind == "agent_said"]
        assert said[-1]["heard_text"] == FAREWELL["en"]
        row = theatre.row(sid)
        assert (row.end_reason, row.disposition) == ("draining", "cut_off")


async def test_a_second_signal_does_not_wait(installation: Installation, acme: World) -> None:
    async with open_theatre(installation, acme) as theatre:
        theatre.brain.scripts = [["Hello. " * 40]]
        sid = theatre.phone_in()
        await theatre.live(sid)
        theatre.server.handle_exit(signal.SIGTERM, None)
        await asyncio.sleep(0)
        assert not theatre.server.should_exit
        theatre.server.handle_exit(signal.SIGTERM, None)
        assert theatre.server.should_exit


async def test_without_a_call_there_is_nothing_to_wait_for(installation: Installation, acme: World) -> None:
    async with open_theatre(installation, acme) as theatre:
        theatre.server.handle_exit(signal.SIGTERM, None)
        await until(lambda: theatre.server.should_exit, 5)


async def test_a_call_that_is_away_for_a_while_is_waited_for(installation: Installation, acme: World) -> None:
    async with open_theatre(installation, acme) as theatre:
        theatre.brain.scripts = [["One moment.", Use("hold_call", {"seconds": 8})], ["Back.", Use("hang_up")]]
        sid = theatre.phone_in()
        await theatre.live(sid)
        theatre.server.handle_exit(signal.SIGTERM, None)
        await until(lambda: theatre.row(sid).away == "on_hold")
        await until(lambda: theatre.server.should_exit, 40)
        assert (theatre.entry(sid).ended_by, theatre.entry(sid).errors) == ("twiml", [])
        call = await theatre.over(sid)
        assert (call.media_spent, call.end_reason) == (2, "agent_hung_up")


async def test_a_call_that_comes_back_to_its_agent_is_no_new_one(
    installation: Installation, acme: World
) -> None:
    async with open_theatre(installation, acme) as theatre:
        theatre.brain.scripts = [["One moment.", Use("transfer_call", {"to": "102"})], [Use("hang_up")]]
        sid = theatre.phone_in()
        await theatre.live(sid)
        theatre.room.drain()
        call = await theatre.over(sid)
        assert (call.media_spent, call.end_reason) == (2, "agent_hung_up")
