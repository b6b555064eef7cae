"""CSV files for people: text that a spreadsheet opens in Hebrew too, without running anything in it.

Owns the form of every such file and how it is sent; what the cells mean, others know.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator

_NOTHING = {"Cc", "Cf", "Zl", "Zp", "Zs"}
"""Categories of what a spreadsheet may pass over at a cell's beginning: controls, marks, spaces."""
_HARMLESS = re.compile(r"\+[0-9]{1,15}|-?[0-9]+(\.[0-9]+)?")

BYTE_ORDER_MARK = "\ufeff"
"""Before the first line: without it a spreadsheet does not take the file for UTF-8."""
_LINES_A_PIECE = 1_000

MEDIA_TYPE = "text/csv; charset=utf-8"


def safe_cell(value: object) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula; None is an empty one.

    Such text gets an apostrophe before it. Numbers, and phones in E.164, compute nothing and stay as is.
    """
    text = "" if value is None else str(value)
    if _runs(text) and not _HARMLESS.fullmatch(text):
        return f"'{text}"
    return text


def _runs(text: str) -> bool:
    """Return whether a text begins as a formula does, or with what breaks out of a cell."""
    if text.startswith(("\t", "\r", "\n")):
        return True
    first = next((letter for letter in text if unicodedata.category(letter) not in _NOTHING), "")
    # The wide and the small signs count too.
    return unicodedata.normalize("NFKC", first) in {"=", "+", "-", "@"}


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield each row as one line of CSV, its cells made safe, ended as RFC 4180 says."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def csv_file(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield a whole file of these rows in pieces of a thousand lines, of which one is in memory."""
    piece = [BYTE_ORDER_MARK]
    for line in csv_lines(rows):
        piece.append(line)
        if len(piece) >= _LINES_A_PIECE:
            yield "".join(piece)
            piece.clear()
    yield "".join(piece)


def csv_headers(name: str) -> dict[str, str]:
    """Return the HTTP headers of a file that is to be saved as `name`, and kept by nobody in between."""
    return {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
