"""Calls from the page over real sockets: held, interrupted, ended by anybody, limited, and told of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed, InvalidStatus

from control.theatre import Theatre, Use, open_theatre
from media.media_stubs import voice
from simulators.product import until
from support.browser_line import START, BrowserLine, frame, knock, on_line
from support.installation import TOKEN_KEY, Installation
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import Database, database, install_database, unit_of_work
from trunkline.core.events import Event
from trunkline.domain.agents import service as agents
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call, CallEvent
from trunkline.domain.calls.tickets import MediaTicket, browser_token, media_token
from trunkline.domain.control import store
from trunkline.domain.leads.models import Lead
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.models import Suppression
from trunkline.domain.people import service as people
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock, tokens
from trunkline.web import browser_calls

LONG = "One two three four five six seven eight nine ten. " * 5
"""Longer than any of these tests."""


async def begun(theatre: Theatre) -> dict[str, Any]:
    """Take a line from the page."""
    async with theatre.person() as person:
        answer = await person.post(f"/api/agents/{theatre.world.agent_id}/browser-calls")
        assert answer.status_code == 201, answer.text
        return answer.json()  # type: ignore[no-any-return]


@asynccontextmanager
async def talking(theatre: Theatre, **how: bool) -> AsyncIterator[tuple[BrowserLine, UUID]]:
    """Hold a call from the page in which the agent is heard."""
    call = await begun(theatre)
    async with on_line(theatre.url, call, **how) as line:
        await until(lambda: line.voiced_ms() > 200)
        yield line, UUID(call["call_id"])


async def over(theatre: Theatre, call_id: UUID | str) -> Call:
    """Wait until the process has let the call go, write it down, and return its row."""
    await until(lambda: theatre.room.is_empty)
    await theatre.written()
    return row(theatre, call_id)


def row(theatre: Theatre, call_id: UUID | str) -> Call:
    with unit_of_work(theatre.world.scope) as session:
        return session.scalars(select(Call).where(Call.id == call_id)).one()


def events(theatre: Theatre, call_id: UUID) -> list[CallEvent]:
    with unit_of_work(theatre.world.scope) as session:
        return list(calls.events_of(session, theatre.world.business_id, call_id))


def lines_in_use(theatre: Theatre) -> int:
    with unit_of_work(theatre.world.scope) as session:
        return outbound.lines_in_use(session, theatre.world.business_id)


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
        await asyncio.wait_for(line.over.wait(), 20)
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
        await asyncio.wait_for(line.over.wait(), 20)
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
        await asyncio.wait_for(line.over.wait(), 20)
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
                "data": {"carrier": "browser"}, "trace_id": "",
            }  # fmt: skip
        assert not line.over.is_set()
        answer = await person.post(f"/api/calls/{call_id}/hang-up")
        assert answer.status_code == 200, answer.text
        await asyncio.wait_for(line.over.wait(), 20)
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
        await asyncio.wait_for(line.over.wait(), 20)
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
            await asyncio.wait_for(line.over.wait(), 20)
        else:
            line.socket.transport.abort()
    found = await over(theatre, call_id)
    assert (found.state, found.end_reason) == ("ended", "stop" if politely else "disconnect")
    assert found.finalized_at
    assert lines_in_use(theatre) == 0


async def test_a_token_lets_one_socket_in_and_the_second_disturbs_nobody(theatre: Theatre) -> None:
    theatre.brain.scripts = [[LONG]]
    call = await begun(theatre)
    async with on_line(theatre.url, call) as first:
        await until(lambda: first.voiced_ms() > 200)
        async with on_line(theatre.url, call) as second:
            await asyncio.wait_for(second.over.wait(), 20)
            assert [(one["event"], one["code"]) for one in second.told] == [("refused", "conflict")]
        heard = first.voiced_ms()
        await until(lambda: first.voiced_ms() > heard + 500)
        assert row(theatre, call["call_id"]).state == "live"
    assert (await over(theatre, call["call_id"])).end_reason == "disconnect"


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


# --- Who may ----------------------------------------------------------------------------


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
            await asyncio.wait_for(line.over.wait(), 20)
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
                await asyncio.wait_for(other.over.wait(), 20)
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


# --- What is wrong at the door -------------------------------------------------------------


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


async def test_a_token_opens_no_call_of_another_business(theatre: Theatre, umbrella: World) -> None:
    call = await begun(theatre)
    stolen = MediaTicket(umbrella.business_id, UUID(call["call_id"]), 1)
    token = browser_token(stolen, key=TOKEN_KEY)
    async with on_line(theatre.url, call | {"token": token}) as line:
        await asyncio.wait_for(line.over.wait(), 20)
        assert [(one["event"], one["code"]) for one in line.told] == [("refused", "not_found")]
    assert row(theatre, call["call_id"]).state == "ringing"


async def test_a_call_that_its_agent_cannot_hold_is_ended_and_on_record(theatre: Theatre) -> None:
    with unit_of_work(theatre.world.scope) as session:
        agents.get_agent(session, theatre.world.business_id, theatre.world.agent_id).brain = "scripted"
        agents.get_agent(session, theatre.world.business_id, theatre.world.agent_id).language = "fr"
    call = await begun(theatre)
    async with on_line(theatre.url, call) as line:
        await asyncio.wait_for(line.over.wait(), 20)
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
        await asyncio.wait_for(bad.over.wait(), 20)
        assert [(one["event"], one["code"]) for one in bad.told[-1:]] == [("refused", "unusable")]
        heard = good.voiced_ms()
        await until(lambda: good.voiced_ms() > heard + 500)
        assert good.socket.close_code is None
    await over(theatre, good_id)
    dropped = events(theatre, bad_id)[-1].data["frames_in"]["dropped"]
    assert {"malformed", "too_fast", "out_of_order", "unknown_mark"} <= dropped.keys()
    assert events(theatre, good_id)[-1].data["frames_in"]["dropped"].keys() <= {"ended", "goodbye"}
