"""The AI agent's door to outbound: honouring those who do not want calls, noting those who want one later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from trunkline.core.events import announce
from trunkline.core.toolbox import ToolCaller, tool
from trunkline.domain.outbound import store


class Nothing(BaseModel):
    """No arguments."""


class CallbackWish(BaseModel):
    """When the person asked to be called, in their words."""

    note: str = ""


@tool("do_not_call", description="Never call this person again.", arguments=Nothing)
def do_not_call(session: Session, caller: ToolCaller, _arguments: Nothing) -> Mapping[str, Any]:
    """Put the number on the line onto the suppression list; it holds from the next dial on."""
    if store.suppress(session, caller.business_id, caller.phone, reason="asked on the phone"):
        announce("number.suppressed", subject_id=caller.lead_id, actor=f"agent:{caller.agent_id}")
    return {"suppressed": True}


@tool("request_callback", description="Note that the person wants a call later.", arguments=CallbackWish)
def request_callback(session: Session, caller: ToolCaller, wish: CallbackWish) -> Mapping[str, Any]:
    """Leave word for the business's people."""
    announce(
        "callback.requested", subject_id=caller.lead_id, actor=f"agent:{caller.agent_id}", note=wish.note
    )
    return {"noted": True}
