"""Files of numbers that are not to be called: read whole first, then written a thousand at a time.

Owns which of a file's cells are numbers, and its way into the list. What kinds of files there are,
`leads.readers` knows; what putting a number on the list means, `suppressions`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from typing import IO
from uuid import UUID

from trunkline.core.db import of_business, unit_of_work
from trunkline.domain.leads import readers
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
    code: str
    facts: dict[str, str]
    """The reason for pages: its code, and what stands in its words."""


@dataclass(slots=True)
class Taken:
    """What became of a file."""

    read: int = 0
    added: int = 0
    unusable: int = 0
    faults: list[Fault] = field(default_factory=list)
    """The first hundred."""


def take(business_id: UUID, file: IO[bytes], *, region: str, reason: str, actor: str) -> Taken:
    """Put a file's numbers on the business's list. To be called outside any unit of work.

    The file is read to its end before anything is written, so one that cannot be read changes nothing;
    its numbers are held as eight bytes each. Each thousand is a transaction of its own: dials, hooks and
    readers of events wait for one of them at most. Whoever is cut off in between sends the file again.

    National forms are read as of `region`. Raises InvalidInput when the file is no list.
    """
    taken = Taken()
    phones = _read(file, region, taken)
    for start in range(0, len(phones), _AT_ONCE):
        batch = [f"+{digits}" for digits in phones[start : start + _AT_ONCE]]
        with unit_of_work(of_business(business_id)) as session:
            taken.added += suppressions.suppress_many(
                session, business_id, batch, reason=reason, source=IMPORTED, actor=actor
            )
    return taken


def _read(file: IO[bytes], region: str, taken: Taken) -> array[int]:
    """Return the digits of the file's numbers; count, and tell of, what is none. Raises InvalidInput."""
    phones = array("Q")
    for line, text in _numbers(file):
        taken.read += 1
        try:
            phones.append(int(to_e164(text, region=region)))
        except InvalidPhone as error:
            taken.unusable += 1
            if taken.unusable <= _MOST_FAULTS:
                taken.faults.append(Fault(line, str(error), error.code, error.facts))
    return phones


def _numbers(file: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Yield the number of each row. Raises InvalidInput."""
    with closing(readers.read_rows(file, readers.shape_of(file).encoding)) as rows:
        first = next(rows, (1, []))
        column = phone_column(first[1])
        # A file without a heading begins with a number.
        for line, cells in chain([first] if column is None else [], rows):
            at = column or 0
            yield line, cells[at].strip()[:100] if at < len(cells) else ""
