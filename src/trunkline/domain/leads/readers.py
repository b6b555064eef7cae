"""Reading a list's file row by row: which kind of file it is, in which encoding, and its cells as text.

Holds one row at a time and a workbook's shared texts; knows nothing of leads.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import zipfile
import zlib
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from trunkline.core.errors import InvalidInput

Row = tuple[int, list[str]]
"""A line of the file, as people's programs number them, and its cells."""

_PIECE = 1024 * 1024
_MOST_COLUMNS = 200
_LARGEST_PART = 1024**3
_MOST_SHARED_TEXT = 64 * 1024**2
"""Bytes of a workbook's texts, which are held in memory; its rows are not."""

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
        raise InvalidInput("The file is empty.")
    if head.startswith(b"PK\x03\x04"):
        _check_workbook(file)
        return Shape(None, _rows_claimed(file))
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise InvalidInput("The file is an old Excel file (.xls); save it as .xlsx or CSV.")
    for encoding in _encodings(head):
        lines = _lines_if(file, encoding)
        if lines is not None:
            return Shape(encoding, max(0, lines - 1))
    raise InvalidInput(f"{_NOT_A_LIST} Its text is not UTF-8, UTF-16 or Hebrew Windows-1255.")


def read_rows(file: IO[bytes], encoding: str | None) -> Generator[Row, None, None]:
    """Yield the rows of a file, its header first, without those that are blank.

    A workbook's first sheet is read. Raises InvalidInput where the file cannot be read on.
    """
    file.seek(0)
    return _rows_of_workbook(file) if encoding is None else _rows_of_text(file, encoding)


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
                raise InvalidInput("The file is not text: it holds NUL characters.")
            has_hebrew = has_hebrew or any("א" <= letter <= "ת" for letter in text)
            lines += text.count("\n")
            last = text[-1:] or last
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    if encoding == "cp1255" and not has_hebrew:
        return None
    return lines + (last != "\n")


def _rows_of_text(file: IO[bytes], encoding: str) -> Generator[Row, None, None]:
    text = io.TextIOWrapper(file, encoding, newline="")
    try:
        first = text.readline(_PIECE)
        delimiter = max(",;\t", key=first.count)
        reader = csv.reader(itertools.chain([first], text), delimiter=delimiter)
        line = 0
        try:
            for cells in reader:
                line = reader.line_num
                if any(cell.strip() for cell in cells):
                    yield line, cells
        except csv.Error as error:
            raise InvalidInput(f"The file cannot be read behind line {line}: {error}.") from error
    finally:
        text.detach()  # the file is its owner's to close


def _rows_of_workbook(file: IO[bytes]) -> Generator[Row, None, None]:
    line = 0
    try:
        with closing(load_workbook(file, read_only=True, data_only=True)) as book:
            sheet = book.worksheets[0]
            # What it claims to be as large as is not believed: the rows themselves are read.
            sheet.reset_dimensions()
            for line, values in enumerate(sheet.iter_rows(max_col=_MOST_COLUMNS, values_only=True), 1):
                cells = [_text_of(value) for value in values]
                if any(cells):
                    yield line, cells
    except _BROKEN as error:
        raise InvalidInput(f"The workbook cannot be read behind row {line}.") from error


_BROKEN = (
    InvalidFileException, zipfile.BadZipFile, zlib.error, KeyError, IndexError, ValueError, TypeError,
    SyntaxError, EOFError,
)  # fmt: skip
"""What openpyxl and the XML parser raise for a workbook that somebody has made by hand, or cut off."""


def _text_of(value: Any) -> str:
    """Return a cell as a person sees it: no decimals behind a telephone number."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value).replace("\0", "").strip()


def _check_workbook(file: IO[bytes]) -> None:
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as parts:
            sizes = {part.filename: part.file_size for part in parts.infolist()}
    except zipfile.BadZipFile as error:
        raise InvalidInput(_NOT_A_LIST) from error
    if "xl/workbook.xml" not in sizes:
        raise InvalidInput(_NOT_A_LIST)
    shared = sum(size for name, size in sizes.items() if name.lower().endswith("sharedstrings.xml"))
    if sum(sizes.values()) > _LARGEST_PART or shared > _MOST_SHARED_TEXT:
        raise InvalidInput("The workbook is too large; save it as CSV, or in parts.")


def _rows_claimed(file: IO[bytes]) -> int | None:
    file.seek(0)
    try:
        with closing(load_workbook(file, read_only=True, data_only=True)) as book:
            claimed: int | None = book.worksheets[0].max_row
    except _BROKEN as error:
        raise InvalidInput("The workbook cannot be read.") from error
    return None if claimed is None else max(0, claimed - 1)
