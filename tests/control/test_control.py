"""Call control over the carrier's real wire: handed on, held, keyed, hung up, by agents and by people."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from control.theatre import OFFICE, Theatre, Use, open_theatre
from simulators.product import until
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import database, of_business, unit_of_work
from trunkline.core.toolbox import ToolCaller
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.calls.service import EVENTS_A_LEG
from trunkline.domain.control import answers, tending
from trunkline.domain.control import service as control_service
from trunkline.domain.control.models import CallControl
from trunkline.domain.people import service as people
from trunkline.kit import clock
from trunkline.providers.ports import BrainFailed, CallStatus, DialReport, ToolResult, Voice
from trunkline.simulators.carrier import Persona
from trunkline.web import live_tools
from trunkline.web.preparation import Machines, Preparation
from trunkline.web.sentences import APOLOGY, BACK_AGAIN, NOBODY_THERE

pytestmark = pytest.mark.hasty


async def test_an_agent_hands_the_caller_on_when_its_sentence_has_been_heard(theatre: Theatre) -> None:
    theatre.brain.scripts = [["I will put you through.", Use("transfer_call", {"to": "Office"})]]
    sid = theatre.phone_in()
    call = await theatre.over(sid)
    assert theatre.brain.results[0].ok
    assert theatre.verbs(sid) == ["Connect", "Redirect", "Dial"]
    assert theatre.entry(sid).errors == []
    # They did talk with each other, and the agent's sentence was heard out before.
    (leg,) = theatre.legs(sid)
    assert (leg.to, leg.from_, leg.status) == (OFFICE, theatre.world.number, "completed")
    assert leg.media["joined_frames"] > 50
    assert theatre.entry(sid).media["joined_frames"] > 50
    said = [event.data for event in theatre.events(sid) if event.kind == "agent_said"]
    assert [(line["heard_text"], line["interrupted"]) for line in said] == [
        ("I will put you through.", False)
    ]
    # And it is on record.
    assert (call.state, call.disposition, call.end_reason, call.away) == ("ended", *["transferred"] * 3)
    assert call.finalized_at is not None
    (control,) = theatre.controls(sid)
    assert (control.verb, control.state, control.target) == ("transfer", "done", OFFICE)
    assert control.actor == f"agent:{theatre.world.agent_id}"
    assert control.data["label"] == "101 (Office)"


async def test_a_caller_whom_nobody_takes_gets_the_agent_back_with_its_memory(theatre: Theatre) -> None:
    theatre.brain.scripts = [
        ["Let me see who is there.", Use("transfer_call", {"to": "102"})],
        ["It is me again.", Use("hang_up")],
    ]
    sid = theatre.phone_in()
    call = await theatre.over(sid)
    assert theatre.verbs(sid) == ["Connect", "Redirect", "Dial", "Connect", "Redirect"]
    first, second = theatre.brain.briefs
    assert (first.past, first.greeting) == ((), "")
    assert [(line.who, line.text) for line in second.past] == [("agent", "Let me see who is there.")]
    assert second.greeting == NOBODY_THERE["en"]
    states = [(control.verb, control.state) for control in theatre.controls(sid)]
    assert states == [("transfer", "failed"), ("hang_up", "done")]
    assert (call.end_reason, call.away, call.media_spent) == ("agent_hung_up", None, 2)
    numbers = [event.sequence for event in theatre.events(sid)]
    legs = [[n for n in numbers if n <= EVENTS_A_LEG], [n for n in numbers if n > EVENTS_A_LEG]]
    assert legs[0] == list(range(1, len(legs[0]) + 1))
    assert legs[1] == list(range(EVENTS_A_LEG + 1, EVENTS_A_LEG + 1 + len(legs[1])))
    assert [event.data["reason"] for event in theatre.events(sid) if event.kind == "ended"] == [
        "transferred", "agent_hung_up",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("to", "code"),
    [("104", "forbidden"), ("+12125550399", "forbidden"), ("nobody at all", "invalid_input")],
)
async def test_an_agent_hands_calls_to_those_on_its_list_alone(theatre: Theatre, to: str, code: str) -> None:
    theatre.brain.scripts = [[Use("transfer_call", {"to": to}), "You stay with me.", Use("hang_up")]]
    sid = theatre.phone_in()
    call = await theatre.over(sid)
    assert theatre.brain.results[0].data["error"] == code
    assert theatre.verbs(sid) == ["Connect", "Redirect"]
    assert [control.verb for control in theatre.controls(sid)] == ["hang_up"]
    assert (call.end_reason, call.disposition) == ("agent_hung_up", "no_response")


async def test_an_agent_lets_a_caller_wait_to_music_and_comes_back(theatre: Theatre) -> None:
    theatre.brain.scripts = [["One moment.", Use("hold_call", {"seconds": 5})], [Use("hang_up")]]
    sid = theatre.phone_in()
    await theatre.over(sid, 40)
    assert theatre.verbs(sid) == ["Connect", "Redirect", "Play", "Redirect", "Connect", "Redirect"]
    assert theatre.brain.briefs[1].greeting == BACK_AGAIN["en"]
    # One turn of the music, which was fetched from us and played whole.
    assert theatre.entry(sid).media["carrier_frames"] > 390
    assert theatre.entry(sid).errors == []


async def test_a_person_holds_a_call_and_resumes_it(theatre: Theatre) -> None:
    theatre.brain.scripts = [["Hello. " * 20], ["Here I am.", Use("hang_up")]]
    sid = theatre.phone_in()
    call_id = await theatre.live(sid)
    async with theatre.person() as person:
        held = await person.post(f"/api/calls/{call_id}/hold")
        assert (held.status_code, held.json()["verb"]) == (200, "hold")
        await until(lambda: "Play" in theatre.verbs(sid))
        await theatre.written()
        assert (theatre.row(sid).state, theatre.row(sid).away) == ("live", "on_hold")
        resumed = await person.post(f"/api/calls/{call_id}/resume")
        assert resumed.status_code == 200
        assert (await person.post(f"/api/calls/{call_id}/resume")).status_code == 409
        call = await theatre.over(sid)
        assert call.end_reason == "agent_hung_up"
        shown = (await person.get(f"/api/calls/{call_id}/controls")).json()
        assert [(row["verb"], row["state"]) for row in shown] == [
            ("hold", "done"), ("resume", "done"), ("hang_up", "done"),
        ]  # fmt: skip
        assert shown[0]["actor"] == theatre.world.email
        over = await person.post(f"/api/calls/{call_id}/hold")
        assert (over.status_code, over.json()["error"]["code"]) == (409, "conflict")


async def test_a_person_hands_a_call_on_in_the_middle_of_a_word(theatre: Theatre) -> None:
    theatre.brain.scripts = [["Hello. " * 40]]
    sid = theatre.phone_in()
    call_id = await theatre.live(sid)
    async with theatre.person() as person:
        handed = await person.post(f"/api/calls/{call_id}/transfer", json={"to": OFFICE})
        assert (handed.status_code, handed.json()["state"]) == (202, "under_way")
    call = await theatre.over(sid)
    assert (call.disposition, call.end_reason) == ("transferred", "transferred")
    assert theatre.controls(sid)[0].state == "done"
    (said,) = [event.data for event in theatre.events(sid) if event.kind == "agent_said"]
    assert len(said["heard_text"]) < len(said["text"])


async def test_keys_of_a_person_go_down_the_line_and_the_agent_goes_on(theatre: Theatre) -> None:
    theatre.brain.scripts = [["Hello. " * 20], [Use("hang_up")]]
    sid = theatre.phone_in()
    call_id = await theatre.live(sid)
    async with theatre.person() as person:
        assert (await person.post(f"/api/calls/{call_id}/digits", json={"digits": "12#x"})).status_code == 422
        sent = await person.post(f"/api/calls/{call_id}/digits", json={"digits": "12#"})
        assert sent.status_code == 200
    await theatre.over(sid)
    assert [step["detail"] for step in theatre.entry(sid).twiml if step["verb"] == "Play"] == ["12#"]
    # Three keys of 100 ms each.
    assert theatre.entry(sid).media["carrier_frames"] == pytest.approx(15, abs=3)
    assert len(theatre.brain.briefs) == 2


async def test_a_message_is_dropped_and_the_call_ends(theatre: Theatre) -> None:
    theatre.brain.scripts = [["Hello. " * 20]]
    sid = theatre.phone_in()
    call_id = await theatre.live(sid)
    async with theatre.person() as person:
        body = {"message": "Please call us back."}
        assert (await person.post(f"/api/calls/{call_id}/drop-message", json=body)).status_code == 200
    call = await theatre.over(sid)
    assert theatre.entry(sid).twiml[-2]["detail"] == "Please call us back."
    assert (call.disposition, call.end_reason) == ("voicemail", "message_dropped")


async def test_a_person_hangs_up(theatre: Theatre) -> None:
    theatre.brain.scripts = [["Hello. " * 20]]
    sid = theatre.phone_in()
    call_id = await theatre.live(sid)
    async with theatre.person() as person:
        assert (await person.post(f"/api/calls/{call_id}/hang-up")).status_code == 200
    call = await theatre.over(sid)
    assert theatre.entry(sid).ended_by == "api"
    assert (call.disposition, call.end_reason) == ("cancelled", "hung_up")


async def test_a_caller_who_hangs_up_while_it_rings_at_the_colleague_s_is_a_call_that_is_over(
    installation: Installation, acme: World
) -> None:
    async with open_theatre(installation, acme, realtime=True) as theatre:
        theatre.brain.scripts = [["One moment.", Use("transfer_call", {"to": "102"})]]
        sid = theatre.phone_in()
        await until(lambda: any(leg.status == "ringing" for leg in theatre.legs(sid)), 60)
        theatre.sim.exchange.calls[sid].hang_up("person")
        await theatre.over(sid)
        await settled(theatre, sid, "failed")
        assert [leg.status for leg in theatre.legs(sid)] == ["canceled"]
        call = theatre.row(sid)
        assert (call.state, call.end_reason, call.disposition) == ("ended", "transferring", "no_response")
        assert call.finalized_at is not None


async def settled(theatre: Theatre, sid: str, state: str) -> None:
    """Wait until the carrier has told what came of the call's only act."""
    await until(lambda: theatre.controls(sid)[0].state != "under_way")
    assert [row.state for row in theatre.controls(sid)] == [state]


@pytest.mark.parametrize(
    ("asks", "reason"),
    [
        (Use("transfer_call", {"to": "101"}), "transferring"),
        (Use("leave_message", {"message": "Call us."}), "leaving_message"),
    ],
)
async def test_what_was_only_asked_for_when_the_caller_went_has_not_happened(
    theatre: Theatre, asks: Use, reason: str
) -> None:
    theatre.brain.scripts = [[asks, "One moment. " * 20]]
    sid = theatre.phone_in()
    await theatre.live(sid)
    assert theatre.row(sid).away == reason
    theatre.sim.exchange.calls[sid].hang_up("person")
    call = await theatre.over(sid)
    assert theatre.verbs(sid) == ["Connect"]
    assert (call.state, call.end_reason, call.disposition) == ("ended", reason, "no_response")
    with clock.frozen_at(clock.now() + timedelta(minutes=3)):
        await theatre.written()
    (act,) = theatre.controls(sid)
    assert (act.state, act.data["why"]) == ("failed", "caller_hung_up")


async def test_a_caller_who_ends_the_talk_with_a_colleague_was_handed_on(theatre: Theatre) -> None:
    """Whichever the carrier tells first, the end of the call or that of the colleague's leg."""
    theatre.brain.scripts = [[Use("transfer_call", {"to": "101"})]]
    sid = theatre.phone_in()
    await until(lambda: any(leg.status == "in-progress" for leg in theatre.legs(sid)), 60)
    theatre.sim.exchange.calls[sid].hang_up("person")
    await theatre.over(sid)
    await settled(theatre, sid, "done")
    call = theatre.row(sid)
    assert (call.disposition, call.end_reason, call.away) == ("transferred",) * 3


async def test_a_talk_with_a_colleague_that_we_hang_up_was_handed_on(theatre: Theatre) -> None:
    theatre.brain.scripts = [["Hello. " * 40]]
    sid = theatre.phone_in()
    call_id = await theatre.live(sid)
    async with theatre.person() as person:
        await person.post(f"/api/calls/{call_id}/transfer", json={"to": OFFICE})
        await until(lambda: any(leg.status == "in-progress" for leg in theatre.legs(sid)), 60)
        assert (await person.post(f"/api/calls/{call_id}/hang-up")).status_code == 200
    await theatre.over(sid)
    await until(lambda: theatre.controls(sid)[0].state != "under_way")
    call = theatre.row(sid)
    acts = [(act.verb, act.state) for act in theatre.controls(sid)]
    assert acts == [("transfer", "done"), ("hang_up", "done")]
    assert (call.disposition, call.end_reason) == ("transferred", "hung_up")


@pytest.mark.parametrize("patient", [True, False])
async def test_a_call_whose_brain_is_gone_is_our_fault_also_if_the_apology_is_not_heard_out(
    theatre: Theatre, patient: bool
) -> None:
    theatre.brain.scripts = [[BrainFailed("the server is away")]]
    sid = theatre.phone_in()
    await theatre.live(sid)
    if not patient:
        theatre.sim.exchange.calls[sid].hang_up("person")
    call = await theatre.over(sid)
    assert (call.end_reason, call.disposition) == ("brain_failed" if patient else "stop", "our_fault")
    (said,) = [event.data for event in theatre.events(sid) if event.kind == "agent_said"]
    assert (said["heard_text"] == APOLOGY["en"]) is patient


async def test_a_transfer_that_we_hang_up_before_anybody_answers_has_failed_by_us(
    installation: Installation, acme: World
) -> None:
    """Also where the carrier tells nothing more of it."""
    async with open_theatre(installation, acme, realtime=True) as theatre:
        theatre.brain.scripts = [["Hello. " * 40]]
        sid = theatre.phone_in()
        call_id = await theatre.live(sid)
        async with theatre.person() as person:
            await person.post(f"/api/calls/{call_id}/transfer", json={"to": "102"})
        await until(lambda: any(leg.status == "ringing" for leg in theatre.legs(sid)), 60)
        with unit_of_work(acme.scope) as session:
            call = calls.lock_call(session, acme.business_id, call_id)
            assert calls.note_hang_up(session, acme.business_id, sid)
            calls.note_status(session, call, CallStatus.COMPLETED)
            assert (call.disposition, call.end_reason) == ("cancelled", "hung_up")
        with clock.frozen_at(clock.now() + timedelta(minutes=3)), unit_of_work(acme.scope) as session:
            tending.tend(session, acme.business_id, call_id)
        (act,) = theatre.controls(sid)
        assert (act.state, act.data["why"]) == ("failed", "hung_up")
        theatre.sim.exchange.calls[sid].hang_up("person")
        await theatre.over(sid)


async def test_that_a_colleague_had_answered_is_put_right_behind_the_end(theatre: Theatre) -> None:
    theatre.brain.scripts = [[Use("transfer_call", {"to": "101"}), "One moment. " * 20]]
    sid = theatre.phone_in()
    await theatre.live(sid)
    (act,) = theatre.controls(sid)
    world = theatre.world
    with unit_of_work(world.scope) as session:
        call = calls.lock_call(session, world.business_id, act.call_id)
        answers.next_answer(session, call)
        calls.note_status(session, call, CallStatus.COMPLETED)
        assert (call.disposition, call.end_reason) == ("no_response", "transferring")
    with unit_of_work(world.scope) as session:
        told = DialReport(sid, CallStatus.COMPLETED, 30, call_is_over=True)
        answers.hear_dialled(session, world.business_id, act.id, told)
    call = theatre.row(sid)
    assert (call.state, call.disposition, call.end_reason) == ("ended", "transferred", "transferred")
    theatre.sim.exchange.calls[sid].hang_up("person")
    assert (await theatre.over(sid)).disposition == "transferred"


async def test_who_may_only_look_controls_nothing(theatre: Theatre) -> None:
    with unit_of_work(of_business(theatre.world.business_id)) as session:
        people.create_user(
            session, business_id=theatre.world.business_id, email="looks@acme.example", name="Looks",
            password=PASSWORD, role=Role.VIEWER, actor="test",
        )  # fmt: skip
    theatre.brain.scripts = [["Hello. " * 20]]
    sid = theatre.phone_in()
    call_id = await theatre.live(sid)
    async with theatre.person("looks@acme.example") as viewer:
        for verb in ("hold", "resume", "hang-up"):
            assert (await viewer.post(f"/api/calls/{call_id}/{verb}")).status_code == 403
        assert (await viewer.get(f"/api/calls/{call_id}/controls")).json() == []
    theatre.sim.exchange.calls[sid].hang_up("person")
    await theatre.over(sid)


async def test_a_carrier_that_refuses_leaves_the_call_with_its_agent(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The carrier has forgotten the call: what was asked for fails, and the agent's end counts as the end."""
    theatre.brain.scripts = [["Hello. " * 20]]
    sid = theatre.phone_in()
    call_id = await theatre.live(sid)
    book = theatre.sim.exchange.calls
    call, forgotten = book[sid], dict(book)
    forgotten.pop(sid)
    monkeypatch.setattr(theatre.sim.exchange, "calls", forgotten)
    async with theatre.person() as person:
        refused = await person.post(f"/api/calls/{call_id}/hold")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    monkeypatch.setattr(theatre.sim.exchange, "calls", book)
    assert theatre.row(sid).away is None
    assert [row.state for row in theatre.controls(sid)] == ["failed"]
    assert not call.cut.is_set()
    call.hang_up("person")
    ended = await theatre.over(sid, 40)
    assert ended.end_reason == "stop"


async def test_two_calls_are_controlled_apart(theatre: Theatre) -> None:
    theatre.brain.scripts = [["Hello. " * 30], ["Hello. " * 30]]
    one = theatre.phone_in()
    other = theatre.phone_in(Persona.SILENT, "+12125550302")
    await until(lambda: theatre.room.live.count == 2)
    async with theatre.person() as person:
        assert (await person.post(f"/api/calls/{theatre.call_id(one)}/hang-up")).status_code == 200
    await until(lambda: theatre.entry(one).ended_at is not None)
    assert theatre.entry(other).ended_at is None
    theatre.sim.exchange.calls[other].hang_up("person")
    await until(lambda: theatre.entry(other).ended_at is not None)
    await until(lambda: theatre.room.is_empty)


@pytest.mark.parametrize("how", ["waits", "dawdles"])
async def test_of_a_tool_that_takes_too_long_nothing_happens(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """For another's lock, or for whatever else it does: its thread goes on, and commits nothing."""
    monkeypatch.setattr(live_tools, "seconds_of", lambda _: 0.3)
    monkeypatch.setattr(live_tools, "_GRACE_S", 0.3)
    theatre.brain.scripts = [["One moment. " * 20]]
    sid = theatre.phone_in()
    call_id = await theatre.live(sid)
    world, held, is_over, may_go = theatre.world, None, threading.Event(), threading.Event()
    if how == "waits":
        held = database().begin(world.scope).session
        held.execute(select(Call).where(Call.id == call_id).with_for_update())
    else:
        real_tell = control_service.tell

        def tell(control: CallControl) -> None:
            assert may_go.wait(20)
            real_tell(control)

        monkeypatch.setattr(control_service, "tell", tell)

    def off_loop(work: Callable[[], ToolResult]) -> Awaitable[ToolResult]:
        def whole() -> ToolResult:
            try:
                return work()
            finally:
                is_over.set()

        return theatre.room._off_loop(whole)

    brief = theatre.brain.briefs[0]
    caller = ToolCaller(world.business_id, call_id, world.agent_id, None, None)
    prepared = Preparation(
        world.business_id, brief, "rehearsed", 1, Voice("en"), caller, ("transfer_call",), Machines()
    )
    tools = live_tools.tools_of(prepared, live=theatre.room.live, off_loop=off_loop)
    result = await tools("transfer_call", {"to": "101"})
    assert (result.ok, result.data["error"]) == (False, "timeout")
    may_go.set()
    if held is not None:
        held.close()
    await until(is_over.is_set)
    assert theatre.controls(sid) == []
    assert theatre.row(sid).away is None
    theatre.sim.exchange.calls[sid].hang_up("person")
    assert (await theatre.over(sid)).end_reason == "stop"
