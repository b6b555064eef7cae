"""Places on the board, as texts alone: digits behind a decimal point, the shorter ones padded.

Beyond the shortest the last digit is never zero, so that two of the same value are the same text. Between any
two there is room; they grow where many are put between the same two, and are spread again once they are long.
"""

from __future__ import annotations

LONG = 40
"""Digits from which on those that stand near are spread: far fewer than a cursor or an index takes."""

_FEWEST_DIGITS = 12
_LAST_DIGITS = 18
"""So fine are steps behind the last: a million of them to each place that is given at the front."""
_SPREAD_DIGITS = 30
_ROOM = 10**6
"""So far apart, in units of the last digit, is what is spread: room for many drops at no cost."""


def between(above: str, below: str | None) -> str:
    """Return a place between two, or behind the last one, no longer than it must be."""
    if below is None and int(above[:_LAST_DIGITS].ljust(_LAST_DIGITS, "0")) + 1 < 10**_LAST_DIGITS:
        return _text(int(above[:_LAST_DIGITS].ljust(_LAST_DIGITS, "0")) + 1, _LAST_DIGITS)
    width = max(len(above), len(below or ""))
    if _value(below, width) - _value(above, width) < 2:
        width += 1
    return _text((_value(above, width) + _value(below, width)) // 2, width)


def spread(above: str, below: str | None, count: int) -> list[str] | None:
    """Return so many places evenly between two, or behind the last one; None: they would stand too close."""
    lower, upper = _value(above[:_SPREAD_DIGITS], _SPREAD_DIGITS), _value(below, _SPREAD_DIGITS)
    step = (upper - lower) // (count + 1)
    if step < _ROOM:
        return None
    return [_text(lower + step * number, _SPREAD_DIGITS) for number in range(1, count + 1)]


def _value(place: str | None, width: int) -> int:
    return 10**width if place is None else int(place[:width].ljust(width, "0"))


def _text(value: int, width: int) -> str:
    digits = f"{value:0{width}}"
    return digits[:_FEWEST_DIGITS] + digits[_FEWEST_DIGITS:].rstrip("0")
