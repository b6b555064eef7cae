"""Listening in: both sides of a live call as they are heard, and nothing of it left behind."""

from __future__ import annotations

import asyncio
import struct
from uuid import UUID

import pytest
from sqlalchemy import select
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from control.from_page import LONG, begun, over, talking
from control.theatre import Theatre
from simulators.product import until
from support.installation import TOKEN_KEY
from support.speech import sound
from support.world import PASSWORD
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.domain.calls.tickets import ListenTicket, MediaTicket, browser_token, listen_token
from trunkline.domain.people import service as people
from trunkline.kit.audio import audioop
from trunkline.kit.ids import new_id
from trunkline.web.listening import PROTOCOL, Ear

pytestmark = pytest.mark.hasty

CALLER, AGENT = 0, 1


def knock(theatre: Theatre, token: str) -> connect:
    return connect(
        theatre.url.replace("http", "ws", 1) + "/media/listen",
        subprotocols=[Subprotocol(PROTOCOL), Subprotocol(token)], compression=None, proxy=None,
    )  # fmt: skip


async def given(theatre: Theatre, call_id: UUID) -> str:
    """Return the token that somebody of the business gets, who stays signed in."""
    async with theatre.person() as person:
        answer = await person.post(f"/api/calls/{call_id}/listen")
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["token"]
        return token


def listened(theatre: Theatre) -> list[str]:
    with unit_of_work(theatre.world.scope) as session:
        return list(session.scalars(select(Event.actor).where(Event.kind == "call.listened_in")))


async def hear(socket: ClientConnection, voiced: dict[int, int]) -> None:
    """Count for how many milliseconds each side was heard, until the socket closes."""
    ends = {CALLER: 0.0, AGENT: 0.0}
    try:
        async for message in socket:
            assert isinstance(message, bytes)
            side, at = struct.unpack_from("<B7xd", message)
            pcm = message[16:]
            assert at >= ends[side] - 0.03, "what was heard later comes later"
            ends[side] = at + len(pcm) / 16_000
            frames = [pcm[start : start + 320] for start in range(0, len(pcm), 320)]
            voiced[side] += 20 * sum(audioop.rms(frame, 2) > 100 for frame in frames)
    except ConnectionClosed:
        return


async def test_both_sides_are_heard_until_the_call_is_over(theatre: Theatre) -> None:
    theatre.brain.scripts = [[LONG]]
    async with talking(theatre) as (line, call_id):
        token = await given(theatre, call_id)
        session = theatre.room.live.of_call(str(call_id))
        assert session is not None
        voiced = {CALLER: 0, AGENT: 0}
        async with knock(theatre, token) as socket:
            hearing = asyncio.create_task(hear(socket, voiced))
            await until(lambda: voiced[AGENT] > 300)
            assert session.taps.listeners == 1
            line.say(sound(100))
            await until(lambda: voiced[CALLER] >= 60)
            line.over.set()
            await line.socket.close()
            await asyncio.wait_for(hearing, 60)
        assert session.taps.listeners == 0
    await over(theatre, call_id)
    assert listened(theatre) == [theatre.world.email]


async def test_who_goes_away_leaves_the_call_as_it_was(theatre: Theatre) -> None:
    theatre.brain.scripts = [[LONG]]
    async with talking(theatre) as (line, call_id):
        session = theatre.room.live.of_call(str(call_id))
        assert session is not None
        async with knock(theatre, await given(theatre, call_id)) as socket:
            await asyncio.wait_for(socket.recv(), 60)
        await until(lambda: session.taps.listeners == 0)
        assert (session._reader.tap, session._transmitter.tap) == (None, None)
        heard = line.voiced_ms()
        await until(lambda: line.voiced_ms() > heard + 200)
    await over(theatre, call_id)


async def test_a_token_lets_one_listener_in_who_is_on_record_from_then_on(theatre: Theatre) -> None:
    theatre.brain.scripts = [[LONG]]
    async with talking(theatre) as (_, call_id):
        token = await given(theatre, call_id)
        assert listened(theatre) == [], "nobody has listened yet"
        async with knock(theatre, token) as socket:
            await asyncio.wait_for(socket.recv(), 60)
            assert listened(theatre) == [theatre.world.email]
            with pytest.raises(InvalidStatus):
                async with knock(theatre, token):
                    pass
        assert len(listened(theatre)) == 1
    await over(theatre, call_id)


async def test_listening_ends_with_the_session(theatre: Theatre) -> None:
    theatre.brain.scripts = [[LONG]]
    async with talking(theatre) as (_, call_id), theatre.person() as person:
        path = f"/api/calls/{call_id}/listen"
        used, late = [(await person.post(path)).json()["token"] for _ in range(2)]
        async with knock(theatre, used) as socket:
            await asyncio.wait_for(socket.recv(), 60)
            (await person.post("/api/sign-out")).raise_for_status()
            await asyncio.wait_for(hear(socket, {CALLER: 0, AGENT: 0}), 60)
        assert socket.close_code == 1008
        # Neither does what was given before let anybody in behind it.
        async with knock(theatre, late) as socket:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 60)
        assert len(listened(theatre)) == 1
        assert [task for task in asyncio.all_tasks() if task.get_name().startswith("listener")] == []
    await over(theatre, call_id)


async def test_who_may_not_listen_does_not(theatre: Theatre) -> None:
    world = theatre.world
    with unit_of_work(world.scope) as session:
        people.create_user(
            session, business_id=world.business_id, email="viewer@acme.example", name="Viewer",
            password=PASSWORD, role=Role.VIEWER, actor="test",
        )  # fmt: skip
    call = await begun(theatre)
    path = f"/api/calls/{call['call_id']}/listen"
    async with theatre.person("viewer@acme.example") as viewer:
        assert (await viewer.post(path)).status_code == 403
    async with theatre.person() as person:
        answer = await person.post(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_heard")
    call_id = UUID(call["call_id"])
    ticket = ListenTicket(new_id(), world.business_id, call_id, world.email, "", by_system_admin=False)
    of_browser = browser_token(MediaTicket(world.business_id, call_id, 1), key=TOKEN_KEY)
    for token in ("nonsense", of_browser, listen_token(ticket, key=b"another")):
        with pytest.raises(InvalidStatus):
            async with knock(theatre, token):
                pass
    async with knock(theatre, listen_token(ticket, key=TOKEN_KEY)) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 60)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404


async def test_a_slow_line_costs_sound_and_no_memory() -> None:
    ear = Ear()
    for number in range(1_000):
        ear.on_caller(bytes(320), number * 0.02)
    assert ear.dropped == 500
    (message,) = await ear.messages() or ()
    assert len(message) == 16 + 500 * 320
    ear.close()
    assert await ear.messages() is None
