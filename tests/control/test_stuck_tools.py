"""A tool that is stuck in the database: nobody's audio waits for it, and the agent is honest about it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select, text

from control.theatre import Theatre, Use, open_theatre
from simulators.product import until
from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.domain.agents import service as agents
from trunkline.domain.leads.models import LeadNote
from trunkline.simulators.carrier import Persona
from trunkline.web import live_tools
from trunkline.web.sentences import NOT_DONE

OTHER = "+12125550399"


@contextmanager
def held(world: World) -> Iterator[None]:
    """Keep everybody from notes while the block runs."""
    holds, done = threading.Event(), threading.Event()

    def hold() -> None:
        with unit_of_work(world.scope) as session:
            session.execute(text("lock table lead_notes in access exclusive mode"))
            holds.set()
            done.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    assert holds.wait(30)
    try:
        yield
    finally:
        done.set()
        holder.join()


def frames_of(theatre: Theatre, sid: str) -> tuple[int, int]:
    """Return how many frames came from a call's caller, and how many went out to them."""
    session = theatre.room.live.of_call(str(theatre.call_id(sid)))
    assert session is not None
    return session._reader.frames.received, session._transmitter.frames.sent


async def test_no_frame_of_any_call_waits_for_a_tool_that_is_stuck_in_the_database(
    installation: Installation, acme: World
) -> None:
    async with open_theatre(installation, acme, realtime=True) as theatre:
        with unit_of_work(acme.scope) as session:
            changes = {"tools": ["add_note"]}
            agents.update_agent(session, acme.business_id, acme.agent_id, changes, actor="test")
        theatre.brain.scripts = [
            ["I write that down.", Use("add_note", {"text": "Late"})],
            ["Hello there. " * 80],
        ]
        with held(acme):
            stuck = theatre.phone_in()
            await until(lambda: theatre.room.live.count == 1)
            session = theatre.room.live.of_call(str(theatre.call_id(stuck)))
            assert session is not None
            await until(lambda: session._talk._tools.running == 1)
            speaking = theatre.phone_in(Persona.SILENT, OTHER)
            await until(lambda: theatre.room.live.count == 2)
            await until(lambda: frames_of(theatre, speaking)[1] > 10)
            before = [frames_of(theatre, sid) for sid in (stuck, speaking)]
            await asyncio.sleep(1.0)
            after = [frames_of(theatre, sid) for sid in (stuck, speaking)]
            assert session._talk._tools.running == 1
            # Fifty a second are due; on the loop it would be none.
            for (came, _), (comes, _) in zip(before, after, strict=True):
                assert comes - came > 25
            assert after[1][1] - before[1][1] > 25
        await until(lambda: len(theatre.brain.results) == 1, 20)
        assert theatre.brain.results[0].ok, "what it waited for was let go of in time"


async def test_a_tool_that_stays_stuck_is_undone_and_the_agent_has_words_for_it(
    installation: Installation, acme: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_tools, "seconds_of", lambda _: 0.5)
    async with open_theatre(installation, acme) as theatre:
        with unit_of_work(acme.scope) as session:
            changes = {"tools": ["add_note"], "language": "en"}
            agents.update_agent(session, acme.business_id, acme.agent_id, changes, actor="test")
        theatre.brain.scripts = [[Use("add_note", {"text": "Late"}), Use("hang_up"), "Goodbye."]]
        with held(acme):
            sid = theatre.phone_in()
            await until(lambda: len(theatre.brain.results) >= 1, 20)
        result = theatre.brain.results[0]
        assert (result.ok, result.data) == (False, {"error": "timeout", "message": NOT_DONE["en"]})
        await theatre.over(sid)
        with unit_of_work(acme.scope) as session:
            uses = session.scalars(select(Event).where(Event.kind == "tool.used").order_by(Event.id)).all()
            assert [(use.data["name"], use.data["error"]) for use in uses] == [
                ("add_note", "timeout"), ("hang_up", None),
            ]  # fmt: skip
            assert session.scalars(select(LeadNote)).all() == []
