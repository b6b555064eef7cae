"""What becomes of a session that was closed: read once by a model, remembered of the lead, and decided on.

The summary becomes a note of the lead's, where whoever calls or writes next finds it. Of fields and status
what is sure and contradicts nothing is put on record at once; the rest waits for a person's yes or no.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from trunkline.core import registry, vault
from trunkline.core.access import Principal
from trunkline.core.errors import Conflict, NotFound, TrunklineError
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_unique
from trunkline.domain.agents import service as agents
from trunkline.domain.inbox import accounts, ai_dialogue, conversations, reading
from trunkline.domain.inbox.models import AnalysisState, ChatSession, Conversation
from trunkline.domain.inbox.reading import Made, Wanted
from trunkline.domain.leads import service as leads
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock, cursors

JOB = "summarise_session"
TRIES = 3
"""Attempts of the job; at the last it is noted that nothing could be made of the session."""
LEAST_CONFIDENCE = 0.75
"""From here on what a model is sure of needs nobody: below it one in four would be wrong by its own word."""

_LINES = 100
_NOBODY = "inbox"

APPLIED, WAITING, ACCEPTED, REJECTED = "applied", "waiting", "accepted", "rejected"


@dataclass(frozen=True, slots=True)
class Reading:
    """A session that is to be read now."""

    wanted: Wanted
    brain: str
    keys: Mapping[str, str] = field(repr=False)
    fault: str = ""


def hear(_session: Session, _business_id: UUID, closed: ChatSession) -> None:
    """Have a session read that was closed, in the transaction that closes it."""
    enqueue_unique("low", JOB, f"summary:{closed.id}", str(closed.id))


def begin(session: Session, business_id: UUID, session_id: UUID) -> Reading | None:
    """Return what is to be read; None: there is nothing to do. Raises NotFound."""
    there = get_session(session, business_id, session_id)
    if there.closed_at is None or there.analysed_at is not None:
        return None
    conversation = conversations.get_conversation(session, business_id, there.conversation_id)
    business = tenants.get_business(session, business_id)
    account = accounts.get_account(session, business_id, conversation.chat_account_id)
    names, fields = leads.asked_for(session, business_id)
    brain = "" if account.agent_id is None else agents.get_agent(session, business_id, account.agent_id).brain
    keys: Mapping[str, str] = {}
    fault = ""
    try:
        keys = vault.open_keys(session, business_id)
    except vault.VaultClosed as error:
        fault = error.code
    lines = ai_dialogue.lines_of(session, business_id, there.id, most=_LINES)
    return Reading(Wanted(business.name, business.language, lines, names, fields), brain, keys, fault)


def read(wanted: Reading) -> Made | None:
    """Have it read, with no transaction open; None: there is no model that could. Raises WritingFailed."""
    reader = registry.reader(wanted.brain, wanted.keys)
    return None if reader is None else reading.read(reader, wanted.wanted)


def finish(session: Session, business_id: UUID, session_id: UUID, made: Made) -> None:
    """Keep what was made of a session, once, and put on record what nobody need be asked about."""
    there = _open(session, business_id, session_id)
    if there is None:
        return
    conversation = conversations.get_conversation(session, business_id, there.conversation_id)
    account = accounts.get_account(session, business_id, conversation.chat_account_id)
    actor = _NOBODY if account.agent_id is None else f"agent:{account.agent_id}"
    items: list[dict[str, Any]] = []
    if conversation.lead_id is not None:
        lead = leads.get_lead(session, business_id, conversation.lead_id)
        for found in leads.weigh(session, business_id, lead, made.fields, made.status):
            sure = made.confidence >= LEAST_CONFIDENCE and not found.contradicts
            item = {**asdict(found), "state": WAITING, "by": None, "at": None}
            if sure and _is_put(session, conversation, there.id, item, actor=actor):
                item |= {"state": APPLIED, "by": actor, "at": clock.now().isoformat()}
            items.append(item)
        leads.remember(session, business_id, lead.id, made.summary, author=actor)
    there.summary = made.summary
    _keep(
        there, conversation,
        AnalysisState.WAITING if any(item["state"] == WAITING for item in items) else AnalysisState.DONE,
        {"intent": made.intent, "confidence": made.confidence, "items": items}, actor=actor,
    )  # fmt: skip


def give_up(
    session: Session, business_id: UUID, session_id: UUID, state: AnalysisState, *, reason: str
) -> None:
    """Note that nothing was made of a session, and why: it does not wait for ever."""
    there = _open(session, business_id, session_id)
    if there is not None:
        conversation = conversations.get_conversation(session, business_id, there.conversation_id)
        _keep(there, conversation, state, {"reason": reason, "items": []}, actor=_NOBODY)


def list_waiting(
    session: Session, business_id: UUID, *, limit: int, after: str | None
) -> tuple[Sequence[tuple[ChatSession, Conversation]], str | None]:
    """Return a page of what waits for a person, the longest first. Raises InvalidCursor."""
    query = (
        select(ChatSession, Conversation)
        .join(
            Conversation,
            (Conversation.business_id == ChatSession.business_id)
            & (Conversation.id == ChatSession.conversation_id),
        )
        .where(
            ChatSession.business_id == business_id, ChatSession.analysis_state == AnalysisState.WAITING.value
        )
    )  # fmt: skip
    if after is not None:
        behind = cursors.read(after, datetime, UUID)
        query = query.where(tuple_(ChatSession.closed_at, ChatSession.id) > behind)
    rows = session.execute(query.order_by(ChatSession.closed_at, ChatSession.id).limit(limit + 1)).all()
    shown = [(row[0], row[1]) for row in rows[:limit]]
    if len(rows) <= limit:
        return shown, None
    last = shown[-1][0]
    assert last.closed_at is not None  # only what is closed is read
    return shown, cursors.write(last.closed_at, last.id)


def decide(
    session: Session, who: Principal, session_id: UUID, *, accept: Sequence[str], reject: Sequence[str]
) -> ChatSession:
    """Say yes or no to what waits, item by item; the same again changes nothing.

    Raises NotFound for what was never found, Conflict for what was decided otherwise, and as putting a fact
    on a lead's record does.
    """
    there = get_session(session, who.business, session_id, lock=True)
    conversation = conversations.get_conversation(session, who.business, there.conversation_id)
    analysis = dict(there.analysis or {"items": []})
    items = {item["key"]: dict(item) for item in analysis["items"]}
    for key, wanted in [*((key, ACCEPTED) for key in accept), *((key, REJECTED) for key in reject)]:
        if key not in items:
            raise NotFound("Nothing of this kind was found in the conversation.", key=key)
        item = items[key]
        if item["state"] == wanted:
            continue
        if item["state"] != WAITING:
            raise Conflict("This has been decided already.", reason="decided", key=key, state=item["state"])
        if wanted == ACCEPTED:
            _put(session, conversation, there.id, item, actor=who.email)
        item |= {"state": wanted, "by": who.email, "at": clock.now().isoformat()}
        announce(
            f"conversation.finding_{wanted}", subject_id=conversation.id, actor=who.email,
            session_id=str(there.id), finding=key, value=item["value"],
        )  # fmt: skip
    there.analysis = {**analysis, "items": list(items.values())}
    if not any(item["state"] == WAITING for item in items.values()):
        there.analysis_state = AnalysisState.DONE
    return there


def get_session(session: Session, business_id: UUID, session_id: UUID, *, lock: bool = False) -> ChatSession:
    """Return a session of this business, with `lock` held to the transaction's end. Raises NotFound."""
    query = select(ChatSession).where(ChatSession.business_id == business_id, ChatSession.id == session_id)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise NotFound("There is no such session.")
    return row


def _open(session: Session, business_id: UUID, session_id: UUID) -> ChatSession | None:
    """Return a session, locked, that nobody has read yet; None: somebody has."""
    there = get_session(session, business_id, session_id, lock=True)
    return None if there.closed_at is None or there.analysed_at is not None else there


def _keep(
    there: ChatSession, conversation: Conversation, state: AnalysisState, analysis: dict[str, Any], *,
    actor: str,
) -> None:  # fmt: skip
    there.analysis, there.analysis_state, there.analysed_at = analysis, state, clock.now()
    announce(
        "conversation.analysed", subject_id=conversation.id, actor=actor, session_id=str(there.id),
        state=state, lead_id=str(conversation.lead_id) if conversation.lead_id else None,
    )  # fmt: skip


def _is_put(
    session: Session, conversation: Conversation, session_id: UUID, item: Mapping[str, Any], *, actor: str
) -> bool:
    """Put a finding on record; what cannot be put there by itself is left for a person to see."""
    try:
        with session.begin_nested():
            _put(session, conversation, session_id, item, actor=actor)
    except TrunklineError:
        return False
    return True


def _put(
    session: Session, conversation: Conversation, session_id: UUID, item: Mapping[str, Any], *, actor: str
) -> None:
    if conversation.lead_id is None:
        raise NotFound("The lead is not there any more.")
    leads.put_finding(
        session, conversation.business_id, conversation.lead_id, item["key"], item["value"], actor=actor,
        source_id=conversation.id, source_event=f"session:{session_id}",
    )  # fmt: skip
