"""Which events of a business whom of its people are shown. Decides by the kind; knows no way to them.

A kind that is not named here is for admins: what is new is shown to everybody when somebody has decided so.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from trunkline.core.access import Principal, Role
from trunkline.core.events import Event

_FOR_ALL = {
    "agent", "appointment", "automation", "business", "calendar", "call", "callback", "canned_reply",
    "chat_account", "conversation", "import", "item", "knowledge", "lead", "leads", "lead_fields",
    "lead_statuses", "list", "message", "notification", "number", "recording", "rules", "run", "task",
}  # fmt: skip
"""What stands before the dot: of what everybody's pages show."""
_OF_THE_LOG = {"dial", "consent"}
"""Of the compliance log, which is the admins': others learn what has changed, so that pages ask again."""


def sees_all(who: Principal) -> bool:
    """Return whether this person is shown every event of the business, in full."""
    return who.is_system_admin or (who.role is not None and who.role.rank >= Role.ADMIN.rank)


def shown(event: Event, *, in_full: bool) -> dict[str, Any] | None:
    """Return what is told of an event to who sees all, or to the others; None: nothing."""
    noun = event.kind.partition(".")[0]
    actor: str = event.actor
    data: dict[str, Any] = event.data
    if not in_full and noun not in _FOR_ALL:
        if noun not in _OF_THE_LOG:
            return None
        actor, data = "", {}
    subject_id: UUID | None = event.subject_id
    return {"kind": event.kind, "subject_id": subject_id, "actor": actor, "data": data, "at": event.at}
