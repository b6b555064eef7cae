"""Pure decisions about lists of leads: which column is which, and what a row says."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trunkline.core.errors import InvalidInput
from trunkline.kit.phone import InvalidPhone, to_e164

_HEADERS: Mapping[str, str] = {
    "phone": "phone, telephone, tel, mobile, cell, number, phone number, טלפון, נייד, מספר, מספר טלפון",
    "name": "name, full name, contact, customer, שם, שם מלא, לקוח, איש קשר",
    "email": "email, e-mail, mail, אימייל, מייל",
    "notes": "notes, note, comment, remarks, הערות, הערה",
}
"""Our field -> the headers under which lists bear it."""


@dataclass(frozen=True, slots=True)
class LeadRow:
    """One row of a list that can become a lead."""

    phone: str
    name: str
    email: str | None
    notes: str | None


@dataclass(frozen=True, slots=True)
class RowFault:
    """One row that cannot, by its line in the file, and why."""

    line: int
    reason: str


def read_csv(content: bytes, *, region: str) -> Iterator[LeadRow | RowFault]:
    """Yield each row of a CSV file as a lead or a fault; later rows of the same number are faults.

    UTF-8, with or without a byte order mark; comma, semicolon or tab. Raises InvalidInput when the
    file as a whole cannot be used: not text, or without a column of telephone numbers.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("The file is not UTF-8 text.") from error
    if "\0" in text:
        raise InvalidInput("The file is not text: it holds NUL characters.")
    first_line = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first_line.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = map_headers(list(reader.fieldnames or []))
        if "phone" not in columns:
            raise InvalidInput(
                "No column holds telephone numbers; call it phone or טלפון.", headers=reader.fieldnames
            )
        yield from _rows(reader, columns, region=region)
    except csv.Error as error:
        raise InvalidInput(f"The file cannot be read behind line {reader.line_num}: {error}.") from error


def _rows(
    reader: csv.DictReader[str], columns: Mapping[str, str], *, region: str
) -> Iterator[LeadRow | RowFault]:
    seen: dict[str, int] = {}
    for row in reader:
        line = reader.line_num
        value = {field: (row.get(header) or "").strip() for field, header in columns.items()}
        try:
            phone = to_e164(value["phone"], region=region)
        except InvalidPhone as error:
            yield RowFault(line, str(error))
            continue
        if phone in seen:
            yield RowFault(line, f"{phone} stands on line {seen[phone]} already")
            continue
        seen[phone] = line
        yield LeadRow(phone, value.get("name", ""), value.get("email") or None, value.get("notes") or None)


def map_headers(headers: list[str]) -> dict[str, str]:
    """Return which header of a file holds which of our fields, by English and Hebrew names."""
    known = {alias: field for field, aliases in _HEADERS.items() for alias in aliases.split(", ")}
    columns: dict[str, str] = {}
    for header in headers:
        field = known.get(header.strip().lower().replace("_", " "))
        if field is not None:
            columns.setdefault(field, header)
    return columns
