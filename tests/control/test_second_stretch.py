"""A scripted agent whose caller comes back: it asks its first question and goes on with the answer."""

from __future__ import annotations

from typing import Any

import pytest

from control.backstage import Whistler
from control.theatre import CALLER, Theatre
from simulators.product import until
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.tenants import service as tenants
from trunkline.web.preparation import prepare
from trunkline.web.sentences import NOBODY_THERE

pytestmark = pytest.mark.hasty

QUESTION = "Shall I put you through?"
SWITCHBOARD: dict[str, Any] = {
    "languages": ["en"],
    "opening": {"en": "Good morning."},
    "start": "wish",
    "answers": {"yes_no": {"yes": {"phrases": {"en": ["yes"]}}, "no": {"phrases": {"en": ["no"]}}}},
    "patience": {
        "unclear": {"en": "Pardon?"}, "next": "bye", "silence": {"en": "Hello?"}, "silence_next": "bye",
    },
    "give_up": "bye",
    "states": {
        "wish": {
            "kind": "ask", "say": {"en": QUESTION}, "answers": "yes_no", "keys": {"1": "yes", "2": "no"},
            "next": {"yes": "through", "no": "bye"},
        },
        "through": {
            "kind": "tool", "say": {"en": "One moment."}, "tool": "transfer_call", "arguments": {"to": "102"},
            "results": {"ok": "handed", "other": "bye"},
        },
        "handed": {"kind": "end", "say": {"en": "It rings now."}, "reason": "handed_on"},
        "bye": {"kind": "end", "say": {"en": "Goodbye."}, "reason": "goodbye"},
    },
}  # fmt: skip


async def test_who_comes_back_is_asked_once_and_understood(theatre: Theatre) -> None:
    with unit_of_work(theatre.world.scope) as session:
        changes = {"brain": "scripted", "script": SWITCHBOARD, "greeting": ""}
        agents.update_agent(session, theatre.world.business_id, theatre.world.agent_id, changes, actor="test")
    caller = Whistler(500)
    theatre.sim.population.settle(CALLER, caller)
    sid = theatre.sim.exchange.phone_in(CALLER, theatre.world.number).sid
    await until(caller.has_heard_out, 60)
    caller.press("1")
    await until(lambda: theatre.row(sid).media_spent == 2, 60)
    before = len(caller.heard)
    await until(lambda: caller.has_heard_out(after=before), 60)
    caller.press("2")
    call = await theatre.over(sid)
    said = [event.data["text"] for event in theatre.events(sid) if event.kind == "agent_said"]
    first, second = said[: said.index(next(t for t in said if NOBODY_THERE["en"][:10] in t))], said
    second = said[len(first) :]
    assert QUESTION in " ".join(first)
    assert "Good morning." in " ".join(first)
    # Greeted with what has happened, asked once, and the answer is taken for one.
    assert " ".join(second) == f"{NOBODY_THERE['en']} {QUESTION} Goodbye."
    assert call.end_reason == "goodbye"
    assert [control.state for control in theatre.controls(sid)] == ["failed"]


async def test_what_the_law_wants_said_is_said_once_a_call(theatre: Theatre, acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        rules = {"calling_rules": {"disclosure": "This is an automated call."}}
        tenants.change_business(session, acme.business_id, rules, actor="test")
        call = calls.open_call(
            session, acme.business_id, sid="CA" + "1" * 32, direction="outbound", ours=acme.number,
            theirs=CALLER, agent_id=acme.agent_id, lead_id=None,
        )  # fmt: skip
        said = [prepare(session, call, leg=leg).brief.disclosure for leg in (1, 2)]
    assert said == ["This is an automated call.", ""]
