"""The local carrier's media streams: message shapes, pace, play-out, marks, clear, keys, errors."""

from __future__ import annotations

import asyncio
import json

import pytest
from product import SID, Socket, Town, until

from trunkline.kit.audio import level, ulaw_to_pcm
from trunkline.simulators.carrier import Persona

pytestmark = pytest.mark.hasty

TONE = bytes(range(128, 148)) * 8
"""One frame of noise."""


async def test_messages_have_twilios_shapes_and_pace(town: Town) -> None:
    loop = asyncio.get_running_loop()
    took = 0.0

    async def agent(socket: Socket) -> None:
        nonlocal took
        begun = loop.time()
        for _ in range(50):
            await socket.next("media")
        took = loop.time() - begun

    town.product.agent = agent
    sid = await town.dial(Persona.SILENT)
    await until(town.product.over.is_set)
    socket = town.product.sockets[0]
    connected, start, first, second = socket.messages[:4]
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start["sequenceNumber"] == "1"
    assert start["start"]["callSid"] == sid
    assert start["start"]["accountSid"] == SID
    assert start["start"]["customParameters"] == {"token": "a<b", "lead": "Zoë"}
    assert start["start"]["mediaFormat"] == {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    assert (first["sequenceNumber"], second["sequenceNumber"]) == ("2", "3")
    assert (first["media"]["chunk"], first["media"]["timestamp"]) == ("1", "0")
    assert (second["media"]["chunk"], second["media"]["timestamp"]) == ("2", "20")
    assert first["media"]["track"] == "inbound"
    heard = socket.heard()
    assert len(heard) == 160 * 50
    assert 0 < level(ulaw_to_pcm(heard)) < 60
    assert 0.9 < took < 1.5
    await until(lambda: bool(town.sim.book.calls[sid].media))
    assert town.sim.book.calls[sid].media["frames_sent"] >= 50


async def test_mark_returns_when_the_audio_before_it_has_been_played(town: Town) -> None:
    loop = asyncio.get_running_loop()
    times: dict[str, float] = {}

    async def agent(socket: Socket) -> None:
        begun = loop.time()
        await socket.send("mark", name="at once")
        await socket.play(TONE * 25 + TONE[:40])
        await socket.send("mark", name="half a second")
        for _ in range(2):
            echo = await socket.next("mark")
            times[echo["mark"]["name"]] = loop.time() - begun

    town.product.agent = agent
    await town.dial(Persona.SILENT)
    await until(town.product.over.is_set)
    assert list(times) == ["at once", "half a second"]
    assert times["at once"] < 0.2
    assert 0.45 < times["half a second"] < 0.9


async def test_clear_empties_the_buffer_and_returns_every_mark(town: Town) -> None:
    names: list[str] = []

    async def agent(socket: Socket) -> None:
        for name in ("one", "two"):
            await socket.play(TONE * 500)
            await socket.send("mark", name=name)
        await socket.next("media")
        await socket.send("clear")
        names.extend([(await socket.next("mark"))["mark"]["name"] for _ in range(2)])

    town.product.agent = agent
    sid = await town.dial(Persona.SILENT)
    await until(town.product.over.is_set)
    assert names == ["one", "two"]
    await until(lambda: bool(town.sim.book.calls[sid].media))
    media = town.sim.book.calls[sid].media
    assert (media["marks"], media["clears"]) == (2, 1)
    assert media["agent_bytes_cleared"] > 150_000


@pytest.mark.parametrize(
    "message",
    [
        "no json",
        "[]",
        '{"event":"stop","streamSid":"SID"}',
        '{"event":"media","media":{"payload":"AAAA"}}',
        '{"event":"media","streamSid":"SID","media":{"payload":"***"}}',
        '{"event":"media","streamSid":"SID","media":{}}',
        '{"event":"media","streamSid":"SID","media":"AAAA"}',
        '{"event":"mark","streamSid":"SID","mark":{"name":""}}',
    ],
)
async def test_malformed_message_closes_the_stream(town: Town, message: str) -> None:
    async def agent(socket: Socket) -> None:
        await socket.ws.send_text(message.replace("SID", socket.stream_sid))
        await socket.next("never")

    town.product.agent = agent
    sid = await town.dial(Persona.SILENT)
    await until(town.product.over.is_set)
    assert [error["code"] for error in town.sim.book.calls[sid].errors] == [31924]


async def test_hang_up_sends_stop_before_the_socket_closes(town: Town) -> None:
    async def agent(socket: Socket) -> None:
        await socket.next("never")

    town.product.agent = agent
    sid = await town.dial(Persona.SILENT)
    await until(lambda: bool(town.product.sockets) and bool(town.product.sockets[0].messages))
    await asyncio.to_thread(town.carrier.hang_up, sid)
    await until(town.product.over.is_set)
    last = town.product.sockets[0].messages[-1]
    assert last["event"] == "stop"
    assert last["stop"] == {"accountSid": SID, "callSid": sid}


async def test_machine_speaks_its_greeting_and_a_beep(town: Town) -> None:
    async def agent(socket: Socket) -> None:
        while len(town.sim.book.calls[town.product.voice[0]["CallSid"]].said) < 2:
            await socket.next("media")
        for _ in range(40):
            await socket.next("media")

    town.product.agent = agent
    sid = await town.dial(Persona.VOICEMAIL)
    await until(town.product.over.is_set, 60)
    assert town.sim.book.calls[sid].said[-1]["text"] == "(beep)"
    heard = town.product.sockets[0].heard()
    assert level(ulaw_to_pcm(heard[-160 * 40 :])) > 1000
    assert json.dumps(town.sim.book.as_json())
