"""How often something may be tried: counted in the record of events, under a lock, before it is done."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, text
from sqlalchemy.orm import Session, aliased

from trunkline.core.errors import TooManyRequests
from trunkline.core.events import Event, announce
from trunkline.kit import clock
from trunkline.kit.ids import new_id

TRIED, PASSED = "sign_in.tried", "sign_in.passed"
REFUSALS_A_MINUTE = 5
_LOCK = 7_205_118
"""First key of the advisory locks under which somebody's tries are counted; who it is is the second."""


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


def count_one(
    session: Session, kind: str, actor: str, *, most: int, but: ColumnElement[bool] | None = None
) -> None:
    """Go on if `actor` did this fewer than `most` times within a minute, those aside that `but` tells.

    The caller announces that it was done again, in this transaction. Raises TooManyRequests.
    """
    session.execute(
        text("select pg_advisory_xact_lock(:key, hashtext(:actor))"), {"key": _LOCK, "actor": actor}
    )
    wanted = [
        Event.business_id == session.info["scope"].business_id,
        Event.kind == kind,
        Event.actor == actor,
        Event.at > clock.now() - timedelta(minutes=1),
    ]
    if but is not None:
        wanted.append(~but)
    if (session.scalar(select(func.count()).where(*wanted)) or 0) >= most:
        raise TooManyRequests("Too many tries; wait a minute.", retry_after_s=60)
