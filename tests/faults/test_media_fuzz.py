"""Whatever is said on the media socket, wrong, huge or unsigned, is refused or survived, and harms nobody."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from support.installation import Installation
from support.live_house import ACCOUNT, TOKEN, LiveHouse, open_house
from support.processes import eventually
from trunkline.core.db import of_business, unit_of_work
from trunkline.domain.calls import service as calls
from trunkline.providers.twilio.wire import SIGNATURE_HEADER, sign
from trunkline.sim import practice as practices
from trunkline.sim.practice import Practice
from trunkline.sim.scenario import find

QUIET = base64.b64encode(bytes([0xFF]) * 160).decode()
START_FORMAT = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
SAMPLE = settings(
    max_examples=8, deadline=None, database=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
MANY = settings(SAMPLE, max_examples=150)


@pytest.fixture(scope="module")
def house(servers: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHouse]:
    servers.wipe()
    with open_house(servers, tmp_path_factory.mktemp("fuzz")) as house:
        yield house


@pytest.fixture(scope="module")
def ground(house: LiveHouse) -> Practice:
    """A business whose agent may be phoned by a hundred at a time."""
    return practices.found(find("refuses"), like=None, at_once=100)


class Line:
    """A call of ours up to its socket, as the carrier makes one."""

    def __init__(self, house: LiveHouse, ground: Practice) -> None:
        self.house, self.ground = house, ground
        self.sid, self.stream = f"CA{secrets.token_hex(16)}", f"MZ{secrets.token_hex(16)}"
        url = f"{house.url}/hooks/carrier/inbound/answer"
        form = {
            "CallSid": self.sid, "AccountSid": ACCOUNT, "To": ground.number, "From": "+12125550155",
            "CallStatus": "ringing", "Direction": "inbound",
        }  # fmt: skip
        reply = httpx.post(
            url, data=form, headers={SIGNATURE_HEADER: sign(TOKEN, url, form)}, trust_env=False, timeout=20
        )
        found = ET.fromstring(reply.raise_for_status().text).find("./Connect/Stream")
        assert found is not None, reply.text
        self.url = str(found.get("url"))
        self.parameters = {str(one.get("name")): str(one.get("value")) for one in found}

    def connect(self, signature: str | None = None) -> connect:
        right = sign(TOKEN, self.url, {})
        return connect(
            self.url, additional_headers={SIGNATURE_HEADER: right if signature is None else signature},
            compression=None, proxy=None, max_size=None, open_timeout=20,
        )  # fmt: skip

    @property
    def start(self) -> dict[str, Any]:
        return {
            "event": "start", "sequenceNumber": "1", "streamSid": self.stream,
            "start": {
                "accountSid": ACCOUNT, "streamSid": self.stream, "callSid": self.sid, "tracks": ["inbound"],
                "mediaFormat": START_FORMAT, "customParameters": self.parameters,
            },
        }  # fmt: skip


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
events = st.sampled_from(["media", "mark", "dtmf", "clear", "start", "connected", "stopp", "", "medía"])
payloads = st.one_of(
    st.just(QUIET),
    st.text(max_size=40),
    st.binary(max_size=400).map(lambda raw: base64.b64encode(raw).decode()),
    st.just(base64.b64encode(bytes(40_000)).decode()),
    json_values,
)
timestamps = st.one_of(
    st.integers().map(str), st.just("1e999"), st.floats(), st.text(max_size=6), st.integers(), json_values
)


@st.composite
def messages(draw: st.DrawFn) -> str | bytes:
    """One message: nearly right, of another shape, no JSON at all, too deep, too long, or binary."""
    kind = draw(st.integers(0, 7))
    if kind == 0:
        return draw(st.text(max_size=200))
    if kind == 1:
        return draw(
            st.sampled_from(["[" * 60_000, '{"a":' * 9_000, "x" * 70_000, "{}", "[]", "null", "1e400"])
        )
    if kind == 2:
        return json.dumps(draw(json_values))
    event = draw(events)
    body = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "payload": payloads,
                "timestamp": timestamps,
                "chunk": json_values,
                "name": json_values,
                "track": st.sampled_from(["inbound", "outbound", "", None]),
                "digit": st.sampled_from([*"0123456789*#", "\x00", "\ud800"]) | st.text(max_size=3),
            },
        )
        | json_values
    )
    return json.dumps({"event": event, event: body, "streamSid": draw(st.text(max_size=4))})


async def _send(socket: ClientConnection, said: list[str | bytes]) -> None:
    with suppress(ConnectionClosed):
        for message in said:
            await socket.send(message)


async def _hears_agent(socket: ClientConnection, within_s: float = 20.0) -> None:
    """Wait until the agent is heard on this line, with frames going both ways."""
    async with asyncio.timeout(within_s):
        frame = 0
        while True:
            await socket.send(_media(frame))
            frame += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    if json.loads(await socket.recv())["event"] == "media":
                        return


def _media(frame: int) -> str:
    body = {"track": "inbound", "chunk": str(frame + 1), "timestamp": str(frame * 20), "payload": QUIET}
    return json.dumps({"event": "media", "media": body, "streamSid": "MZ"})


def _settled(house: LiveHouse) -> None:
    """Wait until no call is left in the process."""
    deadline = time.monotonic() + 30
    while (found := house.health())["calls"]["live"] or any(
        name.startswith("call-") for name in found["tasks"]
    ):
        assert time.monotonic() < deadline, found["tasks"]
        time.sleep(0.1)


def said_before_the_start(house: LiveHouse, ground: Practice, said: list[str | bytes]) -> None:
    """Say it, and see the socket closed and the token not spent."""

    async def speak() -> None:
        line = Line(house, ground)
        async with line.connect() as socket:
            await _send(socket, [*said, json.dumps({"event": "media"})])
            async with asyncio.timeout(20):
                await socket.wait_closed()
        # The call can still be held: nobody has used its token.
        async with line.connect() as socket:
            await socket.send(json.dumps(line.start))
            await _hears_agent(socket)

    asyncio.run(speak())


def said_in_a_call(house: LiveHouse, ground: Practice, said: list[str | bytes]) -> None:
    """Say it in one call, and hear the agent in another."""

    async def speak() -> None:
        fuzzed, other = Line(house, ground), Line(house, ground)
        async with fuzzed.connect() as bad, other.connect() as good:
            for line, socket in ((fuzzed, bad), (other, good)):
                await socket.send(json.dumps(line.start))
            await _send(bad, said)
            await _hears_agent(good)
            assert good.close_code is None

    asyncio.run(speak())


before_the_start = given(said=st.lists(messages(), max_size=8))
in_a_call = given(said=st.lists(messages(), min_size=1, max_size=12))


@SAMPLE
@before_the_start
def test_what_is_said_before_the_start_ends_the_socket_and_spends_no_token(
    house: LiveHouse, ground: Practice, said: list[str | bytes]
) -> None:
    said_before_the_start(house, ground, said)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@MANY
@before_the_start
def test_much_that_is_said_before_the_start_spends_no_token(
    house: LiveHouse, ground: Practice, said: list[str | bytes]
) -> None:
    said_before_the_start(house, ground, said)


WORST = [
    "[" * 60_000,
    '{"event": "media", "media": {"track": "inbound", "timestamp": 1e999, "payload": "/w=="}}',
    '{"event": "dtmf", "dtmf": {"digit": "\\u0000"}}',
    '{"event": "dtmf", "dtmf": {"digit": "\\ud800"}}',
    b"binary",
]


@pytest.mark.parametrize("worst", WORST, ids=["deep", "infinite", "zero", "half", "binary"])
def test_what_has_once_done_harm_does_none(house: LiveHouse, ground: Practice, worst: str | bytes) -> None:
    said_before_the_start(house, ground, [worst])
    said_in_a_call(house, ground, [worst] * 3)


@SAMPLE
@in_a_call
def test_what_is_said_in_a_call_harms_no_other_and_the_call_is_recorded(
    house: LiveHouse, ground: Practice, said: list[str | bytes]
) -> None:
    said_in_a_call(house, ground, said)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@MANY
@in_a_call
def test_much_that_is_said_in_a_call_harms_no_other(
    house: LiveHouse, ground: Practice, said: list[str | bytes]
) -> None:
    said_in_a_call(house, ground, said)


@pytest.mark.parametrize(
    ("signature", "status"),
    [("", 403), ("bm90IGEgc2lnbmF0dXJl", 403), ("é", 403)],
    ids=["none", "wrong", "strange"],
)
def test_an_unsigned_socket_is_not_let_in(
    house: LiveHouse, ground: Practice, signature: str, status: int
) -> None:
    async def knock() -> None:
        line = Line(house, ground)
        with pytest.raises(InvalidStatus) as refused:
            async with line.connect(signature.encode().decode("latin-1")):
                pass
        assert refused.value.response.status_code == status

    asyncio.run(knock())


def test_a_message_of_megabytes_closes_its_own_socket_alone(house: LiveHouse, ground: Practice) -> None:
    async def speak() -> None:
        line, other = Line(house, ground), Line(house, ground)
        async with line.connect() as bad, other.connect() as good:
            await good.send(json.dumps(other.start))
            await bad.send(json.dumps(line.start))
            with suppress(ConnectionClosed):
                await bad.send("x" * 5_000_000)
                async with asyncio.timeout(20):
                    while True:
                        await bad.recv()
            assert bad.close_code == 1009
            await _hears_agent(good)

    asyncio.run(speak())
    _settled(house)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"mediaFormat": {"encoding": "audio/l16", "sampleRate": 8000}},
        {"mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": "fast"}},
        {"mediaFormat": None}, {"customParameters": {"token": "a.b"}}, {"customParameters": None},
        {"customParameters": {"token": "\ud800"}}, {"callSid": "CA0"}, {"streamSid": ""},
    ],
)  # fmt: skip
def test_a_start_that_is_not_ours_is_refused_clearly(
    house: LiveHouse, ground: Practice, spoilt: dict[str, Any]
) -> None:
    async def speak() -> int | None:
        line = Line(house, ground)
        start = line.start
        start["start"] |= spoilt
        if spoilt == {"streamSid": ""}:
            start["streamSid"] = ""
        async with line.connect() as socket:
            await socket.send(json.dumps(start))
            async with asyncio.timeout(20):
                with suppress(ConnectionClosed):
                    while True:
                        await socket.recv()
            return socket.close_code

    before = (house.folder / "api.log").read_text().count("media_refused")
    assert asyncio.run(speak()) == 1000
    assert (house.folder / "api.log").read_text().count("media_refused") == before + 1


def test_a_token_lets_one_socket_in_and_afterwards_nothing_is_left(
    house: LiveHouse, ground: Practice
) -> None:
    async def speak() -> None:
        line = Line(house, ground)
        async with line.connect() as first, line.connect() as second:
            await first.send(json.dumps(line.start))
            await _hears_agent(first)
            await second.send(json.dumps(line.start))
            async with asyncio.timeout(20):
                await second.wait_closed()
            await _hears_agent(first)

    asyncio.run(speak())
    _settled(house)
    assert "Traceback" not in (house.folder / "api.log").read_text()


def test_every_call_that_was_let_in_is_recorded_once_and_without_a_fault_of_ours(
    house: LiveHouse, ground: Practice
) -> None:
    def unwritten() -> list[str]:
        with unit_of_work(of_business(ground.business_id)) as session:
            rows = calls.list_calls(session, ground.business_id, limit=1_000)[0]
            return [row.carrier_sid for row in rows if row.media_opened_at and not row.finalized_at]

    eventually(lambda: unwritten() == [], "every call is written", within_s=60)
    with unit_of_work(of_business(ground.business_id)) as session:
        held = [
            row
            for row in calls.list_calls(session, ground.business_id, limit=1_000)[0]
            if row.media_opened_at
        ]
        assert held
        for row in held:
            told = calls.events_of(session, ground.business_id, row.id)
            assert [event.sequence for event in told] == list(range(1, len(told) + 1))
            assert [event.kind for event in told].count("ended") == 1
            troubles = {event.data["what"] for event in told if event.kind == "trouble"}
            assert not troubles & {"internal_error", "close_hung"}
    assert house.health()["refused_batches"] == 0
