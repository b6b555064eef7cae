"""The AI agent's door to the inbox: calling a person to a conversation, and writing to who is on the line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator
from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.errors import Conflict, InvalidInput
from trunkline.core.toolbox import IN_CALLS, IN_WRITING, Kind, ToolCaller, register_need, tool
from trunkline.domain.inbox import accounts, ai_dialogue, conversations, handing, sending, templates
from trunkline.domain.inbox.account_models import AccountState, ChatAccount
from trunkline.domain.inbox.answering import HAND_OVER
from trunkline.domain.inbox.contents import Content, FilledTemplate
from trunkline.domain.inbox.models import SourceKind
from trunkline.domain.leads import service as leads

Text = Annotated[str, StringConstraints(strip_whitespace=True)]


WHATSAPP = "whatsapp"

_MOST_TEMPLATES = 20
"""Templates that an agent is told of, to choose from."""


class HandOver(BaseModel):
    """Why a person is to go on."""

    reason: Annotated[Text, Field(min_length=1, max_length=500)] = Field(
        description="For the colleague: what the person wants, and why you cannot see to it"
    )
    message: Annotated[Text, Field(max_length=1_000)] = Field(
        "", description="What the person is told of it, in their language; empty: a sentence that says so"
    )


class WhatsAppWish(BaseModel):
    """What the person on the line is to get: words, or a template where only one goes."""

    text: Annotated[Text, Field(max_length=1_000)] = Field("", description="The message, in their language")
    template: Annotated[Text, Field(max_length=512)] = Field(
        "",
        description="Only where you were told that words do not go: one of those you were told, by its name",
    )
    language: Annotated[Text, Field(max_length=20)] = Field("", description="Of the template")
    values: Annotated[list[Annotated[Text, Field(min_length=1, max_length=500)]], Field(max_length=20)] = (
        Field([], description="What stands in the template's variables, in order")
    )

    @model_validator(mode="after")
    def _says_something(self) -> WhatsAppWish:
        if not self.text and not self.template:
            raise ValueError("say a text, or a template")
        return self


def _has_number(session: Session, business_id: UUID, agent_id: UUID | None) -> bool:
    return _number(session, business_id, agent_id) is not None


register_need(WHATSAPP, _has_number)


@tool(
    HAND_OVER,
    description="Hand the conversation over to a person of the business: when they ask for one, are upset, or"
    " want what you cannot do. You write nothing more then: say in `message` what they are to know.",
    arguments=HandOver,
    built_in=True,
    kind=Kind.CONTROLS,
    places=IN_WRITING,
)
def hand_over_to_person(session: Session, caller: ToolCaller, wish: HandOver) -> Mapping[str, Any]:
    """The agent is turned off in this conversation, and whoever sees to it is told."""
    conversation = conversations.get_conversation(session, caller.business_id, caller.source_id, lock=True)
    open_ = ai_dialogue.waiting(session, conversation)
    key = str(open_.newest) if open_ is not None else str(conversation.id)
    handing.hand_over(
        session, caller.business_id, conversation.id, reason=wish.reason, actor=caller.actor,
        key=key, message=wish.message,
    )  # fmt: skip
    return {"handed_over": True}


@tool(
    "send_whatsapp",
    description="Send the person on the line a WhatsApp message, once they have said that they want it: an"
    " address, a link, what was agreed. It goes to the number that they call from.",
    arguments=WhatsAppWish,
    kind=Kind.CONTACTS,
    needs=WHATSAPP,
    places=IN_CALLS,
)
def send_whatsapp(session: Session, caller: ToolCaller, wish: WhatsAppWish) -> Mapping[str, Any]:
    """Have a message go to the caller's number, once for its words in this call."""
    if caller.phone is None:
        raise InvalidInput("There is no number here to which a message could go.")
    account = _number(session, caller.business_id, caller.agent_id)
    if account is None:
        raise InvalidInput("The business has no number at WhatsApp.")
    lead_id = caller.lead_id or leads.lead_of_caller(session, caller.business_id, caller.phone)
    if wish.template:
        use = FilledTemplate(name=wish.template, language=wish.language, body=wish.values)
        content = templates.filled(session, caller.business_id, account.id, use)
    else:
        content = Content(text=wish.text)
    conversation = conversations.conversation_with(session, account, caller.phone, lead_id=lead_id)
    said = json.dumps([wish.text, wish.template, wish.language, wish.values])
    try:
        sending.queue_message(
            session, caller.business_id, conversation.id, content,
            key=f"tool:{caller.call}:{hashlib.sha256(said.encode()).hexdigest()[:32]}",
            source=SourceKind.AGENT, author=caller.actor,
        )  # fmt: skip
    except Conflict as error:
        if error.data.get("reason") != "window":
            raise
        raise InvalidInput(
            "They have not written within a day, so only a template goes. Use one of these, or say that you"
            " cannot send it.",
            reason="window", templates=_approved(session, account),
        ) from error  # fmt: skip
    return {"sent": "it is on its way"}


def _number(session: Session, business_id: UUID, agent_id: UUID | None) -> ChatAccount | None:
    """Return the number by which this agent writes; where it has none, the business's first."""
    there = [
        row
        for row in accounts.list_accounts(session, business_id)
        if row.provider == registry.WHATSAPP and row.state == AccountState.CONNECTED
    ]
    return next((row for row in there if row.agent_id == agent_id), there[0] if there else None)


def _approved(session: Session, account: ChatAccount) -> list[dict[str, Any]]:
    rows = templates.of_account(session, account.business_id, account.id)
    return [
        {"template": row.name, "language": row.language, "body": row.body}
        for row in rows
        if row.status == templates.APPROVED and not row.parameters.get("header")
    ][:_MOST_TEMPLATES]
