"""Warm transfer over the carrier's real wire: who waits, who is asked, who hears whom, what goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest

from control.backstage import Whistler, answers_lost, due_until, every_webhook_twice, whistler, worker
from control.theatre import CALLER, OFFICE, Theatre, Use, open_theatre
from simulators.product import until
from support.installation import Installation
from support.world import World
from trunkline.simulators.carrier import Persona
from trunkline.simulators.carrier.book import CallEntry
from trunkline.web.sentences import NOBODY_THERE

pytestmark = pytest.mark.hasty

SUMMARY = "They ask about the invoice of May"
ASKS = ["Let me ask a colleague.", Use("warm_transfer", {"to": "Office", "summary": SUMMARY})]
BACK = ["Still here.", Use("hang_up")]


@pytest.fixture
async def town(installation: Installation, acme: World) -> AsyncIterator[Theatre]:
    """The theatre with a worker beside it, and an agent that asks the office to take its first caller."""
    async with open_theatre(installation, acme) as theatre, worker(installation):
        theatre.brain.scripts = [ASKS, BACK]
        yield theatre


def phone_in(theatre: Theatre) -> str:
    return theatre.sim.exchange.phone_in(CALLER, theatre.world.number).sid


def colleague(theatre: Theatre) -> CallEntry:
    """Return the colleague's only leg."""
    (leg,) = [call for call in theatre.sim.book.calls.values() if call.direction == "outbound-api"]
    return leg


def live_calls(theatre: Theatre) -> list[str]:
    return [call.sid for call in theatre.sim.book.calls.values() if call.ended_at is None]


async def asked(theatre: Theatre, office: Whistler) -> None:
    """Wait until the colleague is being told who calls."""
    await until(lambda: bool(office.calls) and "Gather" in [s["verb"] for s in colleague(theatre).twiml], 60)


async def test_both_hear_each_other_once_the_colleague_has_heard_who_calls(
    installation: Installation, acme: World
) -> None:
    async with open_theatre(installation, acme, realtime=True) as theatre, worker(installation):
        theatre.brain.scripts = [ASKS]
        caller, office = whistler(theatre, CALLER, 500), whistler(theatre, OFFICE, 1200)
        sid = phone_in(theatre)
        await asked(theatre, office)
        leg = colleague(theatre)
        assert (leg.to, leg.from_) == (OFFICE, theatre.world.number)
        (told,) = [step["detail"] for step in leg.twiml if step["verb"] == "Gather"]
        assert SUMMARY in told
        assert " ".join(CALLER[1:]) in told
        # It is spoken to them, while the caller hears music, and neither hears the other.
        caller.whistles = office.whistles = True
        await until(lambda: office.loudness(424) > 4_000, 60)
        assert theatre.verbs(sid) == ["Connect", "Redirect", "Conference"]
        assert not caller.hears(1200)
        assert not office.hears(500)
        office.press("1")
        await until(lambda: caller.hears(1200) and office.hears(500), 60)
        # Each hears the other and not themselves, and the agent is out of it.
        assert caller.loudness(500) < 500
        assert office.loudness(1200) < 500
        assert theatre.room.is_empty
        assert (theatre.row(sid).state, theatre.row(sid).away) == ("live", "transferred")
        office.hang_up()
        await until(lambda: live_calls(theatre) == [], 60)
        await until(lambda: theatre.row(sid).finalized_at is not None)
        call = theatre.row(sid)
        assert (call.disposition, call.end_reason) == ("transferred", "transferred")
        (control,) = theatre.controls(sid)
        assert (control.verb, control.state, control.target) == ("warm_transfer", "done", OFFICE)
        assert control.data["summary"] == SUMMARY
        assert theatre.entry(sid).errors == colleague(theatre).errors == []


async def test_who_was_taken_hangs_up_and_the_colleague_is_free(town: Theatre) -> None:
    caller, office = whistler(town, CALLER, 500), whistler(town, OFFICE, 1200)
    office.press("1")
    office.whistles = True
    sid = phone_in(town)
    await until(lambda: caller.hears(1200), 60)
    caller.hang_up()
    await until(lambda: live_calls(town) == [], 60)
    await until(lambda: town.controls(sid)[0].state == "done")
    assert town.row(sid).disposition == "transferred"


async def gets_the_agent_back(theatre: Theatre, sid: str, why: str) -> None:
    """See the caller back with an agent that remembers, and nothing left of the colleague's leg."""
    await until(lambda: len(theatre.brain.briefs) == 2, 60)
    assert theatre.brain.briefs[1].greeting == NOBODY_THERE["en"]
    assert "Let me ask a colleague." in [line.text for line in theatre.brain.briefs[1].past]
    await until(lambda: live_calls(theatre) == [], 60)
    await until(lambda: theatre.row(sid).finalized_at is not None, 60)
    call = theatre.row(sid)
    assert (call.end_reason, call.disposition, call.media_spent) == ("agent_hung_up", "no_response", 2)
    warm, hang_up = theatre.controls(sid)
    assert (warm.verb, warm.state, warm.data["why"]) == ("warm_transfer", "failed", why)
    assert (hang_up.verb, hang_up.state) == ("hang_up", "done")


@pytest.mark.parametrize("keys", ["2", "7"])
async def test_who_declines_gives_the_caller_back(town: Theatre, keys: str) -> None:
    caller, office = whistler(town, CALLER, 500), whistler(town, OFFICE, 1200)
    office.press(keys)
    office.whistles = True
    sid = phone_in(town)
    await gets_the_agent_back(town, sid, "declined")
    assert caller.loudness(1200, of_last=len(caller.heard)) < 500


@pytest.mark.parametrize(
    ("persona", "why"),
    [(Persona.BUSY, "busy"), (Persona.NO_ANSWER, "no-answer"), (Persona.VOICEMAIL, "no_key")],
)
async def test_nobody_who_takes_it_gives_the_caller_back(town: Theatre, persona: Persona, why: str) -> None:
    whistler(town, CALLER, 500)
    town.sim.population.admit(OFFICE, persona)
    await gets_the_agent_back(town, phone_in(town), why)


async def test_a_number_where_nobody_lives_gives_the_caller_back(town: Theatre) -> None:
    whistler(town, CALLER, 500)
    town.sim.population._memories.pop(OFFICE)
    await gets_the_agent_back(town, phone_in(town), "failed")


async def test_a_colleague_who_hangs_up_while_they_are_told_gives_the_caller_back(town: Theatre) -> None:
    whistler(town, CALLER, 500)
    office = whistler(town, OFFICE, 1200)
    sid = phone_in(town)
    await asked(town, office)
    office.hang_up()
    await gets_the_agent_back(town, sid, "declined")


@pytest.mark.parametrize("keys", ["1", "2"])
async def test_every_word_of_the_carrier_may_come_twice(town: Theatre, keys: str) -> None:
    caller, office = whistler(town, CALLER, 500), whistler(town, OFFICE, 1200)
    office.press(keys)
    office.whistles = True
    with every_webhook_twice():
        sid = phone_in(town)
        if keys == "2":
            await gets_the_agent_back(town, sid, "declined")
        else:
            await until(lambda: caller.hears(1200), 60)
            office.hang_up()
            await until(lambda: live_calls(town) == [], 60)
            await until(lambda: town.controls(sid)[0].state == "done")
    assert office.calls == 1


@pytest.mark.parametrize("moment", ["ringing", "told"])
async def test_a_caller_who_hangs_up_takes_the_colleague_s_leg_along(town: Theatre, moment: str) -> None:
    caller, office = whistler(town, CALLER, 500), whistler(town, OFFICE, 1200)
    with ExitStack() as stack:
        if moment == "ringing":
            office.manner = type(office.manner)(ring_s=20.0)
            stack.enter_context(pytest.MonkeyPatch.context()).setattr(
                town.sim.exchange, "_unheard", lambda seconds: seconds
            )
            sid = phone_in(town)
            await until(lambda: bool(town.sim.book.rings.get(OFFICE)), 60)
        else:
            sid = phone_in(town)
            await asked(town, office)
        caller.hang_up()
        await until(lambda: live_calls(town) == [], 60)
    await until(lambda: town.controls(sid)[0].state == "failed")
    (control,) = town.controls(sid)
    assert control.data["why"] == "caller_hung_up"
    assert colleague(town).ended_by == "api"
    call = town.row(sid)
    assert (call.state, call.end_reason, call.disposition) == ("ended", "in_conference", "no_response")
    assert call.finalized_at is not None


async def test_a_caller_whose_colleague_is_never_heard_of_is_given_back(town: Theatre) -> None:
    """The carrier rings nobody and tells nothing: what was to come is not waited for without end."""
    whistler(town, CALLER, 500)
    town.sim.population.admit(OFFICE, Persona.NO_ANSWER)
    with answers_lost(lambda url: "/colleague-status" in url, reach_us=False) as lost:
        sid = phone_in(town)
        await until(lambda: bool(lost), 60)
        assert town.controls(sid)[0].state == "under_way"
        await due_until(town, lambda: len(town.brain.briefs) == 2)
        await gets_the_agent_back(town, sid, "nobody_told")


async def test_a_colleague_who_took_it_and_never_arrived_gives_the_caller_back(town: Theatre) -> None:
    """They pressed the key, and our answer to that was lost: their leg ends, and the caller hears music."""
    whistler(town, CALLER, 500)
    office = whistler(town, OFFICE, 1200)
    office.press("1")
    with answers_lost(lambda url: "/offered" in url):
        sid = phone_in(town)
        await until(lambda: bool(office.calls) and "leg_ended" in town.controls(sid)[0].data, 60)
        await due_until(town, lambda: len(town.brain.briefs) == 2)
        await gets_the_agent_back(town, sid, "nobody_told")


async def test_a_colleague_whose_end_is_not_told_is_asked_about(town: Theatre) -> None:
    """The same, and the end of their leg is not told either."""
    whistler(town, CALLER, 500)
    office = whistler(town, OFFICE, 1200)
    office.press("1")
    silenced = answers_lost(lambda url: "/colleague-status" in url, reach_us=False)
    with answers_lost(lambda url: "/offered" in url), silenced:
        sid = phone_in(town)
        await until(lambda: bool(office.calls) and colleague(town).ended_at is not None, 60)
        await due_until(town, lambda: "leg_ended" in town.controls(sid)[0].data)
        await due_until(town, lambda: len(town.brain.briefs) == 2)
        await gets_the_agent_back(town, sid, "nobody_told")


async def test_a_person_has_a_colleague_asked_and_nothing_else_is_done_meanwhile(town: Theatre) -> None:
    town.brain.scripts = [["Hello. " * 40]]
    caller, office = whistler(town, CALLER, 500), whistler(town, OFFICE, 1200)
    office.whistles = True
    sid = phone_in(town)
    call_id = await town.live(sid)
    async with town.person() as person:
        body = {"to": "101", "summary": "The boss."}
        handed = await person.post(f"/api/calls/{call_id}/warm-transfer", json=body)
        assert (handed.status_code, handed.json()["state"]) == (202, "under_way")
        await asked(town, office)
        assert "The boss." in colleague(town).twiml[0]["detail"]
        for verb in ("hold", "resume"):
            assert (await person.post(f"/api/calls/{call_id}/{verb}")).status_code == 409
        office.press("1")
        await until(lambda: caller.hears(1200), 60)
        assert (await person.post(f"/api/calls/{call_id}/hang-up")).status_code == 200
    await until(lambda: live_calls(town) == [], 60)
    await until(lambda: all(control.state == "done" for control in town.controls(sid)))


async def test_a_carrier_that_will_not_call_the_colleague_gives_the_caller_back(
    town: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    whistler(town, CALLER, 500)
    town.sim.exchange.faults.order({"create": "429", "seconds": 1, "times": 1})
    await gets_the_agent_back(town, phone_in(town), "refused")


async def test_a_call_of_which_nobody_knows_whether_it_was_placed_is_not_placed_again(town: Theatre) -> None:
    """The carrier has placed it and answered with a fault: what it tells of it later is heard."""
    caller, office = whistler(town, CALLER, 500), whistler(town, OFFICE, 1200)
    office.press("1")
    office.whistles = True
    town.sim.exchange.faults.order({"create": "500_after_placing", "times": 1})
    sid = phone_in(town)
    await until(lambda: caller.hears(1200), 60)
    office.hang_up()
    await until(lambda: live_calls(town) == [], 60)
    await until(lambda: town.controls(sid)[0].state == "done")
    assert len(town.sim.book.creates) == 1
