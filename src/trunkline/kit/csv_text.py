"""CSV as text that a spreadsheet opens without running anything in it; what the cells mean, others know."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - the wide signs count too
_HARMLESS = re.compile(r"\+[0-9]{1,15}|-?[0-9]+(\.[0-9]+)?")

BYTE_ORDER_MARK = "\ufeff"
"""Before the first line: without it a spreadsheet does not take the file for UTF-8."""


def safe_cell(value: object) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula; None is an empty one.

    Such text gets an apostrophe before it. Numbers, and phones in E.164, compute nothing and stay as is.
    """
    text = "" if value is None else str(value)
    if text.lstrip(" ").startswith(_RUNS) and not _HARMLESS.fullmatch(text):
        return f"'{text}"
    return text


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield each row as one line of CSV, its cells made safe, ended as RFC 4180 says."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
