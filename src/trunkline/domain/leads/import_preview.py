"""What an import of a file would begin with, shown before anything is written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import IO
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from trunkline.domain.leads import imports, own_fields, readers, rules
from trunkline.domain.leads.readers import Row
from trunkline.domain.leads.row_faults import RowFault
from trunkline.domain.leads.rules import LeadRow
from trunkline.domain.tenants import service as tenants

_SHOWN_ROWS = 20
_PREVIEW_S = 5.0


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be read of a file: its header, the mapping found or given, and its first rows."""

    encoding: str | None
    headers: Sequence[str]
    mapping: Mapping[str, int]
    rows: Sequence[LeadRow | RowFault]
    fields: Sequence[str]
    """Every field that a column can hold."""


def preview(
    session: Session, business_id: UUID, file: IO[bytes], *, size: int, mapping: dict[str, int] | None
) -> Preview:
    """Return what an import of this file would begin with; a mapping without a phone is shown too.

    Raises InvalidInput where the file cannot be used at all.
    """
    shape = imports.shape_of(file, size)
    headers = imports.headers_of(file, shape.encoding)
    own = own_fields.open_shapes(session, business_id)
    # Reading a file may take seconds, and a transaction that waits for it holds others up.
    session.commit()
    found = rules.check_mapping(mapping, headers, own) if mapping else rules.map_headers(headers, own)
    rows = list(_first_rows(file, shape.encoding, found))
    business = tenants.get_business(session, business_id)
    reading = imports.Reading(
        business_id, shape.encoding, found, 0, business.region, ZoneInfo(business.time_zone),
        own=imports.in_columns(own, found),
    )  # fmt: skip
    return Preview(shape.encoding, headers, found, reading.read(rows), rules.fields_with(own))


def _first_rows(file: IO[bytes], encoding: str | None, mapping: Mapping[str, int]) -> Iterator[Row]:
    """Yield the rows that a preview shows, or fewer where it takes long to find them."""
    until = time.monotonic() + _PREVIEW_S

    def alive() -> None:
        if time.monotonic() > until:
            raise _LongEnough

    one_line = rules.columns_of_one_line(mapping)
    with closing(readers.read_rows(file, encoding, one_line=one_line, alive=alive)) as rows:
        try:
            yield from islice(rows, 1, 1 + _SHOWN_ROWS)
        except _LongEnough:
            return


class _LongEnough(Exception):
    """A preview has looked for rows for as long as a person waits."""
