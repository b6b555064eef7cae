"""Reading a list's file row by row: which kind of file it is, in which encoding, and its cells as text.

Holds one row at a time and a workbook's shared texts; knows nothing of leads. Workbooks are unpacked by
`workbooks`.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections import deque
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass
from typing import IO

from trunkline.core.errors import InvalidInput
from trunkline.domain.leads.cells import LONGEST_CELL, MOST_COLUMNS

Row = tuple[int, list[str]]
"""A line of the file, as people's programs number them, and its cells."""

_PIECE = 1024 * 1024
_LONGEST_LINE = 256 * 1024
"""Characters."""

_MOST_LINES = 50
"""Of one row: a note of more is rather a quote that nobody has closed."""

_TICK = 1_000

_NOT_A_LIST = "The file is neither CSV nor Excel (.xlsx)."


@dataclass(frozen=True, slots=True)
class Shape:
    """What a file turned out to be. `encoding` is None for a workbook."""

    encoding: str | None
    expected: int | None
    """About how many rows there are below the header, as far as it says so itself."""


def shape_of(file: IO[bytes]) -> Shape:
    """Find out what a file is, from its content alone. Raises InvalidInput for what is no list.

    A workbook is a zip that holds one. Anything else is text: by its byte order mark; or UTF-8, if all
    of it is; or UTF-16, if every other byte of its beginning is zero; or Windows-1255, if all of it is
    and it has Hebrew letters. What is none of these is refused rather than guessed at.
    """
    file.seek(0)
    head = file.read(64 * 1024)
    if not head.strip():
        raise InvalidInput("The file is empty.", reason="file_empty")
    if head.startswith(b"PK\x03\x04"):
        from trunkline.domain.leads import workbooks  # noqa: PLC0415 - few lists are, and openpyxl is large

        if not workbooks.is_workbook(file):
            raise InvalidInput(_NOT_A_LIST, reason="file_not_list")
        claimed = workbooks.rows_claimed(file)
        return Shape(None, None if claimed is None else claimed - 1)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise InvalidInput(
            "The file is an old Excel file (.xls); save it as .xlsx or CSV.", reason="file_old_excel"
        )
    for encoding in _encodings(head):
        lines = _lines_if(file, encoding)
        if lines is not None:
            return Shape(encoding, max(0, lines - 1))
    raise InvalidInput(
        f"{_NOT_A_LIST} Its text is not UTF-8, UTF-16 or Hebrew Windows-1255.", reason="file_not_list"
    )


def read_rows(
    file: IO[bytes], encoding: str | None, *,
    one_line: Collection[int] = (), alive: Callable[[], None] = lambda: None,
) -> Generator[Row, None, None]:  # fmt: skip
    """Yield the rows of a file, its header first, without those that are blank.

    A workbook's first sheet is read. A text's row may have several lines, but none in the columns
    `one_line`, from 1 on, and then has as many cells as the header; what has not is `Torn`, and is read
    on at its second line. `alive` is called every thousand rows, blank or not, and may raise. Raises
    InvalidInput where the file cannot be read on.
    """
    file.seek(0)
    if encoding is None:
        from trunkline.domain.leads import workbooks  # noqa: PLC0415

        return workbooks.rows_of(file, alive)
    return _rows_of_text(file, encoding, one_line, alive)


def _encodings(head: bytes) -> list[str]:
    if head.startswith(codecs.BOM_UTF8):
        return ["utf-8-sig"]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    half = len(head) // 2
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
        if half and zeros.count(0) * 5 >= half:  # digits and commas alone make a fifth
            return [encoding]
    return ["utf-8", "cp1255"]


def _lines_if(file: IO[bytes], encoding: str) -> int | None:
    """Return how many lines a text has, if it is in this encoding from its beginning to its end."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    lines, last, has_hebrew = 0, "\n", False
    try:
        while piece := file.read(_PIECE):
            text = decoder.decode(piece)
            if "\0" in text:
                raise InvalidInput("The file is not text: it holds NUL characters.", reason="file_not_text")
            has_hebrew = has_hebrew or any("א" <= letter <= "ת" for letter in text)
            lines += text.count("\n")
            last = text[-1:] or last
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    if encoding == "cp1255" and not has_hebrew:
        return None
    return lines + (last != "\n")


class Torn(list[str]):
    """The cells of a line in which a quote is opened that is not closed where it ought to be."""


class _Lines:
    """The lines of a text, which can be given back, and of which few are taken for one row."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._given_back: deque[str] = deque()
        self.row: list[str] = []
        self.before = 0
        """How many lines come before the row in hand."""
        self.ran_out = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._given_back.popleft() if self._given_back else self.read()
        self.ran_out = not line or len(self.row) == _MOST_LINES
        if self.ran_out:
            self._given_back.extendleft([line] if line else [])
            raise StopIteration
        self.row.append(line)
        return line

    def read(self) -> str:
        """Return the file's next line; nothing at its end. Raises InvalidInput for one without end."""
        line = self._text.readline(_LONGEST_LINE)
        if len(line) == _LONGEST_LINE and not line.endswith(("\n", "\r")):
            behind = self.before + len(self.row)
            raise InvalidInput(
                f"The file cannot be read behind line {behind}: the next one is too long.",
                reason="file_unreadable",
                line=behind,
            )
        return line

    def next_row(self, *, lines: int | None = None) -> None:
        """Be done with the row in hand, or with its first lines; the others are read again."""
        done = len(self.row) if lines is None else lines
        self._given_back.extendleft(reversed(self.row[done:]))
        self.before += done
        self.row = []

    def give_back(self, line: str) -> None:
        """Read this line next."""
        self._given_back.appendleft(line)


def _rows_of_text(
    file: IO[bytes], encoding: str, one_line: Collection[int], alive: Callable[[], None]
) -> Generator[Row, None, None]:
    text = io.TextIOWrapper(file, encoding, newline="")
    try:
        lines = _Lines(text)
        first = lines.read()
        lines.give_back(first)
        delimiter = max(",;\t", key=first.count)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        width = 0
        for count in itertools.count(1):
            try:
                cells = next(reader, None)
                torn = (
                    cells is not None
                    and len(lines.row) > 1
                    and width > 0
                    and _is_torn(cells, width, one_line)
                )
            except csv.Error:
                # One line that uses quotes in its own way is read as it is meant.
                cells, torn = [], lines.ran_out or len(lines.row) > 1
                if not torn:
                    cells = _cells_of(lines, delimiter)
                reader = csv.reader(lines, delimiter=delimiter, strict=True)
            if cells is None:
                return
            if torn:
                cells = Torn(_cells_of(lines, delimiter))
                reader = csv.reader(lines, delimiter=delimiter, strict=True)
            line = lines.before + 1
            lines.next_row(lines=1 if torn else None)
            width = width or len(cells)
            if any(cell.strip() for cell in cells):
                yield line, _cut(cells)
            if count % _TICK == 0:
                alive()
    finally:
        text.detach()  # the file is its owner's to close


def _is_torn(cells: Sequence[str], width: int, one_line: Collection[int]) -> bool:
    """Return whether a row of several lines is rather one with a quote too many, and others behind it."""
    return len(cells) != width or any(
        "\n" in cell or "\r" in cell for number, cell in enumerate(cells, 1) if number in one_line
    )


def _cells_of(lines: _Lines, delimiter: str) -> list[str]:
    """Return the cells of the first line in hand, by itself. Raises InvalidInput."""
    try:
        return next(csv.reader(lines.row[:1], delimiter=delimiter), [])
    except csv.Error as error:
        raise InvalidInput(
            f"The file cannot be read behind line {lines.before}: {error}.",
            reason="file_unreadable",
            line=lines.before,
        ) from error


def _cut(cells: list[str]) -> list[str]:
    if len(cells) > MOST_COLUMNS or any(len(cell) > LONGEST_CELL for cell in cells):
        return type(cells)(cell[:LONGEST_CELL] for cell in cells[:MOST_COLUMNS])
    return cells
