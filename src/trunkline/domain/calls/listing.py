"""The call log as people look through it: filtered, newest first, a page at a time. Changes no call.

Each condition has an index that leads with the business and goes on in the log's order (`models.Call`), but
for two: who wants calls that are not over gets them from an index of those few, and `ended` is nearly all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import SQLColumnExpression

from trunkline.core.errors import InvalidInput
from trunkline.domain.calls.models import Call
from trunkline.domain.calls.schemas import CallFilter
from trunkline.kit import cursors, phone

_FEWEST_DIGITS = 3
"""So many digits of a number must be given: fewer say nothing."""


def list_calls(
    session: Session,
    business_id: UUID,
    wanted: CallFilter | None = None,
    *,
    limit: int,
    after: str | None = None,
    region: str = "",
) -> tuple[Sequence[Call], str | None]:
    """Return a page of calls, newest first, and the cursor of the next one; none: this was the last.

    `region` is the country in whose form numbers are looked for. Raises InvalidInput, InvalidCursor.
    """
    query = select(Call).where(Call.business_id == business_id)
    if wanted is not None:
        query = query.where(*_conditions(wanted, region))
    if after is not None:
        query = query.where(tuple_(Call.created_at, Call.id) < cursors.read(after, datetime, UUID))
    # One more than is shown tells whether there are older ones.
    found = session.scalars(query.order_by(Call.created_at.desc(), Call.id.desc()).limit(limit + 1)).all()
    shown = found[:limit]
    return shown, cursors.write(shown[-1].created_at, shown[-1].id) if len(found) > limit else None


def _conditions(wanted: CallFilter, region: str) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for column, value in (
        (Call.direction, wanted.direction),
        (Call.agent_id, wanted.agent_id),
        (Call.lead_id, wanted.lead_id),
        (Call.run_id, wanted.run_id),
        (Call.carrier, wanted.carrier),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.state:
        conditions.append(Call.state.in_(wanted.state))
    if wanted.disposition:
        conditions.append(Call.disposition.in_(wanted.disposition))
    if wanted.booked is not None:
        conditions.append(Call.booked_at.is_not(None) if wanted.booked else Call.booked_at.is_(None))
    if wanted.created_from is not None:
        conditions.append(Call.created_at >= wanted.created_from)
    if wanted.created_before is not None:
        conditions.append(Call.created_at < wanted.created_before)
    if wanted.number is not None:
        conditions.append(_of_number(wanted.number, region))
    return conditions


def _of_number(part: str, region: str) -> ColumnElement[bool]:
    """Return the condition for numbers that begin or end like this, however it is written.

    Within a number nothing is found: that would read the whole log.
    """
    if re.search(r"[^\d\s()+./-]", part):
        return _begins(Call.theirs, part.strip())
    digits = re.sub(r"\D", "", part)
    if len(digits) < _FEWEST_DIGITS:
        raise InvalidInput(
            f"A number is looked for by {_FEWEST_DIGITS} of its digits or more.",
            reason="few_digits",
            least=_FEWEST_DIGITS,
        )
    if "+" in part:
        return _begins(Call.theirs, f"+{digits}")
    own = digits.lstrip("0")
    code = phone.calling_code(region)
    either = [_begins(Call.theirs, f"+{digits}"), _begins(Call.theirs_reversed, (own or digits)[::-1])]
    if code is not None and own:
        either.append(_begins(Call.theirs, f"+{code}{own}"))
    return or_(*either)


def _begins(column: SQLColumnExpression[str], text: str) -> ColumnElement[bool]:
    """As a range, byte by byte: an index serves that under row-level security, and not a `like`."""
    return and_(column.op("~>=~")(text), column.op("~<~")(text + "\U0010ffff"))
