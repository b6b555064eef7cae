"""The workers' door to the inbox. No transaction is open while a provider is spoken to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from trunkline.core import registry, tenancy
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.jobs import JobContext, TryLater, job
from trunkline.core.vault import VaultClosed
from trunkline.domain.inbox import (
    accounts,
    answering,
    closing,
    fetching,
    receipts,
    sending,
    sessions,
    templates,
    tending,
)
from trunkline.domain.inbox import files as message_files
from trunkline.domain.inbox.fetching import WrongFile
from trunkline.domain.inbox.models import AnalysisState, Message
from trunkline.domain.inbox.sending import Wait
from trunkline.kit import barriers, clock
from trunkline.providers.ports import ChatRefused, ChatUncertain, Refusal

_TRIES = 6
_CLOSED_AT_ONCE = 100
_FOR_NOW = frozenset({Refusal.RATE, Refusal.LATER})


@job(queue="high", timeout=120, retries=5)
def send_whatsapp_message(ctx: JobContext, message_id: str) -> None:
    """Send a message, by WhatsApp or whatever its number writes by, once at most."""
    its_id = UUID(message_id)
    with ctx.unit_of_work() as session:
        ready = sending.begin(session, ctx.business, its_id)
    if ready is None:
        return
    if isinstance(ready, Wait):
        raise TryLater(ready.seconds)
    barriers.reached("message.sending")
    wait: Wait | None = None
    # What came of it is noted whoever has the job by now: it is known here and nowhere else.
    try:
        provider_id = registry.chat(ready.provider).send(ready.account, ready.message)
    except ChatRefused as refused:
        barriers.reached("message.handed_over")
        with unit_of_work(ctx.scope) as session:
            wait = sending.note_refused(session, ctx.business, its_id, refused)
    except ChatUncertain as error:
        barriers.reached("message.handed_over")
        with unit_of_work(ctx.scope) as session:
            sending.note_uncertain(session, ctx.business, its_id, detail=str(error))
    else:
        barriers.reached("message.handed_over")
        with unit_of_work(ctx.scope) as session:
            sending.note_sent(session, ctx.business, its_id, provider_id=provider_id)
    if wait is not None:
        raise TryLater(wait.seconds)


@job(queue="default", timeout=300, retries=_TRIES, backoff=5)
def fetch_message_file(ctx: JobContext, message_id: str) -> None:
    """Fetch the file of a message that came in; that it cannot be had is noted with it."""
    its_id = UUID(message_id)
    try:
        with ctx.unit_of_work() as session:
            wanted = fetching.begin(session, ctx.business, its_id)
        if wanted is None:
            return
        kept = fetching.fetch(wanted)
    except (ChatRefused, ChatUncertain, OSError) as error:
        lasting = isinstance(error, ChatRefused) and error.refusal not in _FOR_NOW
        if not lasting and ctx.attempt < _TRIES:
            raise
        reason = str(error.refusal) if isinstance(error, ChatRefused) else "no_answer"
    except (WrongFile, VaultClosed) as error:
        reason = "wrong_type" if isinstance(error, WrongFile) else error.code
    else:
        barriers.reached("message_file.fetched")
        with ctx.unit_of_work() as session:
            fetching.note_kept(session, ctx.business, its_id, kept)
        return
    with ctx.unit_of_work() as session:
        fetching.note_failed(session, ctx.business, its_id, reason=reason)


@job(queue="maintenance", timeout=60)
def drop_message_file(ctx: JobContext, key: str) -> None:
    """Remove stored bytes that no message names."""
    with ctx.unit_of_work() as session:
        message_files.drop(session, ctx.business, key)


@job(queue="default", timeout=60, retries=3)
def hear_receipt(ctx: JobContext, account_id: str, receipt: dict[str, Any], tries: int) -> None:
    """Hear a receipt that came before its message was known; after some times it is given up."""
    with ctx.unit_of_work(finishes=True) as session:
        account = accounts.get_account(session, ctx.business, UUID(account_id))
        told = receipts.from_json(receipt)
        if not receipts.hear(session, account, told):
            receipts.wait_for(account, told, tries=tries + 1)


@job(queue="default", timeout=60, retries=3)
def mark_message_read(ctx: JobContext, message_id: str) -> None:
    """Show the person that theirs was read, where there is such a thing."""
    with ctx.unit_of_work() as session:
        message = session.get(Message, UUID(message_id))
        if message is None or message.business_id != ctx.business or message.provider_id is None:
            return
        account = accounts.get_account(session, ctx.business, message.chat_account_id)
        provider, opened, its_id = account.provider, accounts.opened(account), message.provider_id
    try:
        registry.chat(provider).mark_read(opened, its_id)
    except ChatRefused as refused:
        if refused.refusal in _FOR_NOW:
            raise


@job(queue="default", timeout=120, retries=_TRIES, backoff=5)
def list_chat_templates(ctx: JobContext, account_id: str) -> None:
    """Ask the provider for a number's templates."""
    with ctx.unit_of_work() as session:
        account = accounts.get_account(session, ctx.business, UUID(account_id))
        provider, opened = account.provider, accounts.opened(account)
    chat = registry.chat(provider)
    if not chat.traits.has_templates:
        return
    listed = chat.templates(opened)
    with ctx.unit_of_work() as session:
        templates.note_listed(session, ctx.business, UUID(account_id), listed)


@job(queue="default", timeout=60, retries=3)
def close_chat_sessions(ctx: JobContext) -> None:
    """Have each business looked at in which a written conversation has rested for long enough."""
    with ctx.unit_of_work() as session:
        found = tenancy.businesses_with_chats_to_close(session, until=clock.now())
    for business_id in found:
        ctx.check_cancelled()
        with unit_of_work(of_business(business_id)):
            tending.have_closed()


@job(queue="default", timeout=300, retries=3)
def close_sessions_of(ctx: JobContext) -> None:
    """Close what of a business's written conversations has rested for long enough."""
    closed = _CLOSED_AT_ONCE
    while closed == _CLOSED_AT_ONCE:
        ctx.check_cancelled()
        with ctx.unit_of_work() as session:
            closed = sessions.close_due(session, ctx.business, now=clock.now(), most=_CLOSED_AT_ONCE)


@job(queue="default", timeout=60, retries=3)
def tend_messages(ctx: JobContext) -> None:
    """Have each business looked at in which a message was due a while ago and is not settled."""
    with ctx.unit_of_work() as session:
        found = tenancy.businesses_with_messages_due(session, until=clock.now() - tending.OVERDUE)
    for business_id in found:
        ctx.check_cancelled()
        with unit_of_work(of_business(business_id)):
            tending.have_tended()


@job(queue="default", timeout=120, retries=3)
def tend_messages_of(ctx: JobContext) -> None:
    """See to it that each of a business's messages that is due has a job."""
    with ctx.unit_of_work() as session:
        tending.tend_messages(session, ctx.business)


@job(queue="default", timeout=180, retries=answering.TRIES, backoff=4)
def answer_conversation(ctx: JobContext, conversation_id: str) -> None:
    """Answer what somebody wrote, or call a person where that fails for good."""
    its_id = UUID(conversation_id)
    if ctx.attempt >= answering.TRIES:
        with ctx.unit_of_work(finishes=True) as session:
            answering.give_up(session, ctx.business, its_id)
        return
    with ctx.unit_of_work() as session:
        work = answering.begin(session, ctx.business, its_id)

    def check() -> None:
        ctx.check_cancelled()
        assert work is not None  # it is asked only while something is written
        with ctx.unit_of_work() as session:
            answering.check_ours(session, ctx.business, work)

    written = None
    try:
        if work is not None:
            written = answering.reply(work, check)
            barriers.reached("answer.written")
    except answering.TakenOver:
        work = None
    with ctx.unit_of_work(finishes=True) as session:
        answering.finish(session, ctx.business, its_id, work, written)


@job(queue="low", timeout=180, retries=closing.TRIES, backoff=30)
def summarise_session(ctx: JobContext, session_id: str) -> None:
    """Have a closed session read by a model, once; say so where there is none or it cannot."""
    its_id = UUID(session_id)
    if ctx.attempt >= closing.TRIES:
        with ctx.unit_of_work(finishes=True) as session:
            closing.give_up(session, ctx.business, its_id, AnalysisState.FAILED, reason="model_failed")
        return
    with ctx.unit_of_work() as session:
        wanted = closing.begin(session, ctx.business, its_id)
    if wanted is None:
        return
    made = None if wanted.fault else closing.read(wanted)
    barriers.reached("session.read")
    with ctx.unit_of_work(finishes=True) as session:
        if made is not None:
            closing.finish(session, ctx.business, its_id, made)
        elif wanted.fault:
            closing.give_up(session, ctx.business, its_id, AnalysisState.FAILED, reason=wanted.fault)
        else:
            closing.give_up(session, ctx.business, its_id, AnalysisState.NO_MODEL, reason="no_model")
