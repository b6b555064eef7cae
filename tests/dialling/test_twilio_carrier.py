"""TwilioCarrier: what each outcome of a request proves, and one POST whatever happens.

Against the local carrier where it can produce the outcome, against a scripted socket where not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from trunkline.kit.clock import now
from trunkline.providers.ports import (
    AnsweredBy,
    AnswerReport,
    CallOrder,
    CallStatus,
    Carrier,
    CarrierRefused,
    CarrierUncertain,
    Grammar,
    Transcript,
    Voice,
)
from trunkline.providers.twilio import TwilioCarrier
from trunkline.simulators.carrier import CarrierOptions, Person, Persona, RunningCarrier, serving

SID = "AC" + "b" * 32
TOKEN = "secret-token"
BUSY, ABSENT, OURS = "+12025550101", "+12025550102", "+12025550199"
ORDER = CallOrder(BUSY, OURS, "http://127.0.0.1:1/voice?token=t", "")


class NoSpeech:
    """Nobody in these tests says a word."""

    def open(self, *, language: str, grammar: Grammar | None) -> NoSpeech:
        return self

    def feed(self, pcm: bytes) -> None: ...

    async def finish(self) -> Transcript:
        return Transcript("", 0.0)

    def cancel(self) -> None: ...

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        yield b""

    async def close(self) -> None: ...


@pytest.fixture
async def sim() -> AsyncIterator[RunningCarrier]:
    people = (Person(BUSY, Persona.BUSY), Person(ABSENT, Persona.NO_ANSWER))
    options = CarrierOptions(SID, TOKEN, people=people, seed=1)
    async with serving(options, tts=NoSpeech(), stt=NoSpeech()) as running:
        yield running


@pytest.fixture
def carrier(sim: RunningCarrier) -> TwilioCarrier:
    return TwilioCarrier(SID, TOKEN, sim.base_url, timeout_s=0.5)


async def _place(carrier: TwilioCarrier, order: CallOrder = ORDER) -> str:
    return await asyncio.to_thread(carrier.place_call, order)


async def test_places_with_one_request_that_says_everything(
    carrier: TwilioCarrier, sim: RunningCarrier
) -> None:
    port: Carrier = carrier
    assert not port.capabilities.idempotency_key
    status_url = "http://127.0.0.1:1/status?token=t"
    sid = await _place(carrier, CallOrder(BUSY, OURS, ORDER.answer_url, status_url, 25))
    (create,) = sim.book.creates
    assert create["sid"] == sid
    assert create["form"]["Timeout"] == "25"
    assert create["form"]["StatusCallback"] == status_url
    events = {"initiated", "ringing", "answered", "completed"}
    assert sim.exchange.calls[sid].status_events == events


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (CallOrder("12", OURS, ORDER.answer_url, ""), "21211"),
        (CallOrder("", OURS, ORDER.answer_url, ""), "21201"),
        (CallOrder(BUSY, "nobody", ORDER.answer_url, ""), "21212"),
        (CallOrder(BUSY, "", ORDER.answer_url, ""), "21213"),
        (CallOrder(BUSY, OURS, "ftp://x", ""), "21205"),
    ],
)
async def test_definite_refusals_bear_twilios_code(
    carrier: TwilioCarrier, sim: RunningCarrier, order: CallOrder, code: str
) -> None:
    with pytest.raises(CarrierRefused) as refused:
        await _place(carrier, order)
    assert refused.value.code == code
    assert len(sim.book.creates) == 1
    assert sim.book.calls == {}


async def test_wrong_credentials_are_a_refusal(sim: RunningCarrier) -> None:
    for account, token in ((SID, "wrong"), ("AC" + "0" * 32, TOKEN)):
        with pytest.raises(CarrierRefused) as refused:
            await _place(TwilioCarrier(account, token, sim.base_url))
        assert refused.value.code == "20003"


async def test_too_many_requests_says_when_to_come_back(carrier: TwilioCarrier, sim: RunningCarrier) -> None:
    sim.exchange.faults.order({"create": "429", "seconds": 2.5, "times": 1})
    with pytest.raises(CarrierRefused) as refused:
        await _place(carrier)
    assert (refused.value.code, refused.value.retry_after_s) == ("20429", 2.5)


@pytest.mark.parametrize(
    ("fault", "placed"),
    [
        ({"create": "lose_reply"}, True),
        ({"create": {"slow": 1.0}}, True),
        ({"create": "500_after_placing"}, True),
        ({"create": "500_before"}, False),
        ({"create": "unreadable"}, True),
    ],
)
async def test_what_nobody_can_know_is_uncertain_and_never_sent_again(
    carrier: TwilioCarrier, sim: RunningCarrier, fault: dict[str, object], placed: bool
) -> None:
    sim.exchange.faults.order(fault)
    with pytest.raises(CarrierUncertain):
        await _place(carrier)
    await asyncio.sleep(0.2)
    assert len(sim.book.creates) == 1
    assert len(sim.book.rings[BUSY]) == int(placed)


async def test_nothing_listening_is_a_refusal(unused_tcp_port: int) -> None:
    carrier = TwilioCarrier(SID, TOKEN, f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(CarrierRefused) as refused:
        await _place(carrier)
    assert refused.value.code == "unreachable"


@asynccontextmanager
async def _scripted(reply: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A socket that answers every request with these bytes and closes; yields its URL and the requests."""
    requests: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        requests.append(head)
        writer.write(reply)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests
    finally:
        server.close()


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 201 Created\r\ncontent-length: 400\r\n\r\n{",
        b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}",
        b'HTTP/1.1 201 Created\r\ncontent-length: 13\r\n\r\n{"sid": "CA"}',
        b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n[]",
        b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
async def test_broken_replies_are_uncertain_after_one_post(reply: bytes) -> None:
    async with _scripted(reply) as (url, requests):
        with pytest.raises(CarrierUncertain):
            await _place(TwilioCarrier(SID, TOKEN, url, timeout_s=2))
        assert len(requests) == 1
        assert requests[0].startswith(b"POST /2010-04-01/Accounts/")


async def test_refusal_without_twilios_json_has_the_http_status_for_code() -> None:
    async with _scripted(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n") as (url, requests):
        with pytest.raises(CarrierRefused) as refused:
            await _place(TwilioCarrier(SID, TOKEN, url))
        assert (refused.value.code, len(requests)) == ("http_403", 1)


async def test_finds_queued_and_begun_calls_of_the_pair_over_all_pages(sim: RunningCarrier) -> None:
    carrier = TwilioCarrier(SID, TOKEN, sim.base_url)
    since = now()
    sids = [await _place(carrier) for _ in range(3)]
    await _place(carrier, CallOrder(ABSENT, OURS, ORDER.answer_url, ""))
    sim.exchange.calls[sids[1]].status = CallStatus.QUEUED
    sim.exchange.calls[sids[1]].begun_at = None
    async with httpx.AsyncClient(base_url=sim.base_url, auth=(SID, TOKEN)) as client:
        page = await client.get(
            f"/2010-04-01/Accounts/{SID}/Calls.json", params={"PageSize": "1", "To": BUSY}
        )
        seen = 1
        while onward := page.json()["next_page_uri"]:
            page = await client.get(onward)
            seen += len(page.json()["calls"])
    assert seen == 3
    found = await asyncio.to_thread(lambda: carrier.find_calls(to=BUSY, from_=OURS, since=since))
    assert {call.sid for call in found} == set(sids)
    queued = next(call for call in found if call.sid == sids[1])
    assert (queued.status, queued.created_at) == (CallStatus.QUEUED, None)
    later = now() + timedelta(hours=1)
    found = await asyncio.to_thread(lambda: carrier.find_calls(to=BUSY, from_=OURS, since=later))
    assert [call.sid for call in found] == [sids[1]]


async def test_listing_that_is_not_complete_is_uncertain(sim: RunningCarrier) -> None:
    stranger = TwilioCarrier(SID, "wrong", sim.base_url)
    instant = datetime(2030, 1, 1, tzinfo=UTC)
    with pytest.raises(CarrierUncertain):
        await asyncio.to_thread(lambda: stranger.find_calls(to=BUSY, from_=OURS, since=instant))
    elsewhere = b'{"calls": [], "next_page_uri": "https://elsewhere.example/"}'
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(elsewhere)}\r\n\r\n".encode()
    async with _scripted(head + elsewhere) as (url, requests):
        lured = TwilioCarrier(SID, TOKEN, url)
        with pytest.raises(CarrierUncertain, match="strange"):
            await asyncio.to_thread(lambda: lured.find_calls(to=BUSY, from_=OURS, since=instant))
        assert len(requests) == 1


async def test_fetch_and_hang_up(carrier: TwilioCarrier, sim: RunningCarrier) -> None:
    unknown = "CA" + "0" * 32
    assert await asyncio.to_thread(carrier.fetch_call, unknown) is None
    await asyncio.to_thread(carrier.hang_up, unknown)
    sid = await _place(carrier, CallOrder(ABSENT, OURS, ORDER.answer_url, ""))
    async with asyncio.timeout(30):
        while sim.exchange.calls[sid].status is not CallStatus.RINGING:
            await asyncio.sleep(0.01)
    call = await asyncio.to_thread(carrier.fetch_call, sid)
    assert call is not None
    assert (call.to, call.from_, call.status) == (ABSENT, OURS, CallStatus.RINGING)
    assert call.created_at is not None
    await asyncio.to_thread(carrier.hang_up, sid)
    async with asyncio.timeout(30):
        while sim.exchange.calls[sid].status is not CallStatus.CANCELED:
            await asyncio.sleep(0.01)
    await asyncio.to_thread(carrier.hang_up, sid)
    stranger = TwilioCarrier(SID, "wrong", sim.base_url)
    with pytest.raises(CarrierRefused):
        await asyncio.to_thread(stranger.hang_up, sid)
    with pytest.raises(CarrierUncertain):
        await asyncio.to_thread(stranger.fetch_call, sid)


async def test_date_filter_reaches_over_midnight(sim: RunningCarrier) -> None:
    carrier = TwilioCarrier(SID, TOKEN, sim.base_url)
    sid = await _place(carrier, CallOrder("+12025550103", OURS, ORDER.answer_url, ""))
    async with asyncio.timeout(30):
        while not sim.exchange.calls[sid].status.is_final:
            await asyncio.sleep(0.01)
    midnight = datetime(2031, 5, 2, tzinfo=UTC)
    sim.exchange.calls[sid].ordered_at = sim.exchange.calls[sid].begun_at = midnight - timedelta(minutes=1)
    found = await asyncio.to_thread(lambda: carrier.find_calls(to="+12025550103", from_=OURS, since=midnight))
    assert [call.sid for call in found] == [sid]


async def test_an_order_has_machines_detected_in_the_background_only_where_it_says_where_to_tell(
    carrier: TwilioCarrier, sim: RunningCarrier
) -> None:
    assert carrier.capabilities.detects_machines
    url = "http://127.0.0.1:1/machine?token=t"
    await _place(carrier, CallOrder(BUSY, OURS, ORDER.answer_url, "", machine_url=url))
    await _place(carrier, CallOrder(ABSENT, OURS, ORDER.answer_url, ""))
    asked, unasked = (create["form"] for create in sim.book.creates)
    detection = {
        "MachineDetection": "DetectMessageEnd", "AsyncAmd": "true", "AsyncAmdStatusCallback": url,
        "AsyncAmdStatusCallbackMethod": "POST",
    }  # fmt: skip
    assert detection.items() <= asked.items()
    assert not detection.keys() & unasked.keys()


@pytest.mark.parametrize(
    ("finding", "who"),
    [
        ("human", AnsweredBy.HUMAN),
        ("fax", AnsweredBy.FAX),
        ("unknown", AnsweredBy.UNKNOWN),
        ("machine_start", AnsweredBy.MACHINE),
        ("machine_end_beep", AnsweredBy.MACHINE),
        ("machine_end_silence", AnsweredBy.MACHINE),
        ("machine_end_other", AnsweredBy.MACHINE),
    ],
)
def test_what_detection_came_to_is_read(finding: str, who: AnsweredBy) -> None:
    carrier, sid = TwilioCarrier(SID, TOKEN), "CA" + "1" * 32
    form = {"CallSid": sid, "AnsweredBy": finding, "MachineDetectionDuration": "4250"}
    assert carrier.read_answered_by(form) == AnswerReport(sid, who, 4250)
    for broken, named in (({"AnsweredBy": "nobody"}, "AnsweredBy"), ({"CallSid": "x"}, "CallSid")):
        with pytest.raises(ValueError, match=named):
            carrier.read_answered_by(form | broken)
