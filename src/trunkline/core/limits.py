"""How often something may be done: counted in the record of events, under a lock, before it is done."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from trunkline.core.errors import TooManyRequests
from trunkline.core.events import Event
from trunkline.kit import clock

_LOCK = 7_205_118
"""First key of the advisory locks under which somebody's tries are counted; who it is is the second."""


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
