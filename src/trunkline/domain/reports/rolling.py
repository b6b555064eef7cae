"""Keeping the roll-ups: quarters that are over are counted, and counted anew when a call in them changes.

What is counted is always the calls themselves, never a difference, so doing it twice, or again after a
worker died in the middle, leaves what doing it once leaves. What became of calls is heard from the
events, in the order of their commits: a call that ends hours after it began changes its own quarter.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.events import Cursor, newest_cursor, subjects_after
from trunkline.domain.reports import store
from trunkline.domain.reports.models import RollUp
from trunkline.domain.reports.rules import QUARTER, quarter_of, settled_until, stretches
from trunkline.kit import barriers, clock

_AT_ONCE = timedelta(days=1)
_EVENTS_AT_ONCE = 2_000


def is_behind(session: Session, business_id: UUID) -> bool:
    """Return whether there is anything for `roll_up` to do."""
    return store.is_behind(session, business_id, upto=settled_until(clock.now()))


def roll_up(session: Session, business_id: UUID) -> bool:
    """Go one step on, within the unit of work in hand. False: there is nothing more to do for now."""
    upto = settled_until(clock.now())
    if store.roll_up_of(session, business_id) is None:
        # The cursor first: what happens from here on is heard, what happened before is counted below.
        store.begin(session, business_id, cursor=newest_cursor(session), upto=upto)
    kept = store.roll_up_of(session, business_id, lock=True)
    assert kept is not None  # it was begun above, and nobody takes it away
    cursor = Cursor(kept.transaction_id, kept.event_id)
    heard = subjects_after(session, cursor, prefix="call.", limit=_EVENTS_AT_ONCE)
    changed = store.quarters_of(session, business_id, heard.subjects, before=kept.rolled_until)
    until = min(upto, kept.rolled_until + _AT_ONCE)
    _count(session, business_id, changed)
    if until > kept.rolled_until:
        _count_stretch(session, business_id, kept, until)
    barriers.reached("roll_up.counted")
    kept.transaction_id, kept.event_id = heard.cursor.transaction_id, heard.cursor.id
    return heard.there_are_more or kept.rolled_until < upto


def _count(session: Session, business_id: UUID, quarters: list[datetime]) -> None:
    """Count quarters anew in which calls have changed; neighbours at once."""
    for since, until in stretches(quarters, longest=_AT_ONCE):
        store.recount(session, business_id, since=since, until=until)
    for month in {quarter.replace(day=1, hour=0, minute=0) for quarter in quarters}:
        store.sum_month(session, business_id, month)


def _count_stretch(session: Session, business_id: UUID, kept: RollUp, until: datetime) -> None:
    store.recount(session, business_id, since=kept.rolled_until, until=until)
    for month in {quarter_of(kept.rolled_until), until - QUARTER}:
        store.sum_month(session, business_id, month)
    kept.rolled_until = until
