"""Reading the first sheet of an Excel workbook (.xlsx), row by row, from somebody who may mean us harm.

openpyxl knows what the parts mean; how much of each is unpacked, and held at once, is decided here. A
workbook of some kilobytes can unpack to gigabytes, and number its second row a thousand millions.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from array import array
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import datetime
from typing import IO, Any
from xml.etree.ElementTree import Element, iterparse

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.exceptions import CellCoordinatesException, InvalidFileException
from openpyxl.worksheet._reader import WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from trunkline.core.errors import InvalidInput
from trunkline.domain.leads.cells import LONGEST_CELL, MOST_COLUMNS

_MOST_ROWS = 1_048_576
"""Excel's own limit; also of what a row may call itself."""

_MB = 1024 * 1024
_LARGEST_SHEET = 200 * _MB
_MOST_SHARED_TEXT = 64 * _MB
_LARGEST_PART = 2 * _MB
"""Of every other part that is read: openpyxl makes up to forty times as much of it in memory."""

_MOST_AT_ONCE = _MB
"""Bytes of XML between the end of one row, or shared text, and that of the next."""

_LARGEST_DIRECTORY = _MB
_MOST_PACKED = 250
"""Bytes that one byte may unpack to, in a part above a megabyte. Lists of people come to about 30."""

_TICK = 1_000

_NS = f"{{{SHEET_MAIN_NS}}}"

_TOO_LARGE = "The workbook is too large; save it as CSV, or in parts."
_NO_WORKBOOK = "The workbook cannot be read."

_BROKEN = (
    InvalidFileException, CellCoordinatesException, zipfile.BadZipFile, zlib.error, struct.error, OSError,
    KeyError, IndexError, ValueError, TypeError, AttributeError, OverflowError, SyntaxError, EOFError,
)  # fmt: skip
"""What openpyxl and the XML parser raise for a workbook that somebody has made by hand, or cut off."""


def is_workbook(file: IO[bytes]) -> bool:
    """Return whether a zip holds a workbook. Raises InvalidInput for one of thousands of parts."""
    try:
        with _Parts(file) as parts:
            return "xl/workbook.xml" in parts.NameToInfo
    except zipfile.BadZipFile:
        return False


def rows_claimed(file: IO[bytes]) -> int | None:
    """Return how many rows the first sheet says that it has, which need not be so. Raises InvalidInput."""
    reader, path = _open(file)
    try:
        with closing(reader.archive), closing(reader.archive.open_as(path, _LARGEST_SHEET)) as sheet:
            for _, element in iterparse(sheet, events=("start",)):  # noqa: S314 - see _Stream
                if element.tag == f"{_NS}dimension":
                    last = element.get("ref", "").rpartition(":")[2]
                    digits = last.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ$")
                    rows = int(digits) if digits.isdecimal() and len(digits) < len("10000000") else 0
                    return rows if 0 < rows <= _MOST_ROWS else None
                if element.tag == f"{_NS}sheetData":
                    return None
    except _BROKEN as error:
        raise InvalidInput(_NO_WORKBOOK, reason="workbook_unreadable") from error
    return None


def rows_of(file: IO[bytes], alive: Callable[[], None]) -> Generator[tuple[int, list[str]], None, None]:
    """Yield number and cells of each row of the first sheet, without those that are blank.

    `alive` is called every thousand rows, blank or not, and shared texts, and may raise. Raises
    InvalidInput where the sheet cannot be read on.
    """
    reader, path = _open(file)
    number = 0
    with closing(reader.archive):
        try:
            sheet = _sheet_of(reader, alive)
            rows = _elements(reader.archive.open_as(path, _LARGEST_SHEET), {"row"}, "sheetData")
            for count, (name, row) in enumerate(rows, 1):
                if name != "row":
                    return
                following = _number_of(row, number)
                sheet.row_counter, sheet.col_counter = following, 0
                cells = _cells_of(sheet, row)
                number = following
                if cells:
                    yield number, cells
                if count % _TICK == 0:
                    alive()
        except _BROKEN as error:
            raise InvalidInput(
                f"The workbook cannot be read behind row {number}.", reason="workbook_row", row=number
            ) from error


class _Parts(zipfile.ZipFile):
    """A zip of which each part is read up to a size: what the directory says is all that is unpacked."""

    def __init__(self, file: IO[bytes]) -> None:
        _check_directory(file)
        super().__init__(file)

    def open_as(self, name: str, largest: int) -> _Stream:
        """Open a part of up to so many bytes. Raises InvalidInput for a larger one, KeyError for none."""
        part = self.getinfo(name)
        if part.file_size > largest or part.file_size > max(_MB, part.compress_size * _MOST_PACKED):
            raise InvalidInput(_TOO_LARGE, reason="workbook_too_large")
        if part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} or part.flag_bits & 1:
            raise zipfile.BadZipFile("not packed as workbooks are")
        return _Stream(super().open(part))

    def read(self, name: str | zipfile.ZipInfo, pwd: bytes | None = None) -> bytes:
        """Return a part other than a sheet or the shared texts."""
        with closing(self.open_as(name if isinstance(name, str) else name.filename, _LARGEST_PART)) as part:
            return part.read(_LARGEST_PART + 1)


class _Stream:
    """A part's bytes, of which only so many may come between two marks."""

    def __init__(self, part: IO[bytes]) -> None:
        self._part = part
        self._since = 0
        self._limit = 2 * _LARGEST_PART
        self._tail = b""

    def limit(self, most: int) -> None:
        """Let so many bytes come between two marks."""
        self._limit = most

    def mark(self) -> None:
        """Begin to count anew."""
        self._since = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes. Raises InvalidInput when too many came, ValueError for entities."""
        data = self._part.read(size)
        self._since += len(data)
        if self._since > self._limit:
            raise InvalidInput(_TOO_LARGE, reason="workbook_too_large")
        # Entities could make much of little; no program that writes workbooks declares any.
        if b"<!DOCTYPE" in (self._tail + data).replace(b"\0", b""):
            raise ValueError("the part has a document type")
        self._tail = data[-20:]
        return data

    def close(self) -> None:
        """Close the part."""
        self._part.close()


class _Texts:
    """The shared texts in one piece of memory, however many they are; read as far as they are asked for."""

    def __init__(self, elements: Iterator[tuple[str, Element]], alive: Callable[[], None]) -> None:
        self._elements = elements
        self._alive = alive
        self._bytes = bytearray()
        self._ends = array("L", [0])

    def __getitem__(self, index: int) -> str:
        while index + 1 >= len(self._ends):
            self._read_one()
        if index < 0:
            raise IndexError(index)
        return self._bytes[self._ends[index] : self._ends[index + 1]].decode()

    def _read_one(self) -> None:
        _, element = next(self._elements, ("", None))
        if element is None:
            raise IndexError("there is no such text")
        self._bytes += _text_in(element).encode("utf-8", "replace")
        self._ends.append(len(self._bytes))
        if len(self._ends) % _TICK == 0:
            self._alive()


def _check_directory(file: IO[bytes]) -> None:
    """Raise InvalidInput for a zip of so many parts that a list of them would take much memory."""
    end = file.seek(0, 2)
    file.seek(max(0, end - 65_557))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at >= 0 and len(tail) >= at + 22:
        (size,) = struct.unpack_from("<L", tail, at + 12)
        if size > _LARGEST_DIRECTORY or tail[max(0, at - 20) : at].startswith(b"PK\6\7"):
            raise InvalidInput(_TOO_LARGE, reason="workbook_too_large")
    file.seek(0)


def _open(file: IO[bytes]) -> tuple[Any, str]:
    """Open a workbook, whose archive is to be closed, and say which part is its first sheet."""
    try:
        parts = _Parts(file)
        reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
        reader.archive = parts
        reader.read_manifest()
        reader.read_workbook()
        for _, rel in reader.parser.find_sheets():
            if "chartsheet" not in rel.Type and rel.target in parts.NameToInfo:
                return reader, rel.target
        raise InvalidInput(_NO_WORKBOOK, reason="workbook_unreadable")
    except _BROKEN as error:
        raise InvalidInput(_NO_WORKBOOK, reason="workbook_unreadable") from error


def _sheet_of(reader: Any, alive: Callable[[], None]) -> Any:
    """Return what makes values of cells: with the shared texts, and the formats that are dates."""
    apply_stylesheet(reader.archive, reader.wb)
    part = reader.package.find(SHARED_STRINGS)
    stream = None if part is None else reader.archive.open_as(part.PartName[1:], _MOST_SHARED_TEXT)
    return WorkSheetParser(
        None, _Texts(iter(()) if stream is None else _elements(stream, {"si"}), alive), data_only=True,
        epoch=reader.wb.epoch, date_formats=reader.wb._date_formats,
        timedelta_formats=reader.wb._timedelta_formats,
    )  # fmt: skip


def _text_in(element: Element) -> str:
    """Return a shared text, or one of a cell, without its looks and its phonetic hints."""
    found = [*element.iterfind(f"{_NS}t"), *element.iterfind(f"{_NS}r/{_NS}t")]
    return "".join(text.text or "" for text in found)[:LONGEST_CELL].replace("x005F_", "")


def _elements(stream: _Stream, wanted: set[str], last: str = "") -> Iterator[tuple[str, Element]]:
    """Yield elements by their names without namespace, ending behind the `last`; none is kept."""
    stream.limit(_MOST_AT_ONCE)
    tags = {f"{_NS}{name}": name for name in wanted | {last}}
    open_elements: list[Element] = []
    with closing(stream):
        for happened, element in iterparse(stream, events=("start", "end")):  # noqa: S314 - see _Stream
            if happened == "start":
                open_elements.append(element)
                continue
            open_elements.pop()
            name = tags.get(element.tag)
            if name is None:
                continue
            yield name, element
            if name == last:
                return
            stream.mark()
            if open_elements:
                open_elements[-1].clear()


def _number_of(row: Element, before: int) -> int:
    """Return a row's number, which is above the one before. Raises ValueError."""
    number = int(row.get("r") or before + 1)
    if not before < number <= _MOST_ROWS:
        raise ValueError(f"row {number} behind row {before}")
    return number


def _cells_of(sheet: Any, row: Element) -> list[str]:
    """Return a row's cells up to the last that holds something; those behind the last column are not read."""
    cells: list[str] = []
    for element in row.iterfind(f"{_NS}c"):
        cell = sheet.parse_cell(element)
        column, text = cell["column"], _text_of(cell["value"])
        if text and 1 <= column <= MOST_COLUMNS:
            cells.extend([""] * (column - len(cells)))
            cells[column - 1] = text
    return cells


def _text_of(value: Any) -> str:
    """Return a cell as a person sees it: no decimals behind a telephone number."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value).replace("\0", "").strip()[:LONGEST_CELL]
