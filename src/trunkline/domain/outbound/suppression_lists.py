"""Files of numbers that are not to be called: read line by line, written a thousand at a time.

Owns the form of such a file: UTF-8, one number a line or a column of them. What putting a number on the
list means is `suppressions`' to know.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput
from trunkline.domain.leads.service import phone_column
from trunkline.domain.outbound import suppressions
from trunkline.kit.phone import InvalidPhone, to_e164

IMPORTED = "import"
"""Source of a number that stood in a file."""

_AT_ONCE = 1_000
_MOST_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that could not be used, and why."""

    line: int
    reason: str


@dataclass(slots=True)
class Taken:
    """What became of a file."""

    read: int = 0
    added: int = 0
    unusable: int = 0
    faults: list[Fault] = field(default_factory=list)
    """The first hundred."""


def take(
    session: Session, business_id: UUID, file: BinaryIO, *, region: str, reason: str, actor: str
) -> Taken:
    """Put a file's numbers on the business's list; memory does not grow with the file.

    National forms are read as of `region`. Raises InvalidInput when the file is no text.
    """
    taken, batch = Taken(), []
    for line, text in _numbers(file):
        taken.read += 1
        try:
            batch.append(to_e164(text, region=region))
        except InvalidPhone as error:
            taken.unusable += 1
            if taken.unusable <= _MOST_FAULTS:
                taken.faults.append(Fault(line, str(error)))
        if len(batch) == _AT_ONCE:
            taken.added += _write(session, business_id, batch, reason=reason, actor=actor)
            batch = []
    if batch:
        taken.added += _write(session, business_id, batch, reason=reason, actor=actor)
    return taken


def _write(session: Session, business_id: UUID, phones: list[str], *, reason: str, actor: str) -> int:
    return suppressions.suppress_many(
        session, business_id, phones, reason=reason, source=IMPORTED, actor=actor
    )


def _numbers(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Yield the number of each line that has one. Raises InvalidInput."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        heading = text.readline(10_000)
        if "\0" in heading:
            raise InvalidInput("The file is not text: it holds NUL characters.")
        delimiter = max(",;\t", key=heading.count)
        first = next(csv.reader([heading], delimiter=delimiter), [])
        # A file without a heading begins with a number.
        column = phone_column(first)
        if column is None:
            column = 0
            yield from _cell(1, first, column)
        rows = csv.reader(text, delimiter=delimiter)
        for row in rows:
            yield from _cell(rows.line_num + 1, row, column)
    except UnicodeDecodeError as error:
        raise InvalidInput("The file is not UTF-8 text.") from error
    except csv.Error as error:
        raise InvalidInput(f"The file cannot be read: {error}.") from error
    finally:
        text.detach()  # whoever opened the file closes it


def _cell(line: int, row: list[str], column: int) -> Iterator[tuple[int, str]]:
    if any(cell.strip() for cell in row):
        yield line, row[column].strip()[:100] if column < len(row) else ""
