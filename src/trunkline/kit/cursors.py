"""Where a page of a list ends: the last row's sort key as opaque text, for whoever asks for the next page.

Owns the text's form. It hides nothing and needs no signature: a place in a list is no secret, and the query
that goes on behind it names the business like any other. What was changed on its way is refused, since only
values of the types that the list is sorted by come out.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Any, TypeVar, overload
from uuid import UUID

First = TypeVar("First", str, int, datetime, UUID)
Second = TypeVar("Second", str, int, datetime, UUID)
Third = TypeVar("Third", str, int, datetime, UUID)
Fourth = TypeVar("Fourth", str, int, datetime, UUID)

_MOST_CHARACTERS = 2_000
_LARGEST = 2**63 - 1


class InvalidCursor(ValueError):
    """The text is no cursor of this list."""


def write(*key: str | int | datetime | UUID) -> str:
    """Return a row's sort key as URL-safe text that `read` takes back."""
    body = json.dumps([value if isinstance(value, int) else str(value) for value in key])
    return base64.urlsafe_b64encode(body.encode()).rstrip(b"=").decode()


@overload
def read(cursor: str, first: type[First], /) -> tuple[First]: ...
@overload
def read(cursor: str, first: type[First], second: type[Second], /) -> tuple[First, Second]: ...
@overload
def read(
    cursor: str, first: type[First], second: type[Second], _third: type[Third], _fourth: type[Fourth], /
) -> tuple[First, Second, Third, Fourth]: ...


def read(cursor: str, /, *types: type[Any]) -> tuple[Any, ...]:
    """Return the sort key that was written, whose values are of these types. Raises InvalidCursor."""
    if len(cursor) > _MOST_CHARACTERS:
        raise InvalidCursor("too long for a cursor")
    try:
        body = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = json.loads(body)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise InvalidCursor("not a cursor") from error
    if not isinstance(key, list) or len(key) != len(types):
        raise InvalidCursor("a cursor of another list")
    return tuple(_value(value, wanted) for value, wanted in zip(key, types, strict=True))


def _value(value: object, wanted: type[Any]) -> str | int | datetime | UUID:
    if wanted is int:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST:
            return value
    elif isinstance(value, str):
        try:
            value.encode()
            if wanted is str and "\0" not in value:
                return value
            if wanted is UUID:
                return UUID(value)
            if wanted is datetime and (moment := datetime.fromisoformat(value)).tzinfo is not None:
                return moment
        except ValueError as error:
            raise InvalidCursor(f"no {wanted.__name__}") from error
    raise InvalidCursor(f"no {wanted.__name__}")
