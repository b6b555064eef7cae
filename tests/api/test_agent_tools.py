"""What an agent's tools do to the record, and what is on record of their use."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from support.call_book import had_call
from support.world import World
from trunkline.core import toolbox
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.core.runs.models import Run
from trunkline.core.toolbox import Kind, ToolCaller, all_tools, run_tool, schema_of
from trunkline.domain.calls.models import Call, CallState
from trunkline.domain.leads import own_fields, statuses
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.models import Lead, LeadNote
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import ToolResult

PERSON = "+12125550101"


def on_the_line(world: World, *, phone: str | None = PERSON, known: bool = True) -> ToolCaller:
    """Return who is on the line in a live call."""
    call_id = had_call(world, clock.now(), talked_s=1, direction="inbound", state=CallState.LIVE)
    lead_id = lead_of(world, phone) if known and phone is not None else None
    with unit_of_work(world.scope) as session:
        session.get_one(Call, call_id).lead_id = lead_id
    return ToolCaller(world.business_id, call_id, world.agent_id, lead_id, phone)


def in_writing(world: World, *, known: bool = True) -> ToolCaller:
    """Return who writes in a conversation."""
    lead_id = lead_of(world, PERSON) if known else None
    return ToolCaller(world.business_id, None, world.agent_id, lead_id, PERSON, conversation_id=new_id())


def lead_of(world: World, phone: str) -> UUID:
    with unit_of_work(world.scope) as session:
        return leads.lead_of_caller(session, world.business_id, phone)


def lead(world: World, phone: str = PERSON) -> Lead:
    with unit_of_work(world.scope) as session:
        return leads.get_lead(session, world.business_id, lead_of_phone(session, phone))


def lead_of_phone(session: Any, phone: str) -> UUID:
    return session.scalars(select(Lead.id).where(Lead.phone == phone)).one()


def use(caller: ToolCaller, name: str, arguments: Mapping[str, Any] | None = None) -> ToolResult:
    return run_tool(name, arguments or {}, caller=caller, allowed=(name,))


def told(world: World, kind: str) -> list[Event]:
    with unit_of_work(world.scope) as session:
        return list(session.scalars(select(Event).where(Event.kind == kind).order_by(Event.id)))


# --- Leads ---------------------------------------------------------------------------------


def test_what_a_caller_says_of_themselves_is_put_on_record(acme: World) -> None:
    caller = on_the_line(acme)
    assert use(caller, "update_lead", {"name": " Dana Levi ", "email": "dana@example.com"}).data == {
        "name": "Dana Levi",
        "email": "dana@example.com",
        "fields": {},
    }
    assert use(caller, "update_lead", {"name": "Dana Levy"}).ok
    found = lead(acme)
    assert (found.name, found.email) == ("Dana Levy", "dana@example.com")
    changes = [(event.actor, event.data["fields"]) for event in told(acme, "lead.changed")]
    assert changes == [(caller.actor, ["name", "email"]), (caller.actor, ["name"])]


def test_the_businesss_own_fields_are_filled_in_by_their_names(acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        for label, kind, choices in (
            ("Insurance", "choice", ["Clalit", "Maccabi"]),
            ("Children", "number", []),
        ):
            own_fields.make(
                session, acme.business_id, label=label, kind=kind, key=None, choices=choices, in_table=False,
                actor="test",
            )  # fmt: skip
    caller = on_the_line(acme)
    said = {"fields": {"insurance": "maccabi", "Children": "2"}}
    assert use(caller, "update_lead", said).data["fields"] == {"insurance": "Maccabi", "children": 2.0}
    assert lead(acme).fields == {"insurance": "Maccabi", "children": 2.0}
    wrong = use(caller, "update_lead", {"fields": {"insurance": "Aflac"}})
    assert (wrong.ok, wrong.data["choices"]) == (False, ["Clalit", "Maccabi"])
    unknown = use(caller, "update_lead", {"fields": {"Shoe size": "44"}})
    assert unknown.data["fields"] == {"Insurance": ["Clalit", "Maccabi"], "Children": "number"}
    assert lead(acme).fields == {"insurance": "Maccabi", "children": 2.0}


_TAKEN = {
    "type", "format", "title", "description", "enum", "items", "minItems", "maxItems", "minimum", "maximum",
    "anyOf", "properties", "additionalProperties", "required", "default", "minLength", "maxLength",
}  # fmt: skip
"""Words of JSON schema by which every maker of models lets tools be described, or which they pass over."""


def words_in(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {word for one in schema for word in words_in(one)}
    if not isinstance(schema, dict):
        return set()
    named = schema.get("properties", {})
    inner = [value for word, value in schema.items() if word not in {"properties", "default", "enum"}]
    return set(schema) | words_in(inner) | words_in(list(named.values()))


def test_tools_are_described_in_words_that_every_maker_of_models_takes() -> None:
    used = {tool.name: words_in(schema_of(tool.arguments)) - _TAKEN for tool in all_tools()}
    assert {name: words for name, words in used.items() if words} == {}


@pytest.mark.parametrize(
    "arguments",
    [
        {}, {"email": "dana at example"}, {"name": "x" * 201},
        {"fields": {str(number): "x" for number in range(21)}},
    ],
)  # fmt: skip
def test_what_cannot_be_put_on_record_is_answered_with_why(acme: World, arguments: dict[str, Any]) -> None:
    result = use(on_the_line(acme), "update_lead", arguments)
    assert not result.ok
    assert result.data["error"] in {"invalid_input", "invalid_arguments"}
    assert result.data["message"]


def test_somebody_new_becomes_a_lead_and_who_withholds_their_number_does_not(acme: World) -> None:
    caller = on_the_line(acme, phone="+12125550777", known=False)
    assert use(caller, "update_lead", {"name": "New"}).ok
    assert lead(acme, "+12125550777").name == "New"
    withheld = use(on_the_line(acme, phone=None), "update_lead", {"name": "Nobody"})
    assert (withheld.ok, withheld.data["error"]) == (False, "invalid_input")
    assert "withheld" in withheld.data["message"]


def test_a_note_is_written_once_however_often_it_is_asked_for(acme: World) -> None:
    caller = on_the_line(acme)
    for _ in range(2):
        assert use(caller, "add_note", {"text": "Prefers mornings."}).ok
    assert use(caller, "add_note", {"text": "Has a dog."}).ok
    with unit_of_work(acme.scope) as session:
        notes = session.scalars(select(LeadNote).order_by(LeadNote.created_at)).all()
        assert [(note.text, note.author) for note in notes] == [
            ("Prefers mornings.", caller.actor), ("Has a dog.", caller.actor),
        ]  # fmt: skip


def test_a_status_is_set_by_its_name_and_the_history_says_by_what(acme: World) -> None:
    caller = on_the_line(acme)
    assert use(caller, "set_lead_status", {"status": "qualified"}).data == {"status": "Qualified"}
    assert use(caller, "set_lead_status", {"status": "Qualified"}).ok
    (event,) = told(acme, "lead.status_changed")
    assert (event.actor, event.data["cause"]) == (caller.actor, "tool")
    assert (event.data["before_name"], event.data["status_name"]) == ("New", "Qualified")
    wrong = use(caller, "set_lead_status", {"status": "Sold"})
    with unit_of_work(acme.scope) as session:
        names = [row.name for row in statuses.of_business(session, acme.business_id).rows]
    assert (wrong.ok, wrong.data["statuses"]) == (False, names)


def test_a_callers_history_is_what_a_receptionist_would_have_before_them(acme: World) -> None:
    caller = on_the_line(acme)
    earlier = had_call(acme, clock.now() - timedelta(days=3), talked_s=60, disposition="callback_requested")
    with unit_of_work(acme.scope) as session:
        session.get_one(Call, earlier).lead_id = caller.lead_id
    assert use(caller, "add_note", {"text": "Prefers mornings."}).ok
    data = use(caller, "caller_history").data
    assert (data["known"], data["name"], data["status"]) == (True, "Lead", "New")
    assert [(one["what"], one.get("outcome"), one.get("text")) for one in data["history"]] == [
        ("note", None, "Prefers mornings."),
        ("call", "callback_requested", None),
    ]
    assert data["history"][1]["who"] == "we called"
    assert use(on_the_line(acme, phone=None), "caller_history").data == {"known": False}


# --- On record -----------------------------------------------------------------------------


def test_every_use_is_on_record_with_what_came_of_it(acme: World) -> None:
    caller = on_the_line(acme)
    assert use(caller, "add_note", {"text": "Once."}).ok
    assert not use(caller, "set_lead_status", {"status": "Sold"}).ok
    assert not use(caller, "fly", {"to": "the moon"}).ok
    assert not use(caller, "add_note", {"text": ["no", "text"]}).ok
    uses = told(acme, "tool.used")
    assert [(event.data["name"], event.data["ok"], event.data["error"]) for event in uses] == [
        ("add_note", True, None),
        ("set_lead_status", False, "invalid_input"),
        ("fly", False, "unknown_tool"),
        ("add_note", False, "invalid_arguments"),
    ]
    assert {(event.actor, event.subject_id) for event in uses} == {(caller.actor, caller.call_id)}
    assert uses[0].data["arguments"] == {"text": "Once."}
    assert uses[2].data["arguments"] == {"to": "[hidden]"}
    assert uses[3].data["arguments"] == {"text": '["no", "text"]'}
    assert all(event.data["ms"] >= 0 for event in uses)


def test_keys_that_are_pressed_are_not_in_the_record_of_their_use(acme: World) -> None:
    caller = on_the_line(acme)
    use(caller, "send_digits", {"digits": "4580123412341234"})
    (event,) = told(acme, "tool.used")
    assert event.data["arguments"] == {"digits": "[hidden]"}
    assert "4580" not in str(event.data)


def test_what_a_model_writes_without_end_is_cut_in_the_record(acme: World) -> None:
    use(on_the_line(acme), "add_note", {"text": "x" * 100_000})
    (event,) = told(acme, "tool.used")
    assert len(event.data["arguments"]["text"]) == 500


def test_a_tool_that_is_stuck_in_the_database_is_ended_undone_and_on_record(acme: World) -> None:
    caller = on_the_line(acme)
    holds, done = threading.Event(), threading.Event()

    def hold_the_lead() -> None:
        with unit_of_work(acme.scope) as session:
            session.execute(text("select from leads where id = :id for update"), {"id": caller.lead_id})
            holds.set()
            done.wait(30)

    holder = threading.Thread(target=hold_the_lead)
    holder.start()
    holds.wait(30)
    try:
        until = time.monotonic() + 0.5
        result = run_tool(
            "update_lead", {"name": "Late"}, caller=caller, allowed=("update_lead",), until=until
        )
        assert (result.ok, result.data["error"]) == (False, "timeout")
    finally:
        done.set()
        holder.join()
    assert lead(acme).name == "Lead"
    (event,) = told(acme, "tool.used")
    assert (event.data["ok"], event.data["error"]) == (False, "timeout")
    assert event.data["ms"] >= 100


# --- In writing ----------------------------------------------------------------------------


def test_a_use_in_writing_is_on_record_under_the_conversation(acme: World) -> None:
    writes = in_writing(acme)
    assert use(writes, "set_lead_status", {"status": "won"}).ok
    assert not use(writes, "hang_up").ok
    assert [event.subject_id for event in told(acme, "tool.used")] == [writes.conversation_id] * 2
    (moved,) = told(acme, "lead.status_changed")
    assert (moved.data["cause"], moved.data["source_id"]) == ("conversation", str(writes.conversation_id))


def test_who_writes_books_once_and_finds_it_again(acme: World) -> None:
    writes, wish = in_writing(acme, known=False), {"weekday": "tuesday", "time": "10:00"}
    booked = use(writes, "book_appointment", wish)
    assert booked.ok
    assert use(writes, "book_appointment", wish) == booked
    assert use(writes, "list_my_appointments").data["appointments"] == [booked.data]
    assert use(writes, "cancel_appointment").ok


def test_who_writes_is_called_when_they_want_and_never_again_when_they_say_so(acme: World) -> None:
    writes = in_writing(acme, known=False)
    assert use(writes, "request_callback", {"at": "17:00"}).ok
    assert use(writes, "request_callback", {"at": "18:00", "note": "later"}).ok
    with unit_of_work(acme.scope) as session:
        (run,) = session.scalars(select(Run))
    assert (run.subject, run.options["from_number"]) == (f"callback:{writes.conversation_id}", acme.number)
    assert told(acme, "callback.requested")[-1].data["conversation_id"] == str(writes.conversation_id)
    assert use(writes, "do_not_call").ok
    (event,) = told(acme, "number.suppressed")
    assert (event.data["reason"], event.data["source"]) == ("asked in writing", "whatsapp")


def test_a_tool_is_used_in_a_call_or_in_writing_and_not_in_both(acme: World) -> None:
    for call_id, conversation_id in ((None, None), (new_id(), new_id())):
        with pytest.raises(ValueError, match="in a call or in a conversation"):
            ToolCaller(acme.business_id, call_id, acme.agent_id, None, None, conversation_id=conversation_id)


# --- The registry --------------------------------------------------------------------------


def test_every_tool_says_what_sort_of_act_it_is_and_how_long_it_may_take() -> None:
    kinds = {tool.name: tool.kind for tool in toolbox.all_tools()}
    assert [kinds[name] for name in ("do_not_call", "caller_history", "add_note", "hang_up")] == [
        Kind.CONTACTS, Kind.READS, Kind.RECORDS, Kind.CONTROLS,
    ]  # fmt: skip
    for tool in toolbox.all_tools():
        assert 0 < tool.seconds <= toolbox.DEADLINE_S
        assert tool.description
        assert tool.built_in == (tool.kind is Kind.CONTROLS)
        assert tool.places
        # A model is told nothing by which it could name somebody else. Which of several appointments is
        # meant it has to say; those are looked for among the caller's own.
        ids = {name for name in tool.arguments.model_fields if name.endswith("_id")}
        assert ids <= {"appointment_id"}


def test_what_a_business_has_nothing_for_is_not_offered(acme: World) -> None:
    names = ("knowledge_lookup", "add_note", "add_note", "fly")
    with unit_of_work(acme.scope) as session:
        lacking = toolbox.unmet(session, acme.business_id, names, agent_id=acme.agent_id)
    assert lacking == {"knowledge"}
    assert toolbox.of_use(names, lacking) == ("add_note",)
    assert toolbox.of_use(names, ()) == ("knowledge_lookup", "add_note")


def test_a_tool_of_another_callers_business_finds_nobody(acme: World, umbrella: World) -> None:
    ours, theirs = on_the_line(acme), on_the_line(umbrella, phone="+13125550102")
    foreign = replace(ours, lead_id=theirs.lead_id)
    for name, arguments in [
        ("update_lead", {"name": "x"}),
        ("add_note", {"text": "x"}),
        ("caller_history", {}),
    ]:
        assert use(foreign, name, arguments).data["error"] == "not_found"


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_days_at_the_ends_of_time_are_answered_and_break_no_tool(acme: World, day: str) -> None:
    caller = on_the_line(acme)
    assert not use(caller, "find_free_slots", {"date": day}).ok
    assert not use(caller, "find_free_slots", {"date": "2026-12-01", "until": day}).ok
    assert not use(caller, "book_appointment", {"date": day, "time": "23:45"}).ok
    assert not use(caller, "request_callback", {"at": f"{day}T23:45"}).ok
