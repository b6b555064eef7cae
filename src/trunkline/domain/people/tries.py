"""How often somebody may try to sign in: a try is put on record before its password is looked at."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import exists
from sqlalchemy.orm import Session, aliased

from trunkline.core.events import Event, announce
from trunkline.core.limits import count_one
from trunkline.kit.ids import new_id

TRIED, PASSED = "sign_in.tried", "sign_in.passed"
REFUSALS_A_MINUTE = 5


def begin_try(session: Session, email: str) -> UUID:
    """Put a try on record before its password is looked at, so that none is made beside the count.

    Until it has passed it counts as refused. Speaks in the system's scope. Raises TooManyRequests.
    """
    passed = aliased(Event)
    count_one(
        session, TRIED, email, most=REFUSALS_A_MINUTE,
        but=exists().where(
            passed.business_id.is_(None), passed.kind == PASSED, passed.actor == email,
            passed.subject_id == Event.subject_id,
        ),
    )  # fmt: skip
    try_id = new_id()
    announce(TRIED, subject_id=try_id, actor=email)
    return try_id
