"""Whatever a browser says on its media socket is refused or survived, and harms no other call.

Against a process of its own, with the short way of media messages and local speech. What each wrong
message is counted as, tests/media/test_browser_stream.py says.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from faults.test_media_fuzz import json_values
from support.browser_line import START, BrowserLine, frame, knock, on_line
from support.installation import Installation
from support.live_house import LiveHouse, open_house
from support.processes import eventually
from support.speech import until
from support.world import PASSWORD, World, make_world
from trunkline.core.db import unit_of_work
from trunkline.domain.calls import service as calls
from trunkline.domain.tenants import service as tenants

SAMPLE = settings(
    max_examples=10, deadline=None, database=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
MANY, FEW = settings(SAMPLE, max_examples=150), settings(SAMPLE, max_examples=4)


@pytest.fixture(scope="module")
def house(servers: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHouse]:
    servers.wipe()
    with open_house(servers, tmp_path_factory.mktemp("browser-fuzz")) as house:
        yield house


@pytest.fixture(scope="module")
def world(house: LiveHouse) -> World:
    """A business in which a hundred may talk to the agent at a time."""
    world = make_world("Fuzzed", number="+12125550160", phones=("+12125550161",))
    with unit_of_work(world.scope) as session:
        tenants.get_business(session, world.business_id).max_calls = 100
    return world


@pytest.fixture(scope="module")
def person(house: LiveHouse, world: World) -> Iterator[httpx.Client]:
    """The owner, signed in."""
    with httpx.Client(
        base_url=house.url, trust_env=False, headers={"X-Trunkline": "1"}, timeout=20
    ) as client:
        client.post("/api/sign-in", json={"email": world.email, "password": PASSWORD}).raise_for_status()
        yield client


def begun(person: httpx.Client, world: World) -> dict[str, Any]:
    answer = person.post(f"/api/agents/{world.agent_id}/browser-calls").raise_for_status().json()
    return dict(answer)


texts = st.one_of(
    st.text(max_size=200),
    st.sampled_from(["[" * 60_000, '{"a":' * 9_000, "x" * 64_000, "{}", "[]", "null", "1e400"]),
    json_values.map(json.dumps),
    st.fixed_dictionaries(
        {"event": st.sampled_from(["mark", "digit", "clear", "start", "end", "", "stopp"]) | json_values},
        optional={"name": json_values, "digit": json_values, "encoding": json_values},
    ).map(json.dumps),
)
frames = st.builds(
    lambda at, audio: struct.pack("<I", at) + audio,
    st.sampled_from([0, 20, 40, 10_000, 2**31, 2**32 - 1]) | st.integers(0, 2**32 - 1),
    st.binary(max_size=400) | st.sampled_from([bytes(320), b"\x7f\xff" * 160, bytes(3_200), bytes(60_000)]),
)
messages = st.one_of(texts, frames, st.binary(max_size=8))
before_the_start = given(said=st.lists(messages, min_size=1, max_size=6))
in_a_call = given(said=st.lists(messages, min_size=1, max_size=80))


async def _send(socket: ClientConnection, said: list[str | bytes]) -> None:
    with suppress(ConnectionClosed):
        for message in said:
            await socket.send(message)


async def _still_heard(line: BrowserLine) -> None:
    """Wait until more of the agent is heard on this line, which lives."""
    heard = line.voiced_ms()
    await until(lambda: line.voiced_ms() > heard + 300, 20)
    assert line.socket.close_code is None


def said_before_the_start(person: httpx.Client, house: LiveHouse, world: World, said: list[Any]) -> None:
    """Say it, and see the socket closed with a word, and another call begin."""

    async def speak() -> None:
        call = begun(person, world)
        async with knock(house.url, call["protocol"], call["token"]) as socket:
            await _send(socket, [json.dumps({"event": "mark"}), *said])
            told = []
            async with asyncio.timeout(20):
                with suppress(ConnectionClosed):
                    while True:
                        told.append(json.loads(await socket.recv()))
        assert [(one["event"], one["code"]) for one in told] == [("refused", "no_start")]
        async with on_line(house.url, begun(person, world)) as line:
            await _still_heard(line)

    asyncio.run(speak())


def said_in_a_call(person: httpx.Client, house: LiveHouse, world: World, said: list[Any]) -> None:
    """Say it in one call, and hear the agent in another."""

    async def speak() -> None:
        async with (
            on_line(house.url, begun(person, world)) as good,
            knock(house.url, *_offer(begun(person, world))) as bad,
        ):
            await bad.send(json.dumps(START))
            await _send(bad, said)
            await _still_heard(good)
            dropped = len(good.of("refused")) + len(good.of("end"))
            assert dropped == 0

    asyncio.run(speak())


def _offer(call: dict[str, Any]) -> tuple[str, str]:
    return call["protocol"], call["token"]


@SAMPLE
@before_the_start
def test_what_is_said_before_the_start_is_refused_with_a_word(
    house: LiveHouse, person: httpx.Client, world: World, said: list[Any]
) -> None:
    said_before_the_start(person, house, world, said)


@FEW
@in_a_call
def test_what_is_said_in_a_call_harms_no_other(
    house: LiveHouse, person: httpx.Client, world: World, said: list[Any]
) -> None:
    said_in_a_call(person, house, world, said)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@MANY
@in_a_call
def test_much_that_is_said_in_a_call_harms_no_other(
    house: LiveHouse, person: httpx.Client, world: World, said: list[Any]
) -> None:
    said_in_a_call(person, house, world, said)


def test_a_flood_is_cut_off_and_the_other_call_goes_on(
    house: LiveHouse, person: httpx.Client, world: World
) -> None:
    """Ten minutes of audio at once, and then marks and keys by the ten thousand."""
    undisturbed = begun(person, world)

    async def speak() -> None:
        async with on_line(house.url, undisturbed) as good:
            floods: list[list[str | bytes]] = [
                [frame(at) for at in range(0, 600_000, 20)],
                ['{"event":"mark","name":"p1"}'] * 10_000,
                ['{"event":"digit","digit":"1"}'] * 10_000,
                [b"\0"] * 10_000,
            ]
            for flood in floods:
                async with knock(house.url, *_offer(begun(person, world))) as bad:
                    await bad.send(json.dumps(START))
                    assert json.loads(await bad.recv()) == {"event": "started"}
                    await _send(bad, flood)
                    last: Any = None
                    async with asyncio.timeout(20):
                        with suppress(ConnectionClosed):
                            while True:
                                last = await bad.recv()
                    assert json.loads(last)["code"] == "unusable"
            await _still_heard(good)

    asyncio.run(speak())

    def told() -> list[dict[str, Any]]:
        with unit_of_work(world.scope) as session:
            written = calls.events_of(session, world.business_id, UUID(undisturbed["call_id"]))
            return [event.data for event in written if event.kind == "ended"]

    eventually(lambda: bool(told()), "the call is written", within_s=60)
    # 21 ms were measured on two cores that others used as well; a loop held for a flood's length is seconds.
    # Beside other tests the whole process waits for its turn, too: 362 ms were seen.
    most_ms = 300 if "PYTEST_XDIST_WORKER" not in os.environ else 2_000
    assert told()[0]["frames_out"]["worst_gap_ms"] < most_ms


def test_a_message_of_megabytes_closes_its_own_socket_alone(
    house: LiveHouse, person: httpx.Client, world: World
) -> None:
    async def speak() -> None:
        async with (
            on_line(house.url, begun(person, world)) as good,
            knock(house.url, *_offer(begun(person, world))) as bad,
        ):
            await bad.send(json.dumps(START))
            with suppress(ConnectionClosed):
                await bad.send(bytes(5_000_000))
                async with asyncio.timeout(20):
                    while True:
                        await bad.recv()
            assert bad.close_code == 1009
            await _still_heard(good)

    asyncio.run(speak())


def test_afterwards_every_call_is_recorded_once_and_nothing_is_left(house: LiveHouse, world: World) -> None:
    deadline = time.monotonic() + 30
    while (found := house.health())["calls"]["live"] or any(
        name.startswith("call-") for name in found["tasks"]
    ):
        assert time.monotonic() < deadline, found["tasks"]
        time.sleep(0.1)

    def rows() -> list[Any]:
        with unit_of_work(world.scope) as session:
            return list(calls.list_calls(session, world.business_id, limit=1_000)[0])

    eventually(
        lambda: all(row.finalized_at for row in rows() if row.media_opened_at), "all is written", within_s=60
    )
    assert [row.carrier_sid for row in rows() if row.state != "ended"] == []
    held = [row for row in rows() if row.media_opened_at]
    assert len(held) > 10
    with unit_of_work(world.scope) as session:
        for row in held:
            told = calls.events_of(session, world.business_id, row.id)
            assert [event.sequence for event in told] == list(range(1, len(told) + 1))
            assert [event.kind for event in told].count("ended") == 1
            troubles = {event.data["what"] for event in told if event.kind == "trouble"}
            assert not troubles & {"internal_error", "close_hung"}
    assert "Traceback" not in (house.folder / "api.log").read_text()
    assert house.health()["refused_batches"] == 0
