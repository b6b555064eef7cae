"""Why a run calls that people did not have made: before each ring, who did says whether that still stands.

A domain above this one cannot be imported from here. What it has people called about may be cancelled while
the call waits for calling hours or a line; it registers here under the first word of the actor that it makes
its runs as.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.orm import Session

Stands = Callable[[Session, UUID, UUID], bool]
"""Session, business and run: whether what the run calls about is still so. It locks nothing."""

GONE = "cause_gone"
"""Disposition of an item that was not called any more because of that."""

_causes: dict[str, Stands] = {}


def register_cause(actor: str, stands: Stands) -> None:
    """Ask this of runs that `<actor>:<id>` has made."""
    _causes[actor] = stands


def stands(session: Session, business_id: UUID, run_id: UUID, *, created_by: str) -> bool:
    """Return whether there is still a reason to call; always, where a person had the run made."""
    asked = _causes.get(created_by.partition(":")[0])
    return asked is None or asked(session, business_id, run_id)
