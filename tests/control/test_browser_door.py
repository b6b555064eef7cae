"""The door for calls from the page: who may come in, and what is wrong with the others."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import UUID

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from control.from_page import LONG, begun, events, lines_in_use, over, row, talking
from control.theatre import Theatre
from simulators.product import until
from support.browser_line import frame, knock, on_line
from support.installation import TOKEN_KEY
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.domain.agents import service as agents
from trunkline.domain.calls.tickets import MediaTicket, browser_token, media_token
from trunkline.domain.people import service as people
from trunkline.kit import tokens

pytestmark = pytest.mark.hasty


async def test_a_viewer_may_not_and_an_agent_may(theatre: Theatre) -> None:
    world = theatre.world
    with unit_of_work(world.scope) as session:
        for name, role in (("viewer", Role.VIEWER), ("agent", Role.AGENT)):
            people.create_user(
                session, business_id=world.business_id, email=f"{name}@acme.example", name=name,
                password=PASSWORD, role=role, actor="test",
            )  # fmt: skip
    path = f"/api/agents/{world.agent_id}/browser-calls"
    async with theatre.person("viewer@acme.example") as viewer:
        answer = await viewer.post(path)
        assert answer.status_code == 403
        assert answer.json()["error"]["data"]["reason"] == "insufficient_role"
        assert (await viewer.delete(f"{path}/{UUID(int=1)}")).status_code == 403
    async with theatre.person("agent@acme.example") as agent:
        assert (await agent.post(path)).status_code == 201
        assert (await agent.post(f"/api/agents/{UUID(int=1)}/browser-calls")).status_code == 404
    assert lines_in_use(theatre) == 1


async def test_a_socket_without_a_right_token_is_not_even_accepted(theatre: Theatre) -> None:
    call = await begun(theatre)
    ticket = MediaTicket(theatre.world.business_id, UUID(call["call_id"]), 1)
    claims = {"business_id": str(ticket.business_id), "call_id": str(ticket.call_id), "leg": "1"}
    old = tokens.sign(claims, key=TOKEN_KEY, purpose="browser", lifetime_s=-1)
    offers: list[tuple[str, ...]] = [
        (), (call["protocol"],), (call["token"],), (call["token"], call["protocol"]),
        (call["protocol"], "nonsense"), (call["protocol"], call["token"], "more"),
        ("another.v1", call["token"]), (call["protocol"], call["token"][:-2]), (call["protocol"], old),
        (call["protocol"], browser_token(ticket, key=b"another key")),
        # A carrier's token opens no browser's socket, though it is for the same call.
        (call["protocol"], media_token(ticket, key=TOKEN_KEY)),
    ]  # fmt: skip
    for offered in offers:
        with pytest.raises(InvalidStatus) as refused:
            async with knock(theatre.url, *offered):
                pass
        assert refused.value.response.status_code == 403
    async with on_line(theatre.url, call) as line:
        await until(lambda: bool(line.of("started")))
    await over(theatre, call["call_id"])


async def test_a_token_lets_one_socket_in_and_the_second_disturbs_nobody(theatre: Theatre) -> None:
    theatre.brain.scripts = [[LONG]]
    call = await begun(theatre)
    async with on_line(theatre.url, call) as first:
        await until(lambda: first.voiced_ms() > 200)
        async with on_line(theatre.url, call) as second:
            await asyncio.wait_for(second.over.wait(), 60)
            assert [(one["event"], one["code"]) for one in second.told] == [("refused", "conflict")]
        heard = first.voiced_ms()
        await until(lambda: first.voiced_ms() > heard + 500)
        assert row(theatre, call["call_id"]).state == "live"
    assert (await over(theatre, call["call_id"])).end_reason == "disconnect"


async def test_a_token_opens_no_call_of_another_business(theatre: Theatre, umbrella: World) -> None:
    call = await begun(theatre)
    stolen = MediaTicket(umbrella.business_id, UUID(call["call_id"]), 1)
    token = browser_token(stolen, key=TOKEN_KEY)
    async with on_line(theatre.url, call | {"token": token}) as line:
        await asyncio.wait_for(line.over.wait(), 60)
        assert [(one["event"], one["code"]) for one in line.told] == [("refused", "not_found")]
    assert row(theatre, call["call_id"]).state == "ringing"


async def test_a_call_that_its_agent_cannot_hold_is_ended_and_on_record(theatre: Theatre) -> None:
    with unit_of_work(theatre.world.scope) as session:
        agents.get_agent(session, theatre.world.business_id, theatre.world.agent_id).brain = "scripted"
        agents.get_agent(session, theatre.world.business_id, theatre.world.agent_id).language = "fr"
    call = await begun(theatre)
    async with on_line(theatre.url, call) as line:
        await asyncio.wait_for(line.over.wait(), 60)
        assert line.told[-1] == {"event": "end"}
    assert (await over(theatre, call["call_id"])).end_reason == "agent_unusable"


async def test_garbage_ends_its_own_call_alone_and_is_counted(theatre: Theatre) -> None:
    theatre.brain.scripts = [[LONG]] * 2
    async with talking(theatre) as (good, good_id), talking(theatre) as (bad, bad_id):
        with suppress(ConnectionClosed):
            for at in range(200):
                await bad.socket.send(
                    [b"\0", frame(10**9), frame(0), '{"event":"mark","name":"p99"}', "x" * 2_000][at % 5]
                )
        await asyncio.wait_for(bad.over.wait(), 60)
        assert [(one["event"], one["code"]) for one in bad.told[-1:]] == [("refused", "unusable")]
        heard = good.voiced_ms()
        await until(lambda: good.voiced_ms() > heard + 500)
        assert good.socket.close_code is None
    await over(theatre, good_id)
    dropped = events(theatre, bad_id)[-1].data["frames_in"]["dropped"]
    assert {"malformed", "too_fast", "out_of_order", "unknown_mark"} <= dropped.keys()
    assert events(theatre, good_id)[-1].data["frames_in"]["dropped"].keys() <= {"ended", "goodbye"}
