"""Calls from the page over real sockets: held, interrupted, ended by anybody, and told of."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from control.from_page import LONG, begun, events, lines_in_use, over, talking
from control.theatre import Theatre, Use
from media.media_stubs import voice
from simulators.product import until
from support.browser_line import on_line
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.domain.agents import service as agents
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.calls import service as calls
from trunkline.domain.control import store
from trunkline.domain.leads.models import Lead
from trunkline.domain.outbound.models import Suppression

pytestmark = pytest.mark.hasty


@pytest.mark.parametrize("mulaw", [False, True], ids=["pcm16", "mulaw"])
async def test_a_whole_call_is_held_and_on_record_like_any_other(theatre: Theatre, mulaw: bool) -> None:
    theatre.brain.scripts = [["Good day.", "How are you?"]]
    theatre.room._speech.stt.answers = ["quite well"]  # type: ignore[attr-defined]
    call = await begun(theatre)
    assert lines_in_use(theatre) == 1
    async with on_line(theatre.url, call, mulaw=mulaw) as line:
        await until(lambda: line.told[:1] == [{"event": "started"}])
        await until(lambda: len(line.of("mark")) == 2)
        line.say(voice(1_000))
        await asyncio.wait_for(line.over.wait(), 60)
        assert line.told[-1] == {"event": "end"}
        assert line.socket.close_code == 1000
    found = await over(theatre, call["call_id"])
    assert (found.carrier, found.direction, found.theirs, found.ours) == (
        "browser", "inbound", theatre.world.email, "",
    )  # fmt: skip
    assert (found.state, found.end_reason, found.disposition) == ("ended", "heard_enough", "no_response")
    assert found.finalized_at
    assert found.answered_at
    told = events(theatre, found.id)
    said = [event.data for event in told if event.kind == "agent_said"]
    assert [(one["heard_text"], one["interrupted"]) for one in said] == [("Good day. How are you?", False)]
    # The mark has come back: somebody has really played it.
    assert said[0]["heard_ms"] is not None
    assert [event.data["text"] for event in told if event.kind == "caller_said"] == ["quite well"]
    assert any(event.kind == "latency" for event in told)
    end = told[-1].data
    assert end["frames_in"]["dropped"].keys() <= {"ended", "goodbye"}
    assert end["frames_in"]["lost_ms"] == 0
    assert line.voiced_ms() > 1_000
    # The page was shown the same while it went on, its goodbye before the end.
    shown = {one["sequence"]: (one["kind"], one["data"]) for one in line.of("told")}
    kept = {event.sequence: event for event in told if event.kind in {"agent_said", "caller_said", "latency"}}
    assert shown.keys() == kept.keys()
    for sequence, (kind, data) in shown.items():
        assert kind == kept[sequence].kind
        assert data.items() <= kept[sequence].data.items()
    assert any("greeting_ms" in data for kind, data in shown.values() if kind == "latency")
    assert lines_in_use(theatre) == 0
    (end_of_call,) = await feed(theatre, "call.ended", found.id)
    assert end_of_call["data"]["disposition"] is None


async def feed(theatre: Theatre, kind: str, call_id: UUID) -> list[dict[str, Any]]:
    """Return what the page's feed tells of a call."""
    async with theatre.person() as person:
        answer = (await person.get("/api/events")).raise_for_status().json()
    told: list[dict[str, Any]] = answer["events"]
    return [one for one in told if one["kind"] == kind and one["subject_id"] == str(call_id)]


async def test_whoever_speaks_over_the_agent_silences_it_and_the_transcript_ends_there(
    theatre: Theatre,
) -> None:
    theatre.brain.scripts = [["This is a very long sentence, which goes on and on, for ever and a day."]]
    theatre.room._speech.stt.answers = ["stop it please"]  # type: ignore[attr-defined]
    async with talking(theatre) as (line, call_id):
        line.say(voice(1_500))
        await until(lambda: bool(line.of("clear")))
        await asyncio.wait_for(line.over.wait(), 60)
    await over(theatre, call_id)
    said = next(event.data for event in events(theatre, call_id) if event.kind == "agent_said")
    assert said["interrupted"]
    assert len(said["heard_text"]) < len(said["text"])


async def test_an_agent_ends_a_call_by_its_tool_and_has_no_other_of_a_carrier(theatre: Theatre) -> None:
    theatre.brain.scripts = [
        [
            Use("transfer_call", {"to": "101"}),
            Use("hold_call"),
            Use("send_digits", {"digits": "1"}),
            "Bye.",
            Use("hang_up"),
        ]
    ]
    async with talking(theatre) as (line, call_id):
        await asyncio.wait_for(line.over.wait(), 60)
    found = await over(theatre, call_id)
    assert [result.ok for result in theatre.brain.results] == [False, False, False, True]
    (brief,) = theatre.brain.briefs
    assert {tool.name for tool in brief.tools} == {"hang_up"}
    with unit_of_work(theatre.world.scope) as session:
        done = store.controls_of(session, theatre.world.business_id, call_id)
        assert [(act.verb, act.state) for act in done] == [("hang_up", "done")]
    assert (found.state, found.end_reason) == ("ended", "agent_hung_up")


async def test_a_person_ends_a_call_from_its_page_and_is_refused_all_else(theatre: Theatre) -> None:
    theatre.brain.scripts = [[LONG]]
    async with talking(theatre) as (line, call_id), theatre.person() as person:
        asked = {
            "transfer": {"to": "101"},
            "hold": {},
            "digits": {"digits": "1"},
            "drop-message": {"message": "x"},
        }
        for path, body in asked.items():
            answer = await person.post(f"/api/calls/{call_id}/{path}", json=body)
            assert answer.status_code == 409
            assert answer.json()["error"] | {"trace_id": ""} == {
                "code": "conflict", "message": "The call's carrier cannot do this.",
                "data": {"carrier": "browser", "reason": "carrier_cannot"}, "trace_id": "",
            }  # fmt: skip
        assert not line.over.is_set()
        answer = await person.post(f"/api/calls/{call_id}/hang-up")
        assert answer.status_code == 200, answer.text
        await asyncio.wait_for(line.over.wait(), 60)
        assert line.told[-1] == {"event": "end"}
    found = await over(theatre, call_id)
    assert (found.state, found.end_reason, found.disposition) == ("ended", "hung_up", "cancelled")


async def test_whoever_tries_an_agent_becomes_no_lead_and_no_number_that_is_never_called(
    theatre: Theatre,
) -> None:
    world = theatre.world
    tools = ["book_appointment", "do_not_call", "request_callback"]
    with unit_of_work(world.scope) as session:
        agents.update_agent(session, world.business_id, world.agent_id, {"tools": tools}, actor="test")
        known = {lead.phone for lead in session.scalars(select(Lead))}
    theatre.brain.scripts = [
        [
            Use("book_appointment", {"weekday": "tuesday", "time": "10:00"}),
            Use("do_not_call"),
            Use("request_callback", {"at": "17:00"}),
            Use("request_callback", {"note": "asked whether it is cold"}),
            "Bye.",
            Use("hang_up"),
        ]
    ]
    async with talking(theatre) as (line, call_id):
        await asyncio.wait_for(line.over.wait(), 60)
    await over(theatre, call_id)
    booked, not_again, later, noted, _ = theatre.brain.results
    assert (booked.ok, noted.ok) == (True, True)
    assert [result.data["error"] for result in (not_again, later)] == ["invalid_input"] * 2
    with unit_of_work(world.scope) as session:
        (appointment,) = session.scalars(select(Appointment))
        assert (appointment.lead_id, appointment.call_id) == (None, call_id)
        assert {lead.phone for lead in session.scalars(select(Lead))} == known
        assert list(session.scalars(select(Suppression))) == []
        # The wish leads to the call, and the call to who it was.
        (wish,) = session.scalars(select(Event).where(Event.kind == "callback.requested"))
        assert (wish.subject_id, wish.data["phone"], wish.data["call_id"]) == (None, None, str(call_id))
        assert calls.get_call(session, world.business_id, call_id).theirs == world.email


@pytest.mark.parametrize("politely", [True, False])
async def test_a_browser_that_goes_ends_its_call(theatre: Theatre, politely: bool) -> None:
    theatre.brain.scripts = [[LONG]]
    async with talking(theatre) as (line, call_id):
        if politely:
            await line.send({"event": "stop"})
            await asyncio.wait_for(line.over.wait(), 60)
        else:
            line.socket.transport.abort()
    found = await over(theatre, call_id)
    assert (found.state, found.end_reason) == ("ended", "stop" if politely else "disconnect")
    assert found.finalized_at
    assert lines_in_use(theatre) == 0
