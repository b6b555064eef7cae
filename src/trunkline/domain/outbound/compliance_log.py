"""The compliance log of a business: why each number was called or not, as rows of a file or of a page.

Reads the events table and nothing else, since what was known when a dial was ruled on is in its event.
Decides nothing, and writes nothing but that it was read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from trunkline.core.db import of_business, unit_of_work
from trunkline.kit import cursors
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
_LOOKED_AT = 20_000
"""How many rows of the log a page is looked for in."""

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


# What is looked at is bounded before it is filtered: the facts of an event have no index.
_NEWEST = text(
    """
    with looked as materialized (
        (select id, at, kind, subject_id, actor, data from events
         where business_id = :business_id and at >= :since and (at, id) < (:at, :id)
           and kind in ('dial.allowed', 'dial.refused', 'dial.taken_back', 'number.suppressed',
                        'number.allowed', 'consent.changed')
         order by at desc, id desc limit :look)
        union all
        (select id, at, kind, subject_id, actor, data from events
         where business_id = :business_id and at >= :since and (at, id) < (:at, :id)
           and kind = 'rules.changed'
         order by at desc, id desc limit :look)
        order by at desc, id desc limit :look
    ), found as (
        select * from looked
        where (cast(:kinds as text[]) is null or kind = any(:kinds))
          and (cast(:phone as text) is null or data ->> 'phone' = :phone)
          and (cast(:run_id as text) is null or data ->> 'run_id' = :run_id)
        order by at desc, id desc limit :limit + 1
    )
    select found.*, true as is_wanted from found
    union all
    -- Where nothing more was found among as many as are looked at, there may be more behind the last.
    (select *, false from looked
     where (select count(*) from found) <= :limit and (select count(*) from looked) = :look
     order by at, id limit 1)
    order by at desc, id desc
    """
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of the log: of these kinds, about this number, of this run; nothing said, all."""

    kinds: Sequence[str] = ()
    phone: str | None = None
    run_id: UUID | None = None

    def takes(self, event: Row[Any]) -> bool:
        """Return whether an event is one of them."""
        if self.kinds and event.kind not in self.kinds:
            return False
        if self.phone is not None and event.data.get("phone") != self.phone:
            return False
        return self.run_id is None or event.data.get("run_id") == str(self.run_id)


def stream(business_id: UUID, wanted: Wanted, *, since: datetime, until: datetime) -> Iterator[str]:
    """Yield the wanted rows of the log as a CSV file, in order of time, some hundred at a time.

    Each page is a transaction of its own: a slow reader holds no connection while it reads. `since` is
    within, `until` is not.
    """
    return csv_file(chain([COLUMNS], _rows(business_id, wanted, since, until)))


def _rows(business_id: UUID, wanted: Wanted, since: datetime, until: datetime) -> Iterator[Sequence[str]]:
    at, last = since, 0
    while True:
        with unit_of_work(of_business(business_id)) as session:
            page = session.execute(
                _PAGE,
                {"business_id": business_id, "at": at, "id": last, "until": until, "limit": _AT_ONCE},
            ).all()
        yield from (row_of(event) for event in page if wanted.takes(event))
        if len(page) < _AT_ONCE:
            return
        at, last = page[-1].at, page[-1].id


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log. `details` are the facts that have no place of their own."""

    at: datetime
    event: str
    phone: str | None
    zones: Sequence[str]
    rule: str | None
    consent: str | None
    from_number: str | None
    disclosure: str | None
    run_id: str | None
    item_id: str | None
    attempt_id: str | None
    dialled_before: int | None
    actor: str
    details: dict[str, Any]


def page(
    session: Session, business_id: UUID, wanted: Wanted, *, since: datetime, until: datetime,
    cursor: str | None, limit: int,
) -> tuple[list[Entry], str | None]:  # fmt: skip
    """Return a page of the log, the newest first, and the cursor of the next one; None: there is none.

    It looks at so many rows at most, so that a page may hold few, or none, and still have a next one.
    Raises InvalidCursor.
    """
    at, last = (until, 0) if cursor is None else cursors.read(cursor, datetime, int)
    rows = session.execute(
        _NEWEST,
        {
            "business_id": business_id, "since": since, "at": at, "id": last, "limit": limit,
            "look": _LOOKED_AT, "kinds": list(wanted.kinds) or None, "phone": wanted.phone,
            "run_id": wanted.run_id and str(wanted.run_id),
        },
    ).all()  # fmt: skip
    found = [row for row in rows if row.is_wanted]
    shown = found[:limit]
    if len(found) > limit:
        last_row = shown[-1]
    elif len(rows) > len(found):
        last_row = rows[-1]
    else:
        return [entry_of(row) for row in shown], None
    return [entry_of(row) for row in shown], cursors.write(last_row.at, last_row.id)


def entry_of(event: Row[Any]) -> Entry:
    """Return what one event tells."""
    data: dict[str, Any] = event.data
    phone = data.get("phone")
    # A dial's subject is the lead's place in its run; other events tell it, if at all, themselves.
    item = event.subject_id if event.kind in {"dial.allowed", "dial.refused"} else data.get("item_id")
    return Entry(
        at=event.at,
        event=event.kind,
        phone=phone,
        zones=data.get("zones") or (zones_of(phone) if phone else ()),
        rule=data.get("reason"),
        consent=data.get("consent"),
        from_number=data.get("from_number"),
        disclosure=data.get("disclosure"),
        run_id=data.get("run_id"),
        item_id=str(item) if item else None,
        attempt_id=data.get("attempt_id"),
        dialled_before=data.get("dialled_before"),
        actor=event.actor,
        details={name: value for name, value in data.items() if name not in _OWN},
    )


def row_of(event: Row[Any]) -> list[str]:
    """Return the cells of one event, in the order of `COLUMNS`."""
    entry = entry_of(event)
    local = [entry.at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds") for zone in entry.zones]
    return [
        entry.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        # Of a number that may be at home in many zones the earliest and the latest say enough.
        " ".join(sorted({min(local), max(local)})) if local else "",
        " ".join(entry.zones),
        entry.event,
        entry.phone or "",
        entry.rule or "",
        entry.consent or "",
        entry.from_number or "",
        entry.disclosure or "",
        entry.run_id or "",
        entry.item_id or "",
        entry.attempt_id or "",
        "" if entry.dialled_before is None else str(entry.dialled_before),
        entry.actor,
        json.dumps(entry.details, ensure_ascii=False, sort_keys=True) if entry.details else "",
    ]
