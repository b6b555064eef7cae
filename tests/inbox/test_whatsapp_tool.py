"""An agent on the telephone sends the caller a WhatsApp message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.test_agent_tools import on_the_line
from support.inbox import chat_number, messages, take, written
from support.world import World
from trunkline.core import toolbox
from trunkline.core.db import unit_of_work
from trunkline.core.toolbox import ToolCaller, run_tool
from trunkline.domain.agents import prompts
from trunkline.domain.agents.models import Agent
from trunkline.domain.inbox import templates
from trunkline.providers.ports import Template, ToolResult

PERSON = "+12125550101"


def use(caller: ToolCaller, said: Mapping[str, Any]) -> ToolResult:
    return run_tool("send_whatsapp", said, caller=caller, allowed=("send_whatsapp",))


def lacking(world: World) -> list[str]:
    with unit_of_work(world.scope) as session:
        return prompts.ready(session, world.business_id, world.agent_id).lacking


def test_it_is_offered_once_the_business_has_a_number_at_whatsapp(acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        session.get_one(Agent, acme.agent_id).tools = ["send_whatsapp"]
        prompts.prepare(session, acme.business_id, acme.agent_id)
    assert lacking(acme) == ["whatsapp"]
    assert use(on_the_line(acme), {"text": "Hello"}).data["error"] == "invalid_input"
    chat_number(acme)
    assert lacking(acme) == []
    assert toolbox.of_use(["send_whatsapp"], (), toolbox.Place.CONVERSATION) == ()


def test_words_go_to_who_has_written_today_once_and_a_template_to_who_has_not(acme: World) -> None:
    number, caller = chat_number(acme), on_the_line(acme)
    with unit_of_work(acme.scope) as session:
        templates.note_listed(
            session, acme.business_id, number,
            [
                Template("hello", "en", "approved", "utility", "", "Hello {{1}}", "", (), {"body": 1}),
                Template("bye", "en", "rejected", "utility", "", "Bye", "", (), {"body": 0}),
            ],
        )  # fmt: skip
    refused = use(caller, {"text": "12 High Street"}).data
    assert (refused["reason"], refused["templates"]) == (
        "window", [{"template": "hello", "language": "en", "body": "Hello {{1}}"}],
    )  # fmt: skip
    assert messages(acme) == []
    assert not use(caller, {"text": ""}).ok
    template = {"template": "hello", "language": "en", "values": ["Dana"]}
    assert all(use(caller, template).ok for _ in range(2))
    take(acme, number, written(phone=PERSON))
    assert all(use(caller, {"text": "12 High Street"}).ok for _ in range(2))
    sent = [row for row in messages(acme) if row.direction == "out"]
    assert [row.text for row in sent] == ["Hello Dana", "12 High Street"]
    assert {row.author for row in sent} == {f"agent:{acme.agent_id}"}


def test_who_withholds_their_number_gets_no_message(acme: World) -> None:
    chat_number(acme)
    assert use(on_the_line(acme, phone=None), {"text": "Hello"}).data["error"] == "invalid_input"
