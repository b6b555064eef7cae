"""Callers who find every line taken: what they get, what is on record, and what comes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from control.theatre import CALLER, Theatre, open_theatre
from simulators.product import until
from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.runs.models import Run
from trunkline.domain.outbound.models import OutboundRun
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.simulators.carrier import Persona
from trunkline.web.sentences import FULL_LINE, LEAVE_A_MESSAGE, WE_CALL_BACK

pytestmark = pytest.mark.hasty


@pytest.fixture
async def full(installation: Installation, acme: World) -> AsyncIterator[Theatre]:
    """A process without a free line."""
    async with open_theatre(installation, acme, max_calls=0) as theatre:
        yield theatre


def choose(theatre: Theatre, when_full: str, **changes: str) -> None:
    with unit_of_work(theatre.world.scope) as session:
        changed = {"when_full": when_full, **changes}
        tenants.change_business(session, theatre.world.business_id, changed, actor="test")


async def turned_away(theatre: Theatre, persona: Persona = Persona.INTERESTED) -> tuple[str, list[str]]:
    """Phone in; return the call's sid and what the carrier said, once the call is over."""
    sid = theatre.phone_in(persona)
    await until(lambda: theatre.entry(sid).ended_at is not None, 60)
    assert theatre.row(sid).disposition == "rejected_capacity"
    return sid, [step["detail"] for step in theatre.entry(sid).twiml if step["verb"] == "Say"]


@pytest.mark.parametrize("language", ["en", "he"])
async def test_a_sentence_in_the_business_s_language(full: Theatre, language: str) -> None:
    choose(full, "message", language=language)
    sid, said = await turned_away(full)
    assert said == [FULL_LINE[language]]
    assert full.controls(sid) == []


async def test_a_message_is_left_and_on_record(full: Theatre) -> None:
    choose(full, "voicemail")
    sid, said = await turned_away(full, Persona.VOICEMAIL)
    assert said == [LEAVE_A_MESSAGE["en"]]
    assert "Record" in full.verbs(sid)
    (kept,) = full.entry(sid).recordings
    assert kept["speech_s"] > 0.5
    await until(lambda: full.controls(sid)[0].state == "done")
    (control,) = full.controls(sid)
    assert (control.verb, control.actor) == ("voicemail", "system")
    assert control.data["recording_sid"] == kept["recording"]
    assert control.data["recording_url"].endswith(kept["recording"])
    assert full.entry(sid).errors == []
    # Who may look is told that there is one and how long it is, and not where the carrier keeps it.
    async with full.person() as person:
        (shown,) = (await person.get(f"/api/calls/{full.call_id(sid)}/controls")).json()
    told = {name: value for name, value in shown["data"].items() if value is not None}
    assert told == {"duration_s": control.data["duration_s"]}
    assert told["duration_s"] > 0


async def test_a_caller_who_says_nothing_leaves_no_message(full: Theatre) -> None:
    choose(full, "voicemail")
    sid, _ = await turned_away(full, Persona.SILENT)
    await until(lambda: full.controls(sid)[0].state == "failed")


async def test_a_caller_is_promised_a_call_and_the_dialler_has_it(full: Theatre) -> None:
    choose(full, "callback")
    sid, said = await turned_away(full)
    assert said == [WE_CALL_BACK["en"]]
    assert [(row.verb, row.state) for row in full.controls(sid)] == [("callback", "done")]
    with unit_of_work(full.world.scope) as session:
        (run,) = session.execute(
            select(Run.subject, OutboundRun.starts_at).join(OutboundRun, OutboundRun.run_id == Run.id)
        ).all()
    assert run.subject == f"callback:{full.call_id(sid)}"
    assert timedelta(minutes=4) < run.starts_at - clock.now() <= timedelta(minutes=5)


async def test_nobody_is_promised_a_call_that_cannot_be_made(full: Theatre) -> None:
    choose(full, "callback")
    sid = full.sim.exchange.phone_in("anonymous", full.world.number, Persona.SILENT).sid
    await until(lambda: full.entry(sid).ended_at is not None, 60)
    assert [step["detail"] for step in full.entry(sid).twiml if step["verb"] == "Say"] == [FULL_LINE["en"]]
    assert full.controls(sid) == []


async def test_the_business_s_own_limit_turns_away_as_well(installation: Installation, acme: World) -> None:
    async with open_theatre(installation, acme, max_calls=5) as theatre:
        theatre.brain.scripts = [["Hello. " * 20]]
        with unit_of_work(acme.scope) as session:
            tenants.change_business(session, acme.business_id, {"max_calls": 1}, actor="test")
        held = theatre.phone_in()
        await theatre.live(held)
        sid = theatre.phone_in(Persona.SILENT, "+12125550302")
        await until(lambda: theatre.entry(sid).ended_at is not None, 60)
        assert theatre.row(sid).disposition == "rejected_capacity"
        assert theatre.row(held).state == "live"
        assert theatre.row(held).theirs == CALLER
        theatre.sim.exchange.calls[held].hang_up("person")
        await theatre.over(held)
