"""Lines for calls from the page: taken, limited, and given back whatever becomes of the call."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from control.from_page import LONG, begun, lines_in_use, over, row, talking
from control.theatre import Theatre, open_theatre
from simulators.product import until
from support.browser_line import START, knock, on_line
from support.installation import Installation
from support.world import World
from trunkline.core.db import Database, database, install_database, unit_of_work
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.web import browser_calls

pytestmark = pytest.mark.hasty


async def test_a_call_that_never_begins_gives_its_line_back(
    theatre: Theatre, installation: Installation
) -> None:
    refused, forgotten = await begun(theatre), await begun(theatre)
    async with knock(theatre.url, refused["protocol"], refused["token"]) as socket:
        await socket.send(json.dumps(START | {"rate": 44_100}))
        assert json.loads(await socket.recv())["code"] == "no_start"
    await until(lambda: row(theatre, refused["call_id"]).state == "ended")
    found = row(theatre, refused["call_id"])
    assert (found.state, found.disposition, found.end_reason) == ("ended", "cancelled", "canceled")
    assert lines_in_use(theatre) == 1
    with clock.frozen_at(clock.now() + timedelta(seconds=80)):
        installation.run_jobs("high")
    found = row(theatre, forgotten["call_id"])
    assert (found.state, found.disposition, found.end_reason) == ("ended", "cancelled", "canceled")
    assert lines_in_use(theatre) == 0


async def test_a_call_whose_process_died_is_closed_soon_after_its_last_sign_of_life(
    theatre: Theatre, installation: Installation
) -> None:
    theatre.brain.scripts = [[LONG]]
    async with talking(theatre) as (_, call_id):
        begun_at = clock.now()
        await until(
            lambda: (row(theatre, call_id).live_until or begun_at) > begun_at + timedelta(seconds=100)
        )
        alive = {"sooner": 100, "later": 130}
        with clock.frozen_at(clock.now() + timedelta(seconds=alive["sooner"])):
            installation.run_jobs("high")
        assert row(theatre, call_id).state == "live"
        with clock.frozen_at(clock.now() + timedelta(seconds=alive["later"])):
            installation.run_jobs("high")
        found = row(theatre, call_id)
        assert (found.state, found.end_reason) == ("ended", "process_lost")
    await over(theatre, call_id)


async def test_a_live_call_says_again_and_again_that_it_lives(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser_calls, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(browser_calls, "_TELL_EVERY_S", 0.05)
    theatre.brain.scripts = [[LONG]]
    async with talking(theatre) as (_, call_id):
        seen: set[object] = set()

        def thrice() -> bool:
            seen.add(row(theatre, call_id).live_until)
            return len(seen) >= 3

        await until(thrice)
    await over(theatre, call_id)


async def test_a_word_that_could_not_be_written_is_written_when_the_database_is_back(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it is until the next one would be due."""
    monkeypatch.setattr(browser_calls, "_TELL_EVERY_S", 3_600.0)
    monkeypatch.setattr(browser_calls, "_LOOK_EVERY_S", 0.05)
    theirs, away = database(), Database("postgresql://nobody@127.0.0.1:9/nowhere")
    looks: list[object] = []
    real_look = browser_calls._look

    def look(*asked: Any) -> Any:
        install_database(theirs if looks else away)
        try:
            looks.append(seen := real_look(*asked))
        finally:
            install_database(theirs)
        return seen

    monkeypatch.setattr(browser_calls, "_look", look)
    theatre.brain.scripts = [[LONG]]
    async with talking(theatre) as (_, call_id):
        await until(lambda: len(looks) > 2)
        assert looks[:3] == [(set(), set()), (set(), {call_id}), (set(), set())]
        assert (row(theatre, call_id).live_until or clock.now()) > clock.now() + timedelta(seconds=100)
    away.dispose()
    await over(theatre, call_id)


async def test_a_call_that_is_given_up_before_its_socket_gives_its_line_back(theatre: Theatre) -> None:
    theatre.brain.scripts = [[LONG]]
    call = await begun(theatre)
    path = f"/api/agents/{theatre.world.agent_id}/browser-calls"
    async with theatre.person() as person:
        assert lines_in_use(theatre) == 1
        for _ in range(2):
            assert (await person.delete(f"{path}/{call['call_id']}")).status_code == 204
            assert lines_in_use(theatre) == 0
        found = row(theatre, call["call_id"])
        assert (found.state, found.disposition, found.answered_at) == ("ended", "cancelled", None)
        async with on_line(theatre.url, call) as line:
            await asyncio.wait_for(line.over.wait(), 60)
            assert [(one["event"], one["code"]) for one in line.told] == [("refused", "conflict")]
        # One that has begun is hung up instead, by the door for that; and a telephone's call was never its.
        async with talking(theatre) as (line, call_id):
            answer = await person.delete(f"{path}/{call_id}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
            assert (
                await person.delete(f"/api/agents/{UUID(int=1)}/browser-calls/{call_id}")
            ).status_code == 404
            assert not line.over.is_set()
        assert (await over(theatre, call_id)).end_reason == "disconnect"
        sid = theatre.phone_in()
        of_carrier = await theatre.live(sid, talked=False)
        assert (await person.delete(f"{path}/{of_carrier}")).status_code == 404
        theatre.room.live.stop_all("enough")
        await until(lambda: theatre.room.is_empty)


async def test_every_line_of_the_business_counts_for_both_kinds_of_call(theatre: Theatre) -> None:
    with unit_of_work(theatre.world.scope) as session:
        tenants.get_business(session, theatre.world.business_id).max_calls = 2
    sid = theatre.phone_in()
    await theatre.live(sid, talked=False)
    await begun(theatre)
    async with theatre.person() as person:
        answer = await person.post(f"/api/agents/{theatre.world.agent_id}/browser-calls")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "lines_taken")
        assert answer.json()["error"]["data"] == {"lines": 2}
    assert lines_in_use(theatre) == 2
    # And the other way round.
    turned_away = theatre.phone_in()
    await until(lambda: theatre.entry(turned_away).ended_at is not None)
    assert theatre.row(turned_away).end_reason == "rejected_capacity"
    theatre.room.live.stop_all("enough")
    await until(lambda: theatre.room.is_empty)


async def test_a_full_process_and_one_that_drains_take_no_call(
    installation: Installation, acme: World
) -> None:
    async with open_theatre(installation, acme, max_calls=1) as theatre:
        theatre.brain.scripts = [[LONG]]
        late = await begun(theatre)
        async with talking(theatre) as (line, call_id), theatre.person() as person:
            path = f"/api/agents/{theatre.world.agent_id}/browser-calls"
            answer = await person.post(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "room_full")
            # One that was let in before every line of the process was taken is told so.
            async with on_line(theatre.url, late) as other:
                await asyncio.wait_for(other.over.wait(), 60)
                assert [(one["event"], one["code"]) for one in other.told] == [("refused", "room_full")]
            await until(lambda: row(theatre, late["call_id"]).state == "ended")
            assert not line.over.is_set()
        await over(theatre, call_id)
        theatre.room.drain()
        async with theatre.person() as person:
            assert (await person.post(path)).status_code == 503


async def test_a_socket_that_says_nothing_holds_no_line_of_the_process(
    installation: Installation, acme: World
) -> None:
    async with open_theatre(installation, acme, max_calls=1) as theatre:
        theatre.brain.scripts = [[LONG]]
        idle = await begun(theatre)
        async with knock(theatre.url, idle["protocol"], idle["token"]):
            async with talking(theatre) as (line, call_id):
                assert not line.over.is_set()
                assert line.of("refused") == []
            await over(theatre, call_id)
