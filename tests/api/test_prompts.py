"""What a call begins with: ready before it, never out of date, put together where it is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, func, select

from support.installation import Installation
from support.world import World
from trunkline.core import registry
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.errors import NotFound
from trunkline.core.jobs import enqueue_job
from trunkline.core.jobs.models import Job
from trunkline.domain.agents import knowledge, prompts
from trunkline.domain.agents import service as agents
from trunkline.domain.agents.models import AgentPrompt
from trunkline.domain.calls import service as calls
from trunkline.domain.leads import editing
from trunkline.domain.leads import service as leads
from trunkline.domain.tenants import service as tenants
from trunkline.kit.ids import new_id
from trunkline.providers.scripted import ready_made
from trunkline.web.preparation import Preparation, prepare

PERSON = "+12125550101"


@contextmanager
def counted(installation: Installation) -> Iterator[list[str]]:
    """Note the statements that the application's connections run."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(installation.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(installation.database.engine, "before_cursor_execute", note)


def begin_call(world: World) -> Preparation:
    """Let somebody call, and read what that needs."""
    with unit_of_work(world.scope) as session:
        lead_id = leads.lead_of_caller(session, world.business_id, PERSON)
        call = calls.open_call(
            session, world.business_id, sid=f"CA{new_id().hex}", direction="inbound", ours=world.number,
            theirs=PERSON, agent_id=world.agent_id, lead_id=lead_id,
        )  # fmt: skip
        return prepare(session, call, leg=1)


def warm(world: World, installation: Installation) -> None:
    """Have everything of a business made ready that can be."""
    with unit_of_work(world.scope):
        prompts.ask_for_all()
    installation.run_jobs("low")


def is_ready(world: World) -> bool:
    with unit_of_work(world.scope) as session:
        return world.agent_id not in prompts.stale(session, world.business_id)


def write(world: World, text: str = "We open at nine.") -> None:
    with unit_of_work(world.scope) as session:
        knowledge.add_text(session, world.business_id, title="Times", text=text, agent_id=None, actor="test")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent's brain is a model's, which is told what the business knows."""
    monkeypatch.setattr(registry, "_readers", {"scripted"})


def change_agent(world: World) -> None:
    with unit_of_work(world.scope) as session:
        changes = {"greeting": "Good day."}
        agents.update_agent(session, world.business_id, world.agent_id, changes, actor="test")


def rename_business(world: World) -> None:
    with unit_of_work(world.scope) as session:
        tenants.change_business(session, world.business_id, {"name": "Ajax"}, actor="test")


def change_text(world: World) -> None:
    with unit_of_work(world.scope) as session:
        (known, *_) = knowledge.list_texts(session, world.business_id)
        changes = {"text": "We open at ten."}
        knowledge.change_text(
            session, world.business_id, known.id, changes, version=known.version, actor="test"
        )


def remove_text(world: World) -> None:
    with unit_of_work(world.scope) as session:
        (known, *_) = knowledge.list_texts(session, world.business_id)
        knowledge.remove_text(session, world.business_id, known.id, actor="test")


@pytest.mark.parametrize("change", [change_agent, rename_business, write, change_text, remove_text])
def test_after_any_change_the_old_one_is_not_used_and_the_next_is_ready_after_a_job(
    acme: World, installation: Installation, reads: None, change: Callable[[World], None]
) -> None:
    write(acme)
    with unit_of_work(acme.scope) as session:
        agents.update_agent(
            session, acme.business_id, acme.agent_id, {"greeting": "Hello {business_name}."}, actor="test"
        )
    installation.run_jobs("low")
    assert is_ready(acme)
    before = begin_call(acme).brief
    change(acme)
    assert not is_ready(acme)
    after = begin_call(acme).brief
    told = (after.greeting, after.business_name, after.knowledge)
    assert told != (before.greeting, before.business_name, before.knowledge)
    installation.run_jobs("low")
    assert is_ready(acme)
    brief = begin_call(acme).brief
    assert (brief.greeting, brief.business_name, brief.knowledge) == told


def test_what_belongs_to_another_agent_or_business_changes_nothing(
    acme: World, umbrella: World, installation: Installation
) -> None:
    with unit_of_work(acme.scope) as session:
        other = agents.create_agent(
            session, acme.business_id, name="Other", language="en", script=ready_made("appointment"),
            actor="test",
        )  # fmt: skip
    warm(acme, installation)
    write(umbrella)
    with unit_of_work(acme.scope) as session:
        knowledge.add_text(session, acme.business_id, title="Mine", text="x", agent_id=other.id, actor="test")
        assert prompts.stale(session, acme.business_id) == [other.id]
    with unit_of_work(umbrella.scope) as session, pytest.raises(NotFound):
        prompts.ready(session, umbrella.business_id, acme.agent_id)


def test_a_call_reads_less_where_its_prompt_is_ready(
    acme: World, installation: Installation, reads: None
) -> None:
    """Agent, business and knowledge are one statement; the lead, the run's wishes and the keys are others."""
    write(acme)
    with unit_of_work(acme.scope) as session:
        call = calls.open_call(
            session, acme.business_id, sid="CA1", direction="inbound", ours=acme.number, theirs=PERSON,
            agent_id=acme.agent_id, lead_id=leads.lead_of_caller(session, acme.business_id, PERSON),
        )  # fmt: skip
    installation.run_jobs("low")
    counts = []
    for _ in range(2):
        with unit_of_work(acme.scope) as session, counted(installation) as seen:
            prepare(session, calls.get_call(session, acme.business_id, call.id), leg=1)
        # The scope of the transaction, and the call itself, which whoever prepares it has.
        counts.append(len(seen) - 2)
        change_agent(acme)
    # Four, and one for the names of the business's own fields, where leads have such.
    assert counts[0] <= 5 < counts[1]
    with unit_of_work(acme.scope) as session:
        waiting = select(func.count()).where(Job.name == "prebuild_prompt", Job.state == "queued")
        assert session.scalar(waiting) == 1


def test_a_model_is_told_whom_it_speaks_with(acme: World, reads: None) -> None:
    with unit_of_work(acme.scope) as session:
        lead_id = leads.lead_of_caller(session, acme.business_id, PERSON)
        lead = leads.get_lead(session, acme.business_id, lead_id)
        changes = {"name": "Dana", "tags": ["vip"], "notes": "Prefers mornings."}
        editing.edit_lead(session, acme.business_id, lead_id, changes, version=lead.version, actor="test")
    assert begin_call(acme).brief.about == "Name: Dana\nTags: vip\nNotes: Prefers mornings."


def test_a_tool_that_has_nothing_to_look_up_is_not_offered(acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        tools = ["knowledge_lookup", "add_note"]
        agents.update_agent(session, acme.business_id, acme.agent_id, {"tools": tools}, actor="test")
    assert "knowledge_lookup" not in begin_call(acme).allowed
    write(acme)
    prepared = begin_call(acme)
    assert {"knowledge_lookup", "add_note", "hang_up"} <= set(prepared.allowed)
    assert [spec.name for spec in prepared.brief.tools] == list(prepared.allowed)


def test_what_nobody_asked_to_be_prepared_is_found_by_the_clock(
    acme: World, umbrella: World, installation: Installation
) -> None:
    warm(acme, installation)
    warm(umbrella, installation)
    rename_business(acme)
    with unit_of_work(SYSTEM):
        enqueue_job("low", "warmup_agents")
    installation.run_jobs("low")
    assert is_ready(acme)
    with unit_of_work(of_business(umbrella.business_id)) as session:
        warmed = select(func.count()).where(Job.name == "warmup_business")
        assert session.scalar(warmed) == 1, "nothing was out of date there"
        assert session.scalar(select(func.count()).select_from(AgentPrompt)) == 1
