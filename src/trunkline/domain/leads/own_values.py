"""What may stand in a field of the business's own: pure, by the field's kind, from pages and from files."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from trunkline.core.errors import InvalidInput
from trunkline.domain.leads.row_faults import UnusableCell, shortened

Kind = Literal["text", "number", "date", "choice", "yes_no"]
Value = str | float | bool

LONGEST = 1_000
_LARGEST = 1e15
_DATES = ("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y")
"""Besides ISO 8601; the day comes first, as in the other columns of a file."""
_YES = frozenset(["yes", "y", "1", "true", "x", "✓", "v", "כן", "יש"])
_NO = frozenset(["no", "n", "0", "false", "לא", "אין"])
_APART = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Shape:
    """A field as far as its values are concerned."""

    key: str
    label: str
    kind: str
    choices: Sequence[str] = ()

    def checked(self, value: Any) -> Value:
        """Return a value as it is kept. Raises InvalidInput that names the field and what it takes."""
        kept = self._kept(value)
        if kept is None:
            raise InvalidInput(
                f"{shortened(str(value))!r} cannot stand in {self.label!r}.", reason="field_value",
                field=self.key, label=self.label, kind=self.kind,
            )  # fmt: skip
        return kept

    def read(self, text: str) -> Value | None:
        """Return what a cell of a file, or a filter, says; None: nothing. Raises UnusableCell."""
        text = text.strip()
        if not text:
            return None
        kept = self._kept(self._said(text))
        if kept is None:
            raise UnusableCell(
                f"{shortened(text)!r} cannot stand in {self.label!r}", "field_unclear", text=text,
                label=self.label,
            )  # fmt: skip
        return kept

    def _said(self, text: str) -> Any:
        match self.kind:
            case "number":
                try:
                    return float(text.replace(",", "").replace(" ", ""))
                except ValueError:
                    return None
            case "yes_no":
                word = text.lower()
                return True if word in _YES else False if word in _NO else None
            case "date":
                return _day(text)
            case "choice":
                return next((choice for choice in self.choices if choice.lower() == text.lower()), None)
        return text

    def _kept(self, value: Any) -> Value | None:
        match self.kind:
            case "number":
                return _number(value)
            case "yes_no":
                return value if isinstance(value, bool) else None
            case _ if not isinstance(value, str):
                return None
            case "date":
                return _day(value)
            case "choice":
                return value if value in self.choices else None
        text: str = value.strip()
        return text if 0 < len(text) <= LONGEST and "\x00" not in text else None


def in_words(value: Value | None) -> str:
    """Return a value as a prompt says it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def key_of(label: str, taken: Sequence[str]) -> str:
    """Return a key for a label: its Latin letters, or a number where it has none; none that is taken."""
    plain = _APART.sub("_", label.lower()).strip("_")[:40].strip("_")
    stem = plain if plain[:1].isalpha() else "field"
    key, number = stem, 2
    while key in taken:
        key, number = f"{stem}_{number}", number + 1
    return key


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or abs(value) > _LARGEST:
        return None
    return int(value) if value == int(value) else value


def _day(text: str) -> str | None:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        pass
    for shape in _DATES:
        try:
            return datetime.strptime(text.strip(), shape).date().isoformat()  # noqa: DTZ007 - a day, no time
        except ValueError:
            continue
    return None
