"""Rows of lists that cannot be used: why, in words for a file and as a code with facts for the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_LONGEST_REASON = 500
_LONGEST_FACT = 100


class UnusableCell(ValueError):
    """A cell says what nobody can use: why, as a code, with the facts of it."""

    def __init__(self, message: str, code: str, **facts: str) -> None:
        super().__init__(message)
        self.code = code
        self.facts = facts


@dataclass(frozen=True, slots=True)
class RowFault:
    """One row that cannot be used: its line in the file, why, and what stands there."""

    line: int
    reason: str
    content: str = ""
    code: str | None = None
    """What pages have words for; rows that were noted before there were codes have none."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What stands in those words."""

    @classmethod
    def of(
        cls, line: int, content: str, reason: str, code: str, facts: Mapping[str, str] | None = None
    ) -> RowFault:
        """Return a row's fault, with no more of what the file says than a person needs."""
        brief = {name: shortened(fact) for name, fact in (facts or {}).items()}
        return cls(line, reason[:_LONGEST_REASON], content, code, brief)


def shortened(text: str) -> str:
    """Return a text, or as much of its beginning as tells it from others."""
    return text if len(text) <= _LONGEST_FACT else f"{text[:_LONGEST_FACT]}…"
