"""Having a broadcast go on: whose turn it is, whether anything may go now, and whether it is done.

The run's row is locked meanwhile, so that a pause or cancel comes before a step or behind it.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.errors import Conflict, InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run, RunState
from trunkline.domain.broadcasts import rules, store
from trunkline.domain.broadcasts.models import Broadcast, BroadcastRecipient, RecipientState
from trunkline.domain.broadcasts.options import BroadcastOptions
from trunkline.domain.broadcasts.wording import Writer
from trunkline.domain.inbox import service as inbox
from trunkline.domain.inbox.service import AccountState, ChatAccount, SourceKind
from trunkline.kit import barriers, clock

QUEUE = "broadcasts"
TOO_MANY_FAILURES, DISCONNECTED = "too_many_failures", "disconnected"
_RECONNECTED_S = 30.0
"""How often a broadcast whose number is disconnected looks whether it is again."""


def step(session: Session, business_id: UUID, run_id: UUID) -> float | None:
    """Write the next messages that may go now; return in how many seconds the next may, None: not by this."""
    run = store.lock_run(session, business_id, run_id)
    if run is None:
        raise NotFound("There is no such run.")
    active = store.under_way(session, business_id, run_id)
    if run.state != RunState.RUNNING:
        if active == 0 and run.unsettled:
            runs.settle(session, run)
        return None
    if active == 0 and not store.has_queued(session, business_id, run_id):
        runs.complete(session, run, actor="system")
        return None
    options = BroadcastOptions.model_validate(run.options)
    broadcast, now = store.get(session, business_id, run_id), clock.now()
    _hold(session, run, broadcast, options, now=now)
    wait_for = max(broadcast.held_until or now, broadcast.next_at or now)
    if wait_for > now:
        return (wait_for - now).total_seconds()
    return _write_next(session, run, broadcast, options, room=rules.MOST_UNDER_WAY - active, now=now)


def _write_next(
    session: Session, run: Run, broadcast: Broadcast, options: BroadcastOptions, *, room: int, now: datetime
) -> float | None:
    """Write to as many as the pace allows at once; return how long the next waits, None: for room."""
    at_once = room if options.pause_most_s == 0 else min(room, 1)
    turn = store.next_queued(session, run.business_id, run.id, limit=at_once) if at_once > 0 else ()
    if not turn:
        return None
    writer = Writer.of(session, run.business_id, options)
    account = inbox.get_account(session, run.business_id, options.account_id)
    for recipient in turn:
        _write(session, run, recipient, account, writer, now=now)
    barriers.reached("broadcast.written")
    announce("run.progressed", subject_id=run.id, actor=run.created_by, written=len(turn))
    if options.pause_most_s == 0:
        return 0.0
    # A pace that is always the same looks like a machine's, to people and to providers.
    pause = random.uniform(options.pause_least_s, options.pause_most_s)  # noqa: S311 - nothing is secret
    broadcast.next_at = now + timedelta(seconds=pause)
    return pause


def _write(
    session: Session, run: Run, recipient: BroadcastRecipient, account: ChatAccount, writer: Writer, *,
    now: datetime,
) -> None:  # fmt: skip
    """Write one person's message, or why there is none."""
    recipient.updated_at = now
    try:
        content = writer.content_for(session, recipient.lead_id)
        if isinstance(content, str) or recipient.lead_id is None:
            recipient.state, recipient.reason = RecipientState.SKIPPED, str(content)
            return
        with session.begin_nested():
            conversation = inbox.conversation_with(
                session, account, recipient.address, lead_id=recipient.lead_id
            )
            message = inbox.queue_message(
                session, run.business_id, conversation.id, content,
                key=f"broadcast:{run.id}:{recipient.position}:{recipient.tries}",
                source=SourceKind.BROADCAST, author=run.created_by,
            )  # fmt: skip
    except (Conflict, InvalidInput, NotFound) as error:
        recipient.state, recipient.reason = RecipientState.SKIPPED, str(error.data.get("reason", error.code))
        return
    recipient.state, recipient.reason = RecipientState.SENDING, None
    recipient.message_id, recipient.tries = message.id, recipient.tries + 1


def _hold(
    session: Session, run: Run, broadcast: Broadcast, options: BroadcastOptions, *, now: datetime
) -> None:
    """Let a broadcast rest whose number is disconnected or whose messages fail, and say why."""
    if broadcast.held_until is not None and broadcast.held_until > now:
        return
    breaker = options.breaker
    account = inbox.get_account(session, run.business_id, options.account_id)
    if account.state != AccountState.CONNECTED:
        reason, until = DISCONNECTED, now + timedelta(seconds=_RECONNECTED_S)
    else:
        # What failed before the last rest is not counted again.
        since = max(now - timedelta(seconds=breaker.within_s), broadcast.held_until or run.created_at)
        trouble = store.trouble_of(session, run.business_id, run.id, of_last=breaker.of_last, since=since)
        if not rules.breaks(trouble, breaker):
            if broadcast.hold_reason is not None:
                broadcast.hold_reason = None
                announce("run.released", subject_id=run.id, actor="broadcasts")
            return
        reason, until = TOO_MANY_FAILURES, now + timedelta(seconds=breaker.pause_s)
    was = broadcast.hold_reason
    broadcast.held_until, broadcast.hold_reason = until, reason
    if was != reason or reason == TOO_MANY_FAILURES:
        announce("run.held", subject_id=run.id, actor="broadcasts", reason=reason, until=until.isoformat())
