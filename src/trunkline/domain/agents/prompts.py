"""What a call of an agent's begins with, put together before anybody rings.

Owns the prepared prompt: the agent, the business's facts, its knowledge, and what is lacking for the agent's
tools. Its key is made of all of these, in the database, in the moment in which it is read: one that is out
of date is never used, whoever changed what. What is not there is put together on the spot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core import toolbox
from trunkline.core.errors import NotFound
from trunkline.core.jobs import enqueue_unique
from trunkline.domain.agents import checks
from trunkline.domain.agents.models import Agent, AgentPrompt, KnowledgeText
from trunkline.domain.agents.rules import told_of
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock

_SHAPE = 1
"""Of the content; counted up whenever that becomes another, so that nobody reads what an older one wrote."""

# Whole rows as texts: a column that is added tomorrow counts without anybody having to think of it.
_KEYS = """
    select agent.id, md5(concat_ws('|', cast(:shape as text), agent::text, business::text, (
        select string_agg(known.id::text || ':' || known.version, ',' order by known.id)
        from knowledge_texts known
        where known.business_id = agent.business_id
          and (known.agent_id = agent.id or known.agent_id is null)
    ), (
        select string_agg(number.id::text || ':' || number.state, ',' order by number.id)
        from chat_accounts number where number.business_id = agent.business_id
    ))) as key
    from agents agent join businesses business on business.id = agent.business_id
    where agent.business_id = :business_id
"""
_READY = text(
    f"""
    select now.key, case when prompt.key = now.key then prompt.content end as content
    from ({_KEYS} and agent.id = :agent_id) now
    left join agent_prompts prompt on prompt.business_id = :business_id and prompt.agent_id = now.id
    """  # noqa: S608 - put together of constants
)
_STALE = text(
    f"""
    select now.id
    from ({_KEYS} and agent.archived_at is null) now
    left join agent_prompts prompt on prompt.business_id = :business_id and prompt.agent_id = now.id
    where prompt.key is distinct from now.key
    order by now.id
    """  # noqa: S608 - as above
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything about an agent and its business that a call needs before its first word."""

    agent_version: int
    agent_name: str
    language: str
    greeting: str
    instructions: str
    script: dict[str, Any] | None
    brain: str
    voice: dict[str, Any]
    tools: list[str]
    transfer_to: list[str]
    lacking: list[str]
    """What the agent's tools need and there is not (`core.toolbox.unmet`)."""
    knowledge: str
    """What a model is told of what the business has written down."""
    business_name: str
    time_zone: str
    region: str
    calling_rules: dict[str, Any]
    record_calls: bool


def ready(session: Session, business_id: UUID, agent_id: UUID) -> Prompt:
    """Return what a call begins with, by one statement if it was prepared. Raises NotFound."""
    row = _row(session, business_id, agent_id)
    if row.content is not None:
        return Prompt(**row.content)
    ask_for(agent_id)
    return _put_together(session, business_id, agent_id)


def prepare(session: Session, business_id: UUID, agent_id: UUID) -> None:
    """Put together what a call begins with, unless it is ready. Raises NotFound."""
    row = _row(session, business_id, agent_id)
    if row.content is not None:
        return
    content = asdict(_put_together(session, business_id, agent_id))
    made = {"key": row.key, "content": content, "built_at": clock.now()}
    session.execute(
        insert(AgentPrompt)
        .values(business_id=business_id, agent_id=agent_id, **made)
        .on_conflict_do_update(index_elements=["business_id", "agent_id"], set_=made)
    )


def stale(session: Session, business_id: UUID) -> Sequence[UUID]:
    """Return the agents whose calls would not find theirs ready."""
    return session.scalars(_STALE, {"shape": _SHAPE, "business_id": business_id}).all()


def ask_for(agent_id: UUID) -> None:
    """Have an agent's prompt put together by a job, in the unit of work in hand."""
    enqueue_unique("low", "prebuild_prompt", f"prompt:{agent_id}", str(agent_id))


def have_ready(session: Session, business_id: UUID, agent_id: UUID) -> None:
    """See to it that calls which are about to begin find theirs ready. Raises NotFound."""
    if _row(session, business_id, agent_id).content is None:
        ask_for(agent_id)


def ask_for_all() -> None:
    """Have whatever is out of date in the business prepared by a job: prompts, and vectors of knowledge."""
    enqueue_unique("low", "warmup_business", "warm-up")


def known_to(session: Session, business_id: UUID, agent_id: UUID) -> Sequence[KnowledgeText]:
    """Return what an agent knows: its own texts, then those of all agents, each by title."""
    return session.scalars(
        select(KnowledgeText)
        .where(
            KnowledgeText.business_id == business_id,
            or_(KnowledgeText.agent_id == agent_id, KnowledgeText.agent_id.is_(None)),
        )
        .order_by(KnowledgeText.agent_id.is_(None), KnowledgeText.title, KnowledgeText.id)
    ).all()


def _row(session: Session, business_id: UUID, agent_id: UUID) -> Row[Any]:
    given = {"shape": _SHAPE, "business_id": business_id, "agent_id": agent_id}
    row = session.execute(_READY, given).one_or_none()
    if row is None:
        raise NotFound("There is no such agent.")
    return row


def _put_together(session: Session, business_id: UUID, agent_id: UUID) -> Prompt:
    agent = session.get_one(Agent, agent_id)
    business = tenants.get_business(session, business_id)
    told, _ = told_of((known.title, known.text) for known in known_to(session, business_id, agent_id))
    return Prompt(
        agent_version=agent.version, agent_name=agent.name, language=agent.language,
        greeting=agent.greeting, instructions=agent.instructions, script=agent.script, brain=agent.brain,
        voice=checks.voice_of(agent), tools=agent.tools, transfer_to=agent.transfer_to,
        lacking=sorted(toolbox.unmet(session, business_id, agent.tools, agent_id=agent_id)),
        knowledge=told, business_name=business.name, time_zone=business.time_zone, region=business.region,
        calling_rules=business.calling_rules,
        record_calls=business.record_calls,
    )  # fmt: skip
