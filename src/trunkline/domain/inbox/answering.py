"""Answers of the agent: read what is unanswered, ask without a transaction, send once or not at all.

Whoever writes wakes a job. It reads all that the answer needs, lets the writer work with no transaction open,
and then looks again, under the conversation's lock and in the commit that ends the job: whoever has written
meanwhile is answered anew, and where a person has taken over, nothing is sent. An answer is known by the last
message that it answers, so that a job which is run twice answers once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from trunkline.core import registry, toolbox, vault
from trunkline.core.errors import Conflict, InvalidInput
from trunkline.core.events import announce
from trunkline.core.jobs import TryLater, enqueue_unique
from trunkline.core.telemetry import get_logger
from trunkline.core.toolbox import Kind, Place, ToolCaller
from trunkline.domain.agents import service as agents
from trunkline.domain.inbox import accounts, ai_dialogue, contents, conversations, drafting, handing, sending
from trunkline.domain.inbox.account_models import AiMode
from trunkline.domain.inbox.ai_dialogue import ANSWER, Waiting
from trunkline.domain.inbox.arrivals import Arrival
from trunkline.domain.inbox.contents import Content
from trunkline.domain.inbox.models import Conversation, Offer, SourceKind
from trunkline.domain.leads import service as leads
from trunkline.kit import clock
from trunkline.providers.ports import CannotWrite, ChatBrief, Reply, ToolResult

log = get_logger(__name__)

JOB = "answer_conversation"
HAND_OVER = "hand_over_to_person"
TRIES = 3
"""Attempts of the job. The last one does not ask the writer: it calls a person."""

QUIET_S = 3.0
"""How long somebody has to have written nothing before they are answered: people write in pieces."""
_LONGEST_WAIT_S = 15.0
"""After so long they are answered, whatever they still write."""


@dataclass(frozen=True, slots=True)
class Work:
    """One answer to be written, with all that it takes."""

    brief: ChatBrief
    brain: str
    keys: Mapping[str, str] = field(repr=False)
    fault: str
    """Why nobody can write it; empty: somebody may."""
    caller: ToolCaller
    allowed: tuple[str, ...]
    mode: AiMode
    answers: UUID
    """The last message that it answers."""


class TakenOver(Exception):
    """A person has taken the conversation over, or the agent was turned off: it does nothing more."""


def hear(_session: Session, _business_id: UUID, arrival: Arrival) -> None:
    """Have what came in answered, where the agent is to; in the transaction in which it came in."""
    if arrival.opted_out or arrival.offer == Offer.OFFERED or arrival.account.agent_id is None:
        return
    if arrival.conversation.ai_mode != AiMode.OFF:
        ask_for(arrival.conversation.id)


def ask_for(conversation_id: UUID) -> None:
    """Let a worker answer what is unanswered, unless one is about to."""
    enqueue_unique("default", JOB, f"answer:{conversation_id}", str(conversation_id), run_in=QUIET_S)


def begin(session: Session, business_id: UUID, conversation_id: UUID) -> Work | None:
    """Return the answer that is to be written now; None: none is. Raises TryLater while they still write."""
    conversation = conversations.get_conversation(session, business_id, conversation_id)
    account = accounts.get_account(session, business_id, conversation.chat_account_id)
    if conversation.ai_mode == AiMode.OFF or account.agent_id is None:
        return None
    open_ = ai_dialogue.waiting(session, conversation)
    if open_ is None:
        return None
    if open_.age_s < QUIET_S and open_.waits_s < _LONGEST_WAIT_S:
        raise TryLater(QUIET_S - open_.age_s)
    return _work(session, conversation, account.agent_id, account.provider, open_)


def reply(work: Work, check: Callable[[], None]) -> Reply | str:
    """Have the answer written, with no transaction open; a word: why nobody can write it.

    `check` raises before each tool where it is not to be used any more. Raises what it does, WritingFailed.
    """
    if work.fault:
        return work.fault
    writer = registry.writer(work.brain, work.keys)
    if writer is None:
        return "no_model"

    def use(name: str, arguments: Mapping[str, Any]) -> ToolResult:
        check()
        until = time.monotonic() + toolbox.seconds_of(name)
        return toolbox.run_tool(name, arguments, caller=work.caller, allowed=work.allowed, until=until)

    try:
        return writer.reply(work.brief, use)
    except CannotWrite as error:
        log.warning("agent_cannot_write", agent_id=str(work.caller.agent_id), reason=str(error))
        return "agent_cannot_write"


def finish(
    session: Session, business_id: UUID, conversation_id: UUID, work: Work | None, written: Reply | str | None
) -> None:
    """Send what was written, or leave it as the draft; in the transaction that ends the job.

    Raises TryLater where there is something that this does not answer.
    """
    conversation = conversations.get_conversation(session, business_id, conversation_id, lock=True)
    open_ = None if conversation.ai_mode == AiMode.OFF else ai_dialogue.waiting(session, conversation)
    if open_ is None:
        return
    if work is None or open_.newest != work.answers or conversation.ai_mode != work.mode:
        if not _has_agent(session, conversation):
            return
        # Somebody wrote meanwhile: this answer would not be one to all of it.
        raise TryLater(QUIET_S)
    assert written is not None  # there was work
    if isinstance(written, str):
        _give_up(session, conversation, work.mode, work.answers, reason=written)
    elif not written.text:
        _give_up(session, conversation, work.mode, work.answers, reason="nothing_written")
    elif work.mode is AiMode.DRAFTS:
        drafting.write(
            session, conversation, open_.session.id, written, key=f"{ANSWER}{work.answers}",
            actor=work.caller.actor,
        )  # fmt: skip
    elif written.at_a_loss:
        _give_up(session, conversation, work.mode, work.answers, reason="not_understood")
    else:
        open_.session.script_progress = written.progress
        _send(session, conversation, work, written)


def give_up(session: Session, business_id: UUID, conversation_id: UUID) -> None:
    """Call a person where an answer has failed for good; in the transaction that ends the job."""
    conversation = conversations.get_conversation(session, business_id, conversation_id, lock=True)
    if conversation.ai_mode == AiMode.OFF:
        return
    open_ = ai_dialogue.waiting(session, conversation)
    if open_ is not None:
        mode = AiMode(conversation.ai_mode)
        _give_up(session, conversation, mode, open_.newest, reason="model_failed")


def check_ours(session: Session, business_id: UUID, work: Work) -> None:
    """Go on only while the agent may act in the conversation. Raises TakenOver."""
    conversation = conversations.get_conversation(session, business_id, work.caller.source_id)
    if conversation.ai_mode != work.mode or ai_dialogue.waiting(session, conversation) is None:
        raise TakenOver


# --- Parts -----------------------------------------------------------------------------------


def _work(
    session: Session, conversation: Conversation, agent_id: UUID, provider: str, open_: Waiting
) -> Work:
    business_id = conversation.business_id
    prompt = agents.ready(session, business_id, agent_id)
    mode = AiMode(conversation.ai_mode)
    names = (*prompt.tools, *sorted(toolbox.built_in_names()))
    allowed = toolbox.of_use(names, prompt.lacking, Place.CONVERSATION)
    if mode is AiMode.DRAFTS:
        # Nobody has said yes to what a draft says: it changes nothing.
        allowed = toolbox.of_kind(allowed, Kind.READS)
    lead = leads.get_lead(session, business_id, conversation.lead_id) if conversation.lead_id else None
    scripted = registry.brain_kind(prompt.brain) == "scripted"
    fault = ""
    keys: Mapping[str, str] = {}
    if agents.get_agent(session, business_id, agent_id).archived_at is not None:
        fault = "agent_archived"
    elif not scripted:
        try:
            keys = vault.open_keys(session, business_id)
        except vault.VaultClosed:
            fault = "vault_closed"
    brief = ChatBrief(
        language=prompt.language, business_name=prompt.business_name, greeting=prompt.greeting,
        instructions=prompt.instructions, script=prompt.script, tools=toolbox.specs_of(allowed),
        local_now=clock.now().astimezone(ZoneInfo(prompt.time_zone)),
        lines=tuple(ai_dialogue.lines_of(session, business_id, open_.session.id)),
        unanswered=tuple(message.text for message in open_.messages),
        variables={
            "business_name": prompt.business_name, "agent_name": prompt.agent_name,
            "lead_name": lead.name if lead else "", **leads.own_words(session, business_id, lead),
        },
        knowledge="" if scripted else prompt.knowledge,
        about="" if scripted or lead is None else leads.memory_of(session, lead),
        before="" if scripted else ai_dialogue.before(session, open_.session),
        progress=open_.session.script_progress,
        longest=min(contents.LONGEST_TEXT, registry.chat(provider).traits.longest_text),
        last_words=frozenset({HAND_OVER}),
    )  # fmt: skip
    caller = ToolCaller(
        business_id, None, agent_id, conversation.lead_id, conversation.address,
        conversation_id=conversation.id,
    )  # fmt: skip
    return Work(brief, prompt.brain, keys, fault, caller, allowed, mode, open_.newest)


def _send(session: Session, conversation: Conversation, work: Work, written: Reply) -> None:
    try:
        sending.queue_message(
            session, conversation.business_id, conversation.id, Content(text=written.text),
            key=f"{ANSWER}{work.answers}", source=SourceKind.AGENT, author=work.caller.actor,
        )  # fmt: skip
    except (Conflict, InvalidInput) as error:
        why = f"cannot_send:{error.data.get('reason', error.code)}"
        handing.hand_over(
            session, conversation.business_id, conversation.id, reason=why, actor=work.caller.actor,
            key=str(work.answers), silently=True,
        )  # fmt: skip
        return
    if conversation.unread:
        conversation.unread = 0
        announce("conversation.changed", subject_id=conversation.id, actor=work.caller.actor)


def _give_up(
    session: Session, conversation: Conversation, mode: AiMode, answers: UUID, *, reason: str
) -> None:
    if mode is AiMode.DRAFTS:
        # People answer here anyway; they see that nothing was proposed.
        announce("conversation.draft_failed", subject_id=conversation.id, actor="inbox", reason=reason)
        return
    handing.hand_over(
        session, conversation.business_id, conversation.id, reason=reason, actor="inbox", key=str(answers)
    )


def _has_agent(session: Session, conversation: Conversation) -> bool:
    account = accounts.get_account(session, conversation.business_id, conversation.chat_account_id)
    return account.agent_id is not None
