"""Calls over the local carrier's real wire: statuses, signatures, TwiML, faults, the book."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from product import OURS, SID, TOKEN, FakeHearing, FakeVoice, Socket, Town, until

from trunkline.providers.ports import CallOrder
from trunkline.providers.twilio import TwilioCarrier
from trunkline.simulators.carrier import (
    CarrierOptions,
    Person,
    Persona,
    read_people_file,
    serving,
)

pytestmark = pytest.mark.hasty


async def test_answered_call_reports_each_status_in_order_and_signed(town: Town) -> None:
    town.product.twiml = "<Response><Say>Hello</Say><Pause length='1'/><Hangup/></Response>"
    sid = await town.dial(Persona.SILENT)
    await until(town.product.over.is_set)
    assert town.product.statuses() == ["initiated", "ringing", "in-progress", "completed"]
    assert [form["SequenceNumber"] for form in town.product.callbacks] == ["0", "1", "2", "3"]
    reports = [town.carrier.read_report(form) for form in town.product.callbacks]
    assert {report.sid for report in reports} == {sid}
    assert reports[-1].duration_s == 1
    assert town.product.voice[0]["CallStatus"] == "in-progress"
    assert town.product.voice[0]["Direction"] == "outbound-api"
    entry = town.sim.book.calls[sid]
    assert [step["status"] for step in entry.statuses] == ["queued", *town.product.statuses()]
    assert [step["verb"] for step in entry.twiml] == ["Say", "Pause", "Hangup"]


@pytest.mark.parametrize(
    ("persona", "expected"),
    [
        (Persona.BUSY, ["initiated", "busy"]),
        (Persona.NO_ANSWER, ["initiated", "ringing", "no-answer"]),
        (None, ["initiated", "failed"]),
    ],
)
async def test_calls_nobody_takes(
    town: Town,
    persona: Persona | None,
    expected: list[str],
) -> None:
    to = town.numbers[persona] if persona else "+12025550188"
    await town.dial(to)
    await until(town.product.over.is_set)
    assert town.product.statuses() == expected
    assert town.product.callbacks[-1]["CallDuration"] == "0"
    assert town.product.voice == []
    assert [ring.busy for ring in town.sim.book.rings[to]] == (
        [] if persona is None else [persona is Persona.BUSY]
    )


@pytest.mark.parametrize(
    ("twiml", "code"),
    [
        ("no xml", 12100),
        ("<Other/>", 12100),
        ("<Response><Dial>+1</Dial></Response>", 13223),
        ("<Response><Pause length='long'/></Response>", 12200),
        ("<Response><Connect><Room>x</Room></Connect></Response>", 12200),
        ('<Response><Connect><Stream url="ws://example.com/x"/></Connect></Response>', 31910),
        ('<Response><Connect><Stream url="wss://example.com/x?a=b"/></Connect></Response>', 31920),
        ('<Response><Connect><Stream url="ws://127.0.0.1:9/x"/></Connect></Response>', 31920),
    ],
)
async def test_twiml_that_cannot_be_followed_is_in_the_book(town: Town, twiml: str, code: int) -> None:
    town.product.twiml = twiml
    sid = await town.dial(Persona.SILENT)
    await until(town.product.over.is_set)
    assert town.product.statuses()[-1] == "completed"
    assert [error["code"] for error in town.sim.book.calls[sid].errors] == [code]


async def test_failing_voice_webhook_is_tried_twice_and_ends_the_call(town: Town) -> None:
    town.product.twiml, town.product.voice_status = "<Response/>", 500
    sid = await town.dial(Persona.SILENT)
    await until(town.product.over.is_set)
    assert len(town.product.voice) == 2
    assert [error["code"] for error in town.sim.book.calls[sid].errors] == [11200]


async def test_inbound_call_is_offered_then_answered(town: Town) -> None:
    town.product.twiml = "<Response><Say>Hello</Say></Response>"
    async with httpx.AsyncClient(base_url=town.sim.base_url) as control:
        number = {"number": OURS, "voice_url": town.product.voice_url, "status_url": town.product.status_url}
        assert (await control.post("/sim/numbers", json=number)).status_code == 200
        call = {"from": "+12025550177", "to": OURS, "persona": "silent"}
        sid = (await control.post("/sim/calls", json=call)).json()["sid"]
        await until(town.product.over.is_set)
        book = (await control.get("/sim/book")).json()
    assert town.product.voice[0]["CallStatus"] == "ringing"
    assert town.product.voice[0]["Direction"] == "inbound"
    assert town.product.statuses() == ["completed"]
    entry = next(call for call in book["calls"] if call["sid"] == sid)
    assert [step["status"] for step in entry["statuses"]] == ["ringing", "in-progress", "completed"]


async def test_rejected_inbound_call_is_never_answered(town: Town) -> None:
    town.product.twiml = town.product._carrier.reject_answer().body
    async with httpx.AsyncClient(base_url=town.sim.base_url) as control:
        await control.post("/sim/numbers", json={"number": "*", "voice_url": town.product.voice_url})
        call = {"from": "+12025550177", "to": "+12025550142", "persona": "interested"}
        sid = (await control.post("/sim/calls", json=call)).json()["sid"]
        await until(lambda: town.sim.book.calls[sid].ended_at is not None)
    entry = town.sim.book.calls[sid]
    assert (entry.answered_at, entry.twiml[0]["verb"]) == (None, "Reject")
    await until(lambda: town.sim.book.calls[sid].status == "no-answer")


async def test_control_endpoints_explain_what_they_refuse(town: Town) -> None:
    async with httpx.AsyncClient(base_url=town.sim.base_url) as control:
        for path, body in (
            ("/sim/calls", {"from": "+12025550177", "to": OURS, "persona": "silent"}),
            ("/sim/calls", {"from": "+12025550177"}),
            ("/sim/people", {"number": "+12025550177", "persona": "grumpy"}),
            ("/sim/faults", {"create": "earthquake"}),
            ("/sim/faults", [1]),
        ):
            reply = await control.post(path, json=body)
            assert reply.status_code == 400
            assert reply.json()["error"]


async def test_second_call_to_an_engaged_line_is_busy_and_a_double_dial(town: Town) -> None:
    async def hold(socket: Socket) -> None:
        await socket.next("stop")

    town.product.agent = hold
    to = town.numbers[Persona.SILENT]
    first = await town.dial(to)
    await until(lambda: bool(town.product.sockets))
    second = await town.dial(to)
    await until(town.product.over.is_set)
    assert town.sim.book.calls[second].status == "busy"
    doubles = town.sim.book.double_dials()
    assert {"kind": "overlap", "number": to, "sids": [first, second]} in doubles
    assert {"kind": "same_order", "number": to, "sids": [first, second]} in doubles
    await asyncio.to_thread(town.carrier.hang_up, first)
    await until(lambda: town.sim.book.calls[first].status == "completed")
    assert town.sim.book.calls[first].ended_by == "api"


async def test_later_redial_is_no_double_dial(town: Town) -> None:
    to = town.numbers[Persona.BUSY]
    for attempt in ("one", "two"):
        town.product.over.clear()
        order = CallOrder(to, OURS, f"{town.product.voice_url}{attempt}", town.product.status_url)
        await asyncio.to_thread(town.carrier.place_call, order)
        await until(town.product.over.is_set)
    assert len(town.sim.book.rings[to]) == 2
    assert town.sim.book.double_dials() == []


async def test_lost_reply_rings_once_and_is_found_again(town: Town) -> None:
    async with httpx.AsyncClient(base_url=town.sim.base_url) as control:
        await control.post("/sim/faults", json={"create": "lose_reply", "times": 1})
    impatient = TwilioCarrier(SID, TOKEN, town.sim.base_url, timeout_s=0.3)
    with pytest.raises(Exception, match="no reply"):
        await town.dial(Persona.BUSY, impatient)
    await until(town.product.over.is_set)
    assert len(town.sim.book.creates) == 1
    assert len(town.sim.book.rings[town.numbers[Persona.BUSY]]) == 1
    assert town.sim.book.creates[0]["reply"] == 0


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("drop", ["ringing", "in-progress", "completed"]),
        ("duplicate", ["initiated", "initiated", "ringing", "in-progress", "completed"]),
        ("reorder", ["ringing", "initiated", "in-progress", "completed"]),
    ],
)
async def test_faults_of_status_callbacks(
    town: Town,
    fault: str,
    expected: list[str],
) -> None:
    town.product.twiml = "<Response><Hangup/></Response>"
    town.sim.exchange.faults.order({"status_callbacks": fault, "times": 1})
    await town.dial(Persona.SILENT)
    await until(town.product.over.is_set)
    assert town.product.statuses() == expected


async def test_a_delayed_callback_and_those_behind_it_come_late(town: Town) -> None:
    town.sim.exchange.faults.order({"status_callbacks": "delay", "times": 1, "seconds": 3})
    loop = asyncio.get_running_loop()
    began = loop.time()
    sid = await town.dial(Persona.BUSY)
    await until(town.product.over.is_set)
    call = town.sim.book.calls[sid]
    # The book is written behind the answer, so ours may be a moment ahead of it.
    await until(lambda: len(call.callbacks) == 2)
    assert town.product.statuses() == ["initiated", "busy"]
    assert [sent["fault"] for sent in call.callbacks] == ["delay", None]
    assert loop.time() - began >= 3


async def test_failing_callback_is_sent_once_more(town: Town) -> None:
    town.product.failing_callbacks = 1
    sid = await town.dial(Persona.BUSY)
    await until(town.product.over.is_set)
    await until(lambda: len(town.sim.book.calls[sid].callbacks) == 2)
    assert [sent["replies"] for sent in town.sim.book.calls[sid].callbacks] == [[503, 200], [200]]


async def test_orders_beyond_the_pace_stay_queued(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "book.jsonl"
    people = (Person("+12025550101", Persona.BUSY), Person("+12025550102", Persona.BUSY))
    options = CarrierOptions(
        SID, TOKEN, people=people, seed=1, realtime=False, calls_per_second=0.1, book_file=file
    )
    async with serving(options, tts=FakeVoice(), stt=FakeHearing()) as slow:
        carrier = TwilioCarrier(SID, TOKEN, slow.base_url)
        await town.dial("+12025550101", carrier)
        waiting = await town.dial("+12025550102", carrier)
        await until(town.product.over.is_set)
        call = await asyncio.to_thread(carrier.fetch_call, waiting)
        assert call is not None
        assert (call.status, call.created_at) == ("queued", None)
        await asyncio.to_thread(carrier.hang_up, waiting)
        await until(lambda: slow.book.calls[waiting].status == "canceled")
        assert slow.book.rings["+12025550102"] == []
    kinds = {json.loads(line)["kind"] for line in file.read_text().splitlines()}
    assert kinds >= {"create", "call", "statuses", "ring", "callbacks"}


def test_people_file_tells_people_numbers_and_calls(tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    content = {
        "people": [{"number": "+12025550101", "persona": "busy", "name": "B"}],
        "numbers": [{"number": OURS, "voice_url": "http://127.0.0.1/v"}],
        "calls": [{"from": "+12025550101", "to": OURS, "persona": "interested", "after_s": 2}],
    }
    file.write_text(json.dumps(content))
    read = read_people_file(file)
    assert read.people == (Person("+12025550101", Persona.BUSY, "B"),)
    assert read.numbers[0].voice_url == "http://127.0.0.1/v"
    assert read.inbound[0].after_s == 2
