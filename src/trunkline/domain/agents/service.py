"""The verbs of agents."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core import registry, toolbox
from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.domain.agents.models import Agent
from trunkline.domain.agents.schemas import VoiceOptions
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.extensions import resolve
from trunkline.domain.tenants.service import LANGUAGES
from trunkline.kit import clock
from trunkline.kit.dialogue import Dialogue

SCRIPTED = "scripted"
"""The brain that follows a written dialogue and needs no AI account."""

_MAY_BE_EMPTY = frozenset({"script"})


def create_agent(
    session: Session,
    business_id: UUID,
    *,
    name: str,
    language: str,
    greeting: str = "",
    instructions: str = "",
    script: dict[str, Any] | None = None,
    brain: str = SCRIPTED,
    voice: dict[str, Any] | None = None,
    tools: list[str] | None = None,
    transfer_to: list[str] | None = None,
    actor: str,
) -> Agent:
    """Make an agent. Raises InvalidInput that says which part cannot work."""
    agent = Agent(
        business_id=business_id, name=name, language=language, greeting=greeting, instructions=instructions,
        script=script, brain=brain, voice=voice or {}, tools=tools or [],
        transfer_to=transfer_to or [],
    )  # fmt: skip
    _check(agent)
    agent.transfer_to = _targets(session, agent)
    session.add(agent)
    session.flush()
    announce("agent.created", subject_id=agent.id, actor=actor, name=name)
    return agent


def update_agent(
    session: Session, business_id: UUID, agent_id: UUID, changes: dict[str, Any], *, actor: str
) -> Agent:
    """Change an agent; calls that are live keep what they began with. Raises NotFound, InvalidInput."""
    agent = get_agent(session, business_id, agent_id)
    for field, value in changes.items():
        if value is None and field not in _MAY_BE_EMPTY:
            raise InvalidInput(f"{field} cannot be empty.")
        setattr(agent, field, value)
    agent.updated_at = clock.now()
    _check(agent)
    if "transfer_to" in changes:
        # A list that stands may name who has left: that is checked when a call is handed on.
        agent.transfer_to = _targets(session, agent)
    announce("agent.updated", subject_id=agent.id, actor=actor, fields=sorted(changes))
    return agent


def get_agent(session: Session, business_id: UUID, agent_id: UUID) -> Agent:
    """Return an agent of this business. Raises NotFound."""
    agent = session.scalar(select(Agent).where(Agent.business_id == business_id, Agent.id == agent_id))
    if agent is None:
        raise NotFound("There is no such agent.")
    return agent


def list_agents(session: Session, business_id: UUID) -> list[Agent]:
    """Return the business's agents, by name."""
    return list(session.scalars(select(Agent).where(Agent.business_id == business_id).order_by(Agent.name)))


def names_of(session: Session, business_id: UUID, agent_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of these agents."""
    rows = session.execute(
        select(Agent.id, Agent.name).where(Agent.business_id == business_id, Agent.id.in_(agent_ids))
    )
    return {row.id: row.name for row in rows}


def voice_of(agent: Agent) -> dict[str, Any]:
    """Return how an agent sounds, as far as it says so."""
    return VoiceOptions.model_validate(agent.voice).model_dump(exclude_none=True)


def warnings_of(agent: Agent) -> list[str]:
    """Return why this agent would not work here as things are, a sentence each. It is kept all the same."""
    if registry.is_deaf(agent.brain):
        return [
            f"{agent.brain!r} would hear nothing of callers but their keys: local speech-to-text makes out "
            "the words of written dialogues alone. Set SPEECH_TO_TEXT to another."
        ]
    return []


def _targets(session: Session, agent: Agent) -> list[str]:
    """Return whom the agent may hand calls to, as extensions and E.164. Raises InvalidInput."""
    business = tenants.get_business(session, agent.business_id)
    targets = [resolve(text, business.extensions, region=business.region) for text in agent.transfer_to]
    for target in targets:
        tenants.check_transfer(business, target.number, target.label, refusal=InvalidInput)
    return list(dict.fromkeys(target.extension or target.number for target in targets))


def _check(agent: Agent) -> None:
    try:
        agent.voice = voice_of(agent)
    except ValidationError as error:
        raise InvalidInput("An agent cannot sound like this.", faults=_faults(error)) from error
    if agent.language not in LANGUAGES:
        raise InvalidInput(f"{agent.language!r} is not a language we speak; we speak {', '.join(LANGUAGES)}.")
    if agent.voice.get("language", agent.language).partition("-")[0] != agent.language:
        raise InvalidInput(f"A voice for {agent.voice['language']!r} cannot speak {agent.language!r}.")
    speakers = registry.voice_names()
    if unheard := sorted({agent.voice.get("provider"), *agent.voice.get("names", {})} - {None, *speakers}):
        raise InvalidInput(
            f"{unheard[0]!r} does not speak here; {', '.join(speakers)} does.", unknown=unheard
        )
    if agent.brain not in registry.brain_names():
        raise InvalidInput(
            f"There is no brain {agent.brain!r} here; there is {', '.join(registry.brain_names())}."
        )
    if unknown := sorted(set(agent.tools) - set(toolbox.tool_names())):
        raise InvalidInput(f"There is no tool {unknown[0]!r}.", tools=unknown)
    if agent.brain != SCRIPTED and not agent.instructions.strip():
        raise InvalidInput("An agent that a model drives needs instructions.")
    if agent.brain == SCRIPTED:
        if agent.script is None:
            raise InvalidInput("A scripted agent needs a script.")
        try:
            dialogue = Dialogue.model_validate(agent.script)
        except ValidationError as error:
            raise InvalidInput("The script cannot be followed.", faults=_faults(error)) from error
        if agent.language not in dialogue.languages:
            raise InvalidInput(
                f"The script has no texts in the agent's language, {agent.language!r}.",
                faults=[{"path": "languages", "fault": f"{agent.language!r} is missing"}],
            )


def _faults(error: ValidationError) -> list[dict[str, str]]:
    return [
        {"path": ".".join(str(part) for part in fault["loc"]), "fault": fault["msg"]}
        for fault in error.errors(include_url=False, include_input=False)
    ]
