"""The verbs of agents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core import vault
from trunkline.core.errors import Conflict, InvalidInput, NotFound, Outdated
from trunkline.core.events import announce
from trunkline.domain.agents import checks, knowledge, prompts, versions
from trunkline.domain.agents.models import Agent
from trunkline.domain.agents.rules import CONTENT
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock

# Whoever uses the verbs finds the other files' by the same door.
ready = prompts.ready
have_ready = prompts.have_ready

_MAY_BE_EMPTY = frozenset({"script"})


class Archived(Conflict):
    """The agent has been put away: it takes no new calls and is not changed until it is back."""

    code = "archived"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an agent beside what people have written of it."""

    warnings: list[checks.Warning]
    numbers: list[str]
    """The business's numbers that it answers, E.164."""
    saved_by: str
    saved_at: datetime


def create_agent(
    session: Session,
    business_id: UUID,
    *,
    name: str,
    language: str,
    greeting: str = "",
    instructions: str = "",
    script: dict[str, Any] | None = None,
    brain: str = checks.SCRIPTED,
    voice: dict[str, Any] | None = None,
    tools: list[str] | None = None,
    transfer_to: list[str] | None = None,
    note: str = "",
    actor: str,
) -> Agent:
    """Make an agent. Raises InvalidInput that says which parts cannot work."""
    agent = Agent(
        business_id=business_id, name=name, language=language, greeting=greeting, instructions=instructions,
        script=script, brain=brain, voice=voice or {}, tools=tools or [],
        transfer_to=transfer_to or [], version=1,
    )  # fmt: skip
    checks.check(agent)
    agent.voice = checks.voice_of(agent)
    agent.transfer_to = checks.targets_of(agent, tenants.get_business(session, business_id))
    session.add(agent)
    session.flush()
    versions.keep(session, agent, before=None, note=note, actor=actor)
    announce("agent.created", subject_id=agent.id, actor=actor, name=name)
    return agent


def update_agent(
    session: Session,
    business_id: UUID,
    agent_id: UUID,
    changes: dict[str, Any],
    *,
    version: int | None = None,
    note: str = "",
    actor: str,
) -> Agent:
    """Change an agent, which makes a new version of it; calls that are live keep what they began with.

    `version` is the one that the changes were made on; None: whatever stands. What changes nothing is not
    kept. Raises NotFound, InvalidInput, Outdated, Archived.
    """
    agent = _locked(session, business_id, agent_id, version)
    before = versions.content_of(agent)
    for field, value in changes.items():
        if value is None and field not in _MAY_BE_EMPTY:
            raise InvalidInput(f"{field} cannot be empty.", reason="empty", field=field)
        setattr(agent, field, value)
    checks.check(agent)
    agent.voice = checks.voice_of(agent)
    if "transfer_to" in changes:
        # A list that stands may name who has left: that is checked when a call is handed on.
        agent.transfer_to = checks.targets_of(agent, tenants.get_business(session, business_id))
    _save(session, agent, before, note=note, actor=actor)
    return agent


def restore_version(
    session: Session, business_id: UUID, agent_id: UUID, number: int, *, version: int, note: str, actor: str
) -> Agent:
    """Make an agent what it was as version `number`; that is a new version. Raises as `update_agent`."""
    agent = _locked(session, business_id, agent_id, version)
    wanted = versions.get_version(session, business_id, agent_id, number)
    before = versions.content_of(agent)
    for field in CONTENT:
        setattr(agent, field, wanted.content[field])
    checks.check(agent)
    _save(session, agent, before, note=note, restored_from=number, actor=actor)
    return agent


def archive_agent(session: Session, business_id: UUID, agent_id: UUID, *, actor: str) -> Agent:
    """Put an agent away; calls and runs that have it go on. Raises Conflict while it answers a number."""
    agent = _lock(session, business_id, agent_id)
    if agent.archived_at is None:
        if numbers := _numbers(session, business_id).get(agent_id):
            raise Conflict(
                f"It answers {', '.join(numbers)}: have somebody else answer there first.",
                numbers=numbers,
                reason="answers_numbers",
            )
        agent.archived_at = clock.now()
        announce("agent.archived", subject_id=agent.id, actor=actor, name=agent.name)
    return agent


def unarchive_agent(session: Session, business_id: UUID, agent_id: UUID, *, actor: str) -> Agent:
    """Bring an agent back."""
    agent = _lock(session, business_id, agent_id)
    if agent.archived_at is not None:
        agent.archived_at = None
        announce("agent.unarchived", subject_id=agent.id, actor=actor, name=agent.name)
    return agent


def examine(
    session: Session, business_id: UUID, draft: dict[str, Any]
) -> tuple[list[checks.Fault], list[checks.Warning]]:
    """Return what keeps an agent like this from being saved, and what would not work of it. Saves nothing."""
    agent = Agent(business_id=business_id, **draft)
    business = tenants.get_business(session, business_id)
    faults = checks.faults_of(agent, business)
    own_keys = vault.providers_of(session, business_id)
    return faults, [] if faults else checks.warnings_of(agent, business, own_keys=own_keys)


def get_agent(session: Session, business_id: UUID, agent_id: UUID) -> Agent:
    """Return an agent of this business. Raises NotFound."""
    agent = session.scalar(select(Agent).where(Agent.business_id == business_id, Agent.id == agent_id))
    if agent is None:
        raise NotFound("There is no such agent.")
    return agent


def get_working_agent(session: Session, business_id: UUID, agent_id: UUID) -> Agent:
    """Return an agent that may take new calls. Raises NotFound, Archived."""
    agent = get_agent(session, business_id, agent_id)
    _refuse_archived(agent)
    return agent


def hold_working_agent(session: Session, business_id: UUID, agent_id: UUID) -> None:
    """See to it that an agent may take new calls until this transaction ends. Raises NotFound, Archived."""
    agent = session.scalar(
        select(Agent)
        .where(Agent.business_id == business_id, Agent.id == agent_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    if agent is None:
        raise NotFound("There is no such agent.")
    _refuse_archived(agent)


def names_of(session: Session, business_id: UUID, agent_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of these agents."""
    rows = session.execute(
        select(Agent.id, Agent.name).where(Agent.business_id == business_id, Agent.id.in_(agent_ids))
    )
    return {row.id: row.name for row in rows}


def list_agents(session: Session, business_id: UUID, *, archived: bool = False) -> list[Agent]:
    """Return the business's agents, by name; `archived`: those that were put away."""
    put_away = Agent.archived_at.is_not(None) if archived else Agent.archived_at.is_(None)
    return list(
        session.scalars(select(Agent).where(Agent.business_id == business_id, put_away).order_by(Agent.name))
    )


def standing_of(session: Session, business_id: UUID, agents: Iterable[Agent]) -> dict[UUID, Standing]:
    """Return what else is known of these agents, by id."""
    agents = list(agents)
    business = tenants.get_business(session, business_id)
    numbers = _numbers(session, business_id)
    saved = versions.newest_of(session, business_id, agents)
    sizes = knowledge.characters_of(session, business_id)
    own_keys = vault.providers_of(session, business_id)
    return {
        agent.id: Standing(
            checks.warnings_of(agent, business, own_keys=own_keys, knowledge=sizes[None] + sizes[agent.id]),
            numbers[agent.id],
            *saved[agent.id],
        )
        for agent in agents
    }


def _numbers(session: Session, business_id: UUID) -> defaultdict[UUID | None, list[str]]:
    found: defaultdict[UUID | None, list[str]] = defaultdict(list)
    for number in tenants.list_numbers(session, business_id):
        found[number.agent_id].append(number.e164)
    return found


def _lock(session: Session, business_id: UUID, agent_id: UUID) -> Agent:
    agent = session.scalar(
        select(Agent)
        .where(Agent.business_id == business_id, Agent.id == agent_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if agent is None:
        raise NotFound("There is no such agent.")
    return agent


def _locked(session: Session, business_id: UUID, agent_id: UUID, version: int | None) -> Agent:
    """Return an agent that may be changed on top of this version."""
    agent = _lock(session, business_id, agent_id)
    _refuse_archived(agent)
    if version not in {None, agent.version}:
        newest = versions.get_version(session, business_id, agent_id, agent.version)
        raise Outdated(version=agent.version, by=newest.saved_by)
    return agent


def _refuse_archived(agent: Agent) -> None:
    if agent.archived_at is not None:
        raise Archived("The agent is archived; bring it back first.")


def _save(
    session: Session,
    agent: Agent,
    before: dict[str, Any],
    *,
    note: str,
    restored_from: int | None = None,
    actor: str,
) -> None:
    if versions.content_of(agent) == before:
        return
    agent.version += 1
    agent.updated_at = clock.now()
    prompts.ask_for(agent.id)
    kept = versions.keep(session, agent, before=before, note=note, restored_from=restored_from, actor=actor)
    announce("agent.updated", subject_id=agent.id, actor=actor, fields=kept.changed, version=agent.version)
