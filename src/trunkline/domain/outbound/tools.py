"""The AI agent's door to outbound: honouring those who do not want calls, noting those who want one later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput
from trunkline.core.events import announce
from trunkline.core.toolbox import Kind, ToolCaller, tool
from trunkline.domain.outbound import callbacks
from trunkline.domain.outbound.suppressions import suppress


class Nothing(BaseModel):
    """No arguments."""


class CallbackWish(BaseModel):
    """When the person asked to be called, in their own time, and in their words."""

    at: str = Field("", description="HH:MM or YYYY-MM-DDTHH:MM in the person's local time; empty: none named")
    note: str = ""


@tool(
    "do_not_call",
    description="The caller wants no more calls from us: never call this person again.",
    arguments=Nothing,
    kind=Kind.CONTACTS,
)
def do_not_call(session: Session, caller: ToolCaller, _arguments: Nothing) -> Mapping[str, Any]:
    """Put the person's number onto the suppression list; it holds from the next dial on.

    Raises InvalidInput where there is no number that could be called.
    """
    if caller.phone is None:
        raise InvalidInput("There is no number here that could be called, and so none to put on the list.")
    reason, source = ("asked on the phone", "call") if caller.call_id else ("asked in writing", "whatsapp")
    suppress(session, caller.business_id, caller.phone, reason=reason, source=source, actor=caller.actor)
    return {"suppressed": True}


@tool(
    "request_callback",
    description="Call this person again when they want.",
    arguments=CallbackWish,
    kind=Kind.CONTACTS,
)
def request_callback(session: Session, caller: ToolCaller, wish: CallbackWish) -> Mapping[str, Any]:
    """Call at the time that was named; where none was, leave word for the business's people."""
    if not wish.at:
        # Whoever is to keep the promise finds the person by the call, also where there is no number.
        announce(
            "callback.requested", subject_id=caller.lead_id, actor=caller.actor, note=wish.note,
            phone=caller.phone, **callbacks.where(caller.call_id, caller.conversation_id),
        )  # fmt: skip
        return {"noted": True}
    if caller.phone is None:
        raise InvalidInput("Nobody can be called back who has no number here.")
    if caller.call_id is not None:
        at = callbacks.ask(
            session, caller.business_id, call_id=caller.call_id, phone=caller.phone, at=wish.at,
            note=wish.note, actor=caller.actor,
        )  # fmt: skip
    else:
        at = callbacks.ask_in_writing(
            session, caller.business_id, conversation_id=caller.source_id, agent_id=caller.agent_id,
            phone=caller.phone, at=wish.at, note=wish.note, actor=caller.actor,
        )  # fmt: skip
    return {"noted": True, "at": at.isoformat()}
