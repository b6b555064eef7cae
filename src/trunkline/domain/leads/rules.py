"""Pure decisions about rows of lists: which column is which, and what a row says; and places on the board.

Reads no file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import MAXYEAR, datetime, timedelta, tzinfo

from trunkline.core.errors import InvalidInput
from trunkline.domain.leads.own_values import Shape, Value
from trunkline.domain.leads.row_faults import RowFault, UnusableCell, shortened
from trunkline.kit import clock
from trunkline.kit.phone import InvalidPhone, to_dialable

_HEADERS: Mapping[str, str] = {
    "phone": "phone, telephone, tel, mobile, cell, cellphone, cell phone, mobile phone, number, phone number,"
    " mobile number, cell number, telephone number, contact number, phone no, mobile no, tel no, cell no,"
    " טלפון, טל, נייד, סלולרי, סלולארי, סלולר, פלאפון, פלפון, מספר, מספר טלפון, מספר נייד, מספר סלולרי,"
    " מספר פלאפון, מס טלפון, מס נייד, מס סלולרי, מס פלאפון, טלפון נייד, טלפון סלולרי, טלפון סלולארי",
    "name": "name, full name, contact, contact name, customer, customer name, lead,"
    " שם, שם מלא, שם הלקוח, שם לקוח, לקוח, איש קשר",
    "first_name": "first name, given name, forename, שם פרטי",
    "last_name": "last name, surname, family name, שם משפחה",
    "email": "email, e-mail, mail, email address, e-mail address, אימייל, מייל, דואל, דוא״ל,"
    ' דוא"ל, דואר אלקטרוני',
    "company": "company, company name, organisation, organization, business, חברה, שם חברה, ארגון, עסק",
    "notes": "notes, note, comment, comments, remarks, הערות, הערה",
    "consent": "consent, opt in, opt-in, opted in, permission, הסכמה, אישור, אישור דיוור",
    "consent_at": "consent at, consent time, consent date, opt in date, opt in time, תאריך הסכמה, מועד הסכמה",
    "consent_source": "consent source, opt in source, consent form, מקור הסכמה, מקור ההסכמה",
}  # fmt: skip
"""Our field -> the headers under which lists bear it."""

FIELDS = tuple(_HEADERS)
"""What a column can hold in every business. Only the phone must be there."""

OWN = "field:"
"""Before the key of a field of the business's own."""

_BEHIND = re.compile(r"\s*\d+$")


def _plain(header: str) -> str:
    """Return a header's words: without marks of direction, abbreviation and duty, and a number behind it."""
    words = ""
    for letter in header.lower():
        kind = unicodedata.category(letter)
        words += " " if kind in {"Pc", "Pd"} else "" if kind[0] == "P" or kind in {"Cf", "Sk"} else letter
    return " ".join(_BEHIND.sub("", words.strip()).split())


_KNOWN = {_plain(alias): field for field, aliases in _HEADERS.items() for alias in re.split(r",\s*", aliases)}

_CONSENT = {
    **dict.fromkeys(["", "none", "אין"], "none"),
    **dict.fromkeys(["no", "n", "0", "false", "withdrawn", "revoked", "opted out", "opt out"], "withdrawn"),
    **dict.fromkeys(["לא", "בוטל", "בוטלה", "משך", "משכה"], "withdrawn"),
    **dict.fromkeys(["yes", "y", "1", "true", "x", "✓", "express", "כן", "יש"], "express"),
    **dict.fromkeys(["written", "in writing", "signed", "בכתב", "כתובה", "חתום"], "written"),
}

_OF_MANY_LINES = frozenset(["notes", "company", "consent_source"])

_SHOWN = 1_000

_FIRST_YEAR = 1990

_LONGEST = {"name": 200, "email": 320, "notes": 10_000, "consent_source": 300}
"""Characters, as where a person writes them."""

_DATES = ("%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d-%m-%Y")
"""Besides ISO 8601. The day comes first: a file that means it otherwise is told so by its rows above 12."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a person has said to being called by an AI, when, and how. A file may give no time."""

    consent: str = "none"
    at: datetime | None = None
    source: str | None = None
    of_all: bool = False
    """Whoever brought the file said it of everybody in it: nobody's own word is lifted by that."""


@dataclass(frozen=True, slots=True)
class LeadRow:
    """One row of a list that can become a lead."""

    line: int
    phone: str
    name: str = ""
    email: str | None = None
    notes: str | None = None
    consent: str = "none"
    consent_at: datetime | None = None
    consent_source: str | None = None
    content: str = ""
    """The row's own text, for a fault that shows later."""
    of_all: bool = False
    """Its consent was said of everybody in the file."""
    own: Mapping[str, Value] = field(default_factory=dict)
    """What stands in fields of the business's own, by key."""

    @property
    def said(self) -> Said:
        """What the row says of the person's consent."""
        return Said(self.consent, self.consent_at, self.consent_source, self.of_all)

    def with_said(self, of_all: Said) -> LeadRow:
        """Return the row with what was said of everybody in the file, unless it says something itself."""
        if self.consent != "none":
            return self
        return replace(
            self, consent=of_all.consent, consent_at=of_all.at, consent_source=of_all.source, of_all=True
        )


def fields_with(own: Sequence[Shape]) -> tuple[str, ...]:
    """Return everything that a column can hold, the fields of the business's own behind the others."""
    return *FIELDS, *(f"{OWN}{shape.key}" for shape in own)


def map_headers(headers: Sequence[str], own: Sequence[Shape] = ()) -> dict[str, int]:
    """Return which column, from 1 on, holds which field: by English and Hebrew names, own ones by theirs."""
    known = {_plain(name): f"{OWN}{shape.key}" for shape in own for name in (shape.key, shape.label)}
    columns: dict[str, int] = {}
    for number, header in enumerate(headers, 1):
        found = _KNOWN.get(_plain(header)) or known.get(_plain(header))
        if found is not None:
            columns.setdefault(found, number)
    return columns


def check_mapping(
    mapping: Mapping[str, int], headers: Sequence[str], own: Sequence[Shape] = ()
) -> dict[str, int]:
    """Return a mapping that can be worked with. Raises InvalidInput that says what is wrong with it."""
    fields = fields_with(own)
    unknown = sorted(set(mapping) - set(fields))
    if unknown:
        raise InvalidInput(
            f"There is no field {unknown[0]!r}; there are {', '.join(fields)}.",
            reason="mapping_unknown_field",
            field=unknown[0],
        )
    beyond = [number for number in mapping.values() if not 1 <= number <= len(headers)]
    if beyond:
        raise InvalidInput(
            f"There is no column {beyond[0]}; the file has {len(headers)}.",
            reason="mapping_beyond",
            column=beyond[0],
            columns=len(headers),
        )
    if len(set(mapping.values())) < len(mapping):
        raise InvalidInput("Two fields are to be read from one column.", reason="mapping_twice")
    if "phone" not in mapping:
        raise InvalidInput(
            "No column holds telephone numbers; call it phone or טלפון.",
            headers=list(headers),
            reason="mapping_no_phone",
        )
    return dict(mapping)


def read_row(
    line: int, cells: Sequence[str], mapping: Mapping[str, int], *, region: str, zone: tzinfo,
    own: Mapping[str, Shape] | None = None,
) -> LeadRow | RowFault:  # fmt: skip
    """Return what a row says: a lead, or why it cannot be one. `own`: the business's fields by key.

    Numbers without a country are read as of `region` (ISO 3166), times without a zone as of `zone`.
    """
    value = {
        field: cells[number - 1].strip() if number <= len(cells) else "" for field, number in mapping.items()
    }
    try:
        phone = to_dialable(value["phone"], region=region)
        consent, consent_at = _consent_of(value, zone)
        said = {key: shape.read(value.get(f"{OWN}{key}", "")) for key, shape in (own or {}).items()}
    except (InvalidPhone, UnusableCell) as error:
        return fault(line, cells, str(error), error.code, error.facts)
    whole = " ".join(filter(None, (value.get("first_name"), value.get("last_name"))))
    value["name"] = value.get("name") or whole
    value["notes"] = "\n".join(filter(None, (value.get("company"), value.get("notes"))))
    for name, longest in _LONGEST.items():
        if len(value.get(name, "")) > longest:
            reason = f"{name} is longer than {longest} characters"
            return fault(line, cells, reason, "too_long", {"field": name, "most": str(longest)})
    return LeadRow(
        line, phone, value["name"], value.get("email") or None, value["notes"] or None, consent,
        consent_at, (value.get("consent_source") or None) if consent != "none" else None, _shown(cells),
        own={key: kept for key, kept in said.items() if kept is not None},
    )  # fmt: skip


def merge(known: Said, given: Said, *, moment: datetime) -> Said | None:
    """Return what stands after a row of a file that came at `moment`; None when that is what stood.

    A file is older than it looks. So a consent fills a blank, but lifts a withdrawal only by a time of
    its own that is later, and never by what was said of everybody in the file; and a no takes a consent
    back unless its own time is the earlier one.
    """
    said = Said(given.consent, given.at or moment, given.source)
    match known.consent, given.consent:
        case _, "none":
            return None
        case "none", _:
            return said
        case "withdrawn", "express" | "written":
            is_later = given.at is not None and known.at is not None and given.at > known.at
            return said if is_later and not given.of_all else None
        case "express" | "written", "withdrawn":
            return said if known.at is None or (given.at or moment) >= known.at else None
    return None


def fault(
    line: int, cells: Sequence[str], reason: str, code: str, facts: Mapping[str, str] | None = None
) -> RowFault:
    """Return a row's fault with the row's own text, as far as a person needs it to find the row again."""
    return RowFault.of(line, _shown(cells), reason, code, facts)


def columns_of_one_line(mapping: Mapping[str, int]) -> frozenset[int]:
    """Return the columns in which a line break is a quote left open, and no text of several lines."""
    return frozenset(column for field, column in mapping.items() if field not in _OF_MANY_LINES)


def _shown(cells: Sequence[str]) -> str:
    """Return a row's text; cut before it is joined, for two hundred long cells are six megabytes."""
    return ", ".join(cell[:_SHOWN] for cell in cells)[:_SHOWN]


def _consent_of(value: Mapping[str, str], zone: tzinfo) -> tuple[str, datetime | None]:
    said = value.get("consent", "")
    consent = _CONSENT.get(said.lower())
    if consent is None:
        # Neither called without consent nor silently never called.
        reason = f"{_brief(said)} says nothing about consent; write yes, written or no"
        raise UnusableCell(reason, "consent_unclear", text=said)
    time = value.get("consent_at", "")
    if not time or consent == "none":
        return consent, None
    at = _time_of(time)
    if at is None:
        reason = f"{_brief(time)} is not a time; write it like 2026-01-31 14:30"
        raise UnusableCell(reason, "time_unclear", text=time)
    return consent, consent_time(at if at.tzinfo is not None else at.replace(tzinfo=zone))


def consent_time(at: datetime) -> datetime:
    """Return a time at which somebody can have said something. Raises UnusableCell for any other.

    A day ahead is let pass, for a file names no zone. The first and last years cannot be read back.
    """
    if not _FIRST_YEAR <= at.year < MAXYEAR or at > clock.now() + timedelta(days=1):
        shown = at.isoformat(sep=" ")
        raise UnusableCell(
            f"{shown} is no time at which a consent can have been given", "time_impossible", text=shown
        )
    return at


def _brief(text: str) -> str:
    return repr(shortened(text))


def _time_of(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for shape in _DATES:
        try:
            return datetime.strptime(text, shape)  # noqa: DTZ007 - the caller gives it the business's zone
        except ValueError:
            continue
    return None
