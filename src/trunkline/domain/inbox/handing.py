"""Handing a conversation over to a person: the agent falls silent, and somebody is told.

Whoever hands over says why; the person who wrote is told once that somebody will see to it. Nothing here
depends on a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.core.errors import Conflict, InvalidInput
from trunkline.core.events import announce
from trunkline.core.telemetry import get_logger
from trunkline.domain.inbox import conversations, sending
from trunkline.domain.inbox.account_models import AiMode
from trunkline.domain.inbox.contents import Content
from trunkline.domain.inbox.models import Conversation, ConversationState, SourceKind
from trunkline.domain.leads import service as leads
from trunkline.domain.notifications.service import Facts, Kind, Said, Ways, notify, register_kind
from trunkline.domain.people import service as people
from trunkline.domain.tenants import service as tenants

NEEDS_PERSON = "conversation_needs_person"
_LONGEST_REASON = 500

_PASSED_ON = {
    "en": "I am passing this on to a colleague, who will write to you here.",
    "he": "העברתי את הפנייה לצוות שלנו, ומישהו ימשיך איתך כאן.",
}
_WORDS = {
    "en": ("{name} needs a person", "The agent has handed a conversation over"),
    "he": ("נדרש מענה אנושי: {name}", "הסוכן העביר שיחה לאדם"),
}

log = get_logger(__name__)


def register() -> None:
    """Have people told of conversations that need one."""
    register_kind(Kind(NEEDS_PERSON, Ways(page=True, push=True, email=False), _say, urgent=True))


def hand_over(
    session: Session, business_id: UUID, conversation_id: UUID, *, reason: str, actor: str, key: str,
    message: str | None = None, silently: bool = False,
) -> bool:  # fmt: skip
    """Turn the agent off in a conversation and call a person. False: nobody is asked for anew.

    `message` is what the person who wrote is told, a sentence of ours where it is empty; nothing with
    `silently`. `key` makes it one message, however often this is asked for. Raises NotFound.
    """
    conversation = conversations.get_conversation(session, business_id, conversation_id, lock=True)
    if conversation.ai_mode == AiMode.OFF and conversation.needs_person is not None:
        return False
    conversation.ai_mode = AiMode.OFF
    conversation.needs_person = reason[:_LONGEST_REASON]
    conversation.state = ConversationState.OPEN
    conversation.unread = max(conversation.unread, 1)
    session.flush()
    announce(
        "conversation.handed_over", subject_id=conversation.id, actor=actor, reason=reason[:_LONGEST_REASON],
        lead_id=str(conversation.lead_id) if conversation.lead_id else None,
    )  # fmt: skip
    if not silently:
        _tell_them(session, conversation, message, key=key, actor=actor)
    _tell_people(session, conversation, key=key)
    return True


def _tell_them(
    session: Session, conversation: Conversation, message: str | None, *, key: str, actor: str
) -> None:
    business = tenants.get_business(session, conversation.business_id)
    text = (message or "").strip() or _PASSED_ON[business.language]
    try:
        sending.queue_message(
            session, conversation.business_id, conversation.id, Content(text=text), key=f"handover:{key}",
            source=SourceKind.AGENT, author=actor,
        )  # fmt: skip
    except (Conflict, InvalidInput) as error:
        # They cannot be written to now; people are told all the same.
        log.info("handing_over_not_said", reason=error.data.get("reason"))


def _tell_people(session: Session, conversation: Conversation, *, key: str) -> None:
    name = conversation.name or conversation.address
    if conversation.lead_id is not None:
        known = leads.names_of(session, conversation.business_id, [conversation.lead_id])
        name = known.get(conversation.lead_id) or name
    notify(
        session, conversation.business_id, _who_sees_to_it(session, conversation), NEEDS_PERSON,
        {"conversation_id": str(conversation.id), "name": name}, f"{NEEDS_PERSON}:{conversation.id}:{key}",
        about=f"{NEEDS_PERSON}:{conversation.id}",
    )  # fmt: skip


def _who_sees_to_it(session: Session, conversation: Conversation) -> Sequence[UUID]:
    """Whose conversation it is; nobody's: everybody's who may write."""
    if conversation.assignee_id is not None:
        return [conversation.assignee_id]
    return [
        user.id
        for user in people.list_users(session, conversation.business_id)
        if user.role is not None and Role(user.role).rank >= Role.AGENT.rank
    ]


def _say(language: str, facts: Facts, _zone: str) -> Said:
    title, body = _WORDS.get(language, _WORDS["en"])
    return Said(title.format(name=facts["name"]), body, f"/inbox/{facts['conversation_id']}")
