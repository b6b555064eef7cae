"""Control of calls whose processes die, and whose carrier asks twice: nothing is lost or done twice."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from api.doorway import build_app
from control.backstage import due_until, every_webhook_twice, make_due, whistler, worker
from control.test_warm_transfer import ASKS, BACK, asked, gets_the_agent_back, phone_in
from control.theatre import CALLER, OFFICE, Theatre, Use, open_theatre, serving_app
from media.media_stubs import StubStt, StubTts, StubVad
from simulators.product import until
from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.jobs.models import Job, JobState
from trunkline.domain.calls import service as calls
from trunkline.providers.ports import CallOrder
from trunkline.providers.twilio import TwilioCarrier
from trunkline.simulators.carrier import Persona
from trunkline.simulators.carrier.webhooks import Reply, Webhooks
from trunkline.web.hired import Speech
from trunkline.web.sentences import BACK_AGAIN


@pytest.fixture
async def town(installation: Installation, acme: World) -> AsyncIterator[Theatre]:
    """The theatre with a worker beside it, and an agent that asks the office to take its first caller."""
    async with open_theatre(installation, acme) as theatre, worker(installation):
        theatre.brain.scripts = [ASKS, BACK]
        yield theatre


@pytest.mark.parametrize("keys", ["1", "2"])
async def test_another_process_goes_on_with_a_call_that_is_being_handed_on(town: Theatre, keys: str) -> None:
    caller, office = whistler(town, CALLER, 500), whistler(town, OFFICE, 1200)
    office.whistles = True
    sid = phone_in(town)
    await asked(town, office)
    town.server.should_exit = True
    port = int(town.url.rsplit(":", 1)[1])
    await until(lambda: not town.server.started or not _is_served(port), 20)
    speech = Speech(stt=StubStt(), tts=StubTts(), vad=StubVad)
    spool = town.installation.home / "control-anew"
    app = build_app(public_url=town.url, speech=speech, max_calls=5, spool=spool)
    async with serving_app(app, socket.create_server(("127.0.0.1", port)), 600):
        town.app = app
        # What the first process heard and said is written by a job; the second knows no more than is written.
        await until(lambda: "Let me ask a colleague." in written(town, sid), 20)
        office.press(keys)
        if keys == "2":
            await gets_the_agent_back(town, sid, "declined")
            return
        await until(lambda: caller.hears(1200), 20)
        office.hang_up()
        await until(lambda: town.row(sid).finalized_at is not None, 20)
        await until(lambda: town.controls(sid)[0].state == "done")
        assert town.row(sid).disposition == "transferred"


def written(town: Theatre, sid: str) -> list[str]:
    """Return what was said in a call, as far as it is written down."""
    call_id = town.row(sid).id
    with unit_of_work(town.world.scope) as session:
        lines = calls.lines_of(session, town.world.business_id, call_id)
    return [text for _, text in lines]


def _is_served(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_a_worker_that_dies_before_it_calls_the_colleague_calls_nobody_twice(
    town: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows whether the carrier was told: nobody is called again, and the caller is given back."""
    whistler(town, CALLER, 500)
    tries: list[CallOrder] = []

    def dies(_self: TwilioCarrier, order: CallOrder) -> str:
        tries.append(order)
        raise RuntimeError("the worker is gone")

    monkeypatch.setattr(TwilioCarrier, "place_call", dies)
    sid = phone_in(town)
    await until(lambda: bool(tries), 20)
    await until(lambda: town.controls(sid)[0].data["stage"] == "calling")

    def is_tried_again() -> bool:
        make_due(town, old=False)
        with unit_of_work(town.world.scope) as session:
            state = session.scalar(select(Job.state).where(Job.name == "call_colleague"))
        return state == JobState.SUCCEEDED or len(tries) > 1

    await until(is_tried_again, 20)
    assert len(tries) == 1
    await due_until(town, lambda: len(town.brain.briefs) == 2)
    await gets_the_agent_back(town, sid, "nobody_told")
    assert len(tries) == 1


async def test_a_transfer_that_nobody_takes_asked_for_twice_is_one(theatre: Theatre) -> None:
    theatre.brain.scripts = [["One moment.", Use("transfer_call", {"to": "102"})], [Use("hang_up")]]
    with every_webhook_twice():
        sid = theatre.phone_in()
        call = await theatre.over(sid)
    assert theatre.verbs(sid) == ["Connect", "Redirect", "Dial", "Connect", "Redirect"]
    assert (call.end_reason, call.media_spent, call.media_legs) == ("agent_hung_up", 2, 2)
    assert call.finalized_at is not None
    assert [control.state for control in theatre.controls(sid)] == ["failed", "done"]


async def test_a_hold_that_is_asked_about_twice_brings_the_agent_back_once(theatre: Theatre) -> None:
    theatre.brain.scripts = [["One moment.", Use("hold_call", {"seconds": 5})], [Use("hang_up")]]
    with every_webhook_twice():
        sid = theatre.phone_in(Persona.SILENT)
        call = await theatre.over(sid, 40)
    assert theatre.verbs(sid) == ["Connect", "Redirect", "Play", "Redirect", "Connect", "Redirect"]
    assert theatre.brain.briefs[1].greeting == BACK_AGAIN["en"]
    assert (call.end_reason, call.media_spent, call.media_legs) == ("agent_hung_up", 2, 2)


async def test_what_was_asked_for_and_never_told_is_settled_when_the_call_is_over(town: Theatre) -> None:
    """The caller hangs up in the middle of the agent's sentence: the carrier never asks what is next."""
    town.brain.scripts = [[Use("transfer_call", {"to": "101"}), "Let me put you through. " * 20]]
    caller = whistler(town, CALLER, 500)
    sid = phone_in(town)
    await until(lambda: bool(town.brain.results), 20)
    caller.hang_up()
    await until(lambda: town.controls(sid)[0].state == "failed", 20)
    assert town.controls(sid)[0].data["why"] == "caller_hung_up"


async def test_a_report_that_comes_again_when_the_agent_is_long_back_changes_nothing(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The carrier tells once more how the colleague's leg ended, in the middle of the second stretch."""
    handing_on = ["One moment.", Use("transfer_call", {"to": "102"})]
    theatre.brain.scripts = [handing_on, ["I am back. " * 12, Use("hang_up")]]
    told: list[tuple[str, dict[str, str]]] = []
    once = Webhooks.post

    async def noted(self: Webhooks, url: str, form: dict[str, str]) -> Reply:
        if "/dialled" in url:
            told.append((url, dict(form)))
        return await once(self, url, form)

    monkeypatch.setattr(Webhooks, "post", noted)
    sid = theatre.phone_in()
    await theatre.live(sid)
    await until(lambda: theatre.row(sid).media_spent == 2, 30)
    reply = await theatre.sim.exchange._webhooks.post(*told[0])
    assert reply.ok
    call = await theatre.over(sid)
    assert (call.media_spent, call.media_legs, call.end_reason) == (2, 2, "agent_hung_up")
    assert call.finalized_at is not None
