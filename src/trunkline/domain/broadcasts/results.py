"""What becomes of a broadcast's messages, told by the inbox in the transaction in which it happens."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.jobs import enqueue_unique
from trunkline.core.runs.models import RunState
from trunkline.domain.broadcasts import rules, store
from trunkline.domain.broadcasts.models import RecipientState
from trunkline.domain.broadcasts.stepping import QUEUE
from trunkline.domain.inbox.service import Message, MessageState, Source, SourceKind, register_source
from trunkline.domain.leads import movers
from trunkline.kit import clock

JOB = "step_broadcast"


def register() -> None:
    """Let broadcasts be asked, and told, of their messages, and keep their people when leads are merged."""
    register_source(SourceKind.BROADCAST, Source(allows=allows, changed=changed))
    movers.register_rows("broadcast_recipients")


def allows(session: Session, business_id: UUID, message_id: UUID) -> str | None:
    """Return why a message must not go after all: its run is paused or over, or it is nobody's."""
    recipient = store.of_message(session, business_id, message_id)
    if recipient is None:
        return "no_recipient"
    state = store.run_state(session, business_id, recipient.run_id)
    return None if state == RunState.RUNNING else f"run_{state}"


def changed(session: Session, message: Message) -> None:
    """A message of a broadcast stands somewhere else now: so does whoever it is for."""
    recipient = store.of_message(session, message.business_id, message.id)
    if recipient is None:
        return
    run_state = store.run_state(session, message.business_id, recipient.run_id)
    after = rules.recipient_after(MessageState(message.state), run_is_over=run_state.is_final)
    if after == recipient.state:
        return
    recipient.state, recipient.updated_at = after, clock.now()
    recipient.reason = message.reason if after in {RecipientState.FAILED, RecipientState.UNCERTAIN} else None
    if after == RecipientState.QUEUED:
        recipient.message_id = None
    if run_state == RunState.RUNNING:
        run_id = recipient.run_id
        enqueue_unique(QUEUE, JOB, str(run_id), str(run_id), run_id=run_id)
