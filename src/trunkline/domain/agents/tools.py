"""The AI agent's door to knowledge: what the business has written down, looked up while somebody waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy.orm import Session

from trunkline.core.toolbox import Kind, ToolCaller, register_need, tool
from trunkline.domain.agents import lookup

KNOWLEDGE = "knowledge"

register_need(KNOWLEDGE, lookup.has_any)


class Question(BaseModel):
    """What is to be found out."""

    question: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)] = Field(
        description="The caller's question in their own words and language, with the words it is about"
    )


def _ask(wish: Question) -> lookup.Asked:
    return lookup.ask(wish.question)


@tool(
    "knowledge_lookup",
    description="Look up what the business has written down: prices, opening times, the way in, conditions."
    " Use it before you say that you do not know.",
    arguments=Question,
    kind=Kind.READS,
    seconds=5,
    needs=KNOWLEDGE,
    before=_ask,
)
def knowledge_lookup(session: Session, caller: ToolCaller, asked: lookup.Asked) -> Mapping[str, Any]:
    """Return the parts of texts that fit best; none: nothing is written about it, and none is made up."""
    found = lookup.look_up(session, caller.business_id, caller.agent_id, asked)
    if not found:
        return {"found": [], "message": "Nothing is written down about this; say so, and offer to ask."}
    return {"found": [{"title": part.title, "text": part.text} for part in found]}
