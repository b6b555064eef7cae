"""Whoever writes again after a rest is asked, once, whether they go on where they stopped or begin anew.

Only where the agent answers: people see what was before. What they wrote waits for their answer; something
else than an answer lets the question lapse.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.domain.inbox import rules, sending, sessions
from trunkline.domain.inbox.account_models import AiMode, ChatAccount
from trunkline.domain.inbox.contents import Button, Content
from trunkline.domain.inbox.models import (
    ChatSession,
    CloseReason,
    Conversation,
    Offer,
    SourceKind,
)
from trunkline.domain.tenants import service as tenants
from trunkline.providers.ports import MessageKind

_WORDS = {
    "en": ("Welcome back! Shall we go on where we stopped?", "Continue", "Start over"),
    "he": ("שמחים שחזרת! להמשיך מהמקום שבו עצרנו?", "להמשיך", "להתחיל מחדש"),
}
_BY_NUMBER = {"en": "Answer 1 to continue, 2 to start over.", "he": "אפשר לענות 1 להמשך, 2 להתחלה מחדש."}


def offer(
    session: Session, account: ChatAccount, conversation: Conversation, begun: ChatSession, *, now: datetime
) -> Offer | None:
    """Ask somebody whose message has opened a session whether they go on with the one before. None: no."""
    if conversation.ai_mode != AiMode.ON or account.agent_id is None:
        return None
    before = sessions.last_closed(session, conversation)
    if before is None or not rules.offers_return(before.closed_at, now=now, days=account.return_days):
        return None
    begun.offer = Offer.OFFERED
    sending.queue_message(
        session, account.business_id, conversation.id, _question(session, account),
        key=f"return:{begun.id}", source=SourceKind.SYSTEM, author="trunkline",
    )  # fmt: skip
    return Offer.OFFERED


def hear(
    session: Session, account: ChatAccount, conversation: Conversation, there: ChatSession, *,
    text: str, choice: str | None, now: datetime,
) -> tuple[ChatSession, Offer | None]:  # fmt: skip
    """Take what may be an answer, now or by a button of long ago; return the session that it belongs to."""
    if there.offer is None:
        return there, None
    answer = rules.chosen(text, choice)
    if there.offer != Offer.OFFERED and choice is None:
        return there, None
    if answer is None:
        if there.offer == Offer.OFFERED:
            there.offer = Offer.LAPSED
        return there, None
    if answer is Offer.CONTINUED:
        before = sessions.last_closed(session, conversation)
        if there.continues_id is None and before is not None:
            there.continues_id = before.id
    elif there.offer != Offer.OFFERED:
        sessions.close(session, conversation, reason=CloseReason.STARTED_OVER, now=now, actor="inbox")
        there, _ = sessions.of_incoming(session, account, conversation, now=now)
    there.offer = answer
    return there, answer


def _question(session: Session, account: ChatAccount) -> Content:
    language = tenants.get_business(session, account.business_id).language
    asked, go_on, over = _WORDS[language]
    if not registry.chat(account.provider).traits.has_choices:
        return Content(text=f"{asked}\n{_BY_NUMBER[language]}")
    return Content(
        kind=MessageKind.BUTTONS, text=asked,
        choices=(Button(key=rules.CONTINUE, title=go_on), Button(key=rules.START_OVER, title=over)),
    )  # fmt: skip
