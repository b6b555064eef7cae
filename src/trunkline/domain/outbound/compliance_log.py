"""The compliance log of a business: why each number was called or not, as rows of a file.

Reads the events table and nothing else, since what was known when a dial was ruled on is in its event.
Decides nothing, and writes nothing but that it was read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, text

from trunkline.core.db import of_business, unit_of_work
from trunkline.kit.csv_text import csv_file
from trunkline.kit.phone import zones_of

COLUMNS = (
    "at_utc", "local_time", "zones", "event", "phone", "rule", "consent", "from_number", "disclosure",
    "run_id", "item_id", "attempt_id", "dialled_before", "actor", "details",
)  # fmt: skip

_OWN = frozenset(
    [
        "phone", "zones", "reason", "consent", "from_number", "disclosure", "run_id", "item_id", "attempt_id",
        "dialled_before",
    ]
)  # fmt: skip
"""Facts of an event that have a column; the others go into `details`."""

_AT_ONCE = 1_000

# The kinds are written out, for the partial index that has them is found by them. Changes of the rules are
# not among them: they are few, and found by their kind.
_PAGE = text(
    """
    (select id, at, kind, subject_id, actor, data from events
     where business_id = :business_id and (at, id) > (:at, :id) and at < :until
       and kind in ('dial.allowed', 'dial.refused', 'dial.taken_back', 'number.suppressed', 'number.allowed',
                    'consent.changed')
     order by at, id limit :limit)
    union all
    (select id, at, kind, subject_id, actor, data from events
     where business_id = :business_id and (at, id) > (:at, :id) and at < :until and kind = 'rules.changed'
     order by at, id limit :limit)
    order by at, id limit :limit
    """
)


def stream(business_id: UUID, *, since: datetime, until: datetime) -> Iterator[str]:
    """Yield the log as a CSV file, in order of time, some hundred rows at a time.

    Each page is a transaction of its own: a slow reader holds no connection while it reads. `since` is
    within, `until` is not.
    """
    return csv_file(chain([COLUMNS], _rows(business_id, since, until)))


def _rows(business_id: UUID, since: datetime, until: datetime) -> Iterator[Sequence[str]]:
    at, last = since, 0
    while True:
        with unit_of_work(of_business(business_id)) as session:
            page = session.execute(
                _PAGE,
                {"business_id": business_id, "at": at, "id": last, "until": until, "limit": _AT_ONCE},
            ).all()
        yield from map(row_of, page)
        if len(page) < _AT_ONCE:
            return
        at, last = page[-1].at, page[-1].id


def row_of(event: Row[Any]) -> list[str]:
    """Return the cells of one event, in the order of `COLUMNS`."""
    data: dict[str, Any] = event.data
    phone = data.get("phone") or ""
    zones = data.get("zones") or (zones_of(phone) if phone else ())
    local = [event.at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds") for zone in zones]
    details = {name: value for name, value in data.items() if name not in _OWN}
    # A dial's subject is the lead's place in its run; other events tell it, if at all, themselves.
    item = event.subject_id if event.kind in {"dial.allowed", "dial.refused"} else data.get("item_id")
    return [
        event.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        # Of a number that may be at home in many zones the earliest and the latest say enough.
        " ".join(sorted({min(local), max(local)})) if local else "",
        " ".join(zones),
        event.kind,
        phone,
        data.get("reason") or "",
        data.get("consent") or "",
        data.get("from_number") or "",
        data.get("disclosure") or "",
        data.get("run_id") or "",
        str(item or ""),
        data.get("attempt_id") or "",
        str(data.get("dialled_before", "")),
        event.actor,
        json.dumps(details, ensure_ascii=False, sort_keys=True) if details else "",
    ]
