"""What differs between two versions of an agent, and what a model is told of its knowledge. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

CONTENT = (
    "name", "language", "greeting", "instructions", "script", "brain", "voice", "tools", "transfer_to",
)  # fmt: skip
"""The fields of an agent that people write, and that a version keeps."""

FILLED_IN = ("business_name", "agent_name", "lead_name")
"""What a greeting may name in braces; the call room knows them as a call begins."""
OF_LEADS = "lead_"
"""How what the business keeps of leads is named there."""

TOLD_AT_MOST = 12_000
"""Characters of knowledge that a model is told at the beginning of a call, titles included."""
_CUT = " […]"
_LEAST_OF_A_TEXT = 200
"""With less room left than this, a text is left out rather than cut."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two versions differ. What was not there, or is gone, is None."""

    path: tuple[str, ...]
    before: Any
    after: Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return where two versions' contents differ, in the order of the fields; lists count as one value."""
    return list(_differing((), before, after))


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the fields in which two contents differ."""
    return [field for field in CONTENT if before.get(field) != after.get(field)]


def _differing(path: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            yield from _differing((*path, key), before.get(key), after.get(key))
    elif before != after:
        yield Difference(path, before, after)


def told_of(texts: Iterable[tuple[str, str]], *, most: int = TOLD_AT_MOST) -> tuple[str, list[int]]:
    """Return what a model is told of these (title, text), and how many characters of each text that has.

    Texts come in the order in which they matter; the one that does not fit is cut behind a word, and what
    comes behind it is told as far as there is room.
    """
    told: list[str] = []
    lengths: list[int] = []
    left = most
    for title, text in texts:
        head = f"## {title}\n"
        room = left - len(head) - 2
        part, mark = text, ""
        if len(text) > room:
            fits = text[: room - len(_CUT)] if room >= _LEAST_OF_A_TEXT else ""
            part, mark = (fits.rsplit(None, 1) or [""])[0], _CUT
        lengths.append(len(part))
        if part:
            told.append(head + part + mark)
            left -= len(head) + len(part) + len(mark) + 2
    return "\n\n".join(told), lengths
