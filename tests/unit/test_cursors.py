"""Cursors of lists: what was written comes back, and nothing else is taken."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.kit import cursors
from trunkline.kit.cursors import InvalidCursor

NOW = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
# One that does not change: the processes of a test run must name the same cases.
_ID = "0b0e6a5c-7a4e-4f0b-9d53-2f6d1a1c7e11"


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_key_comes_back_to_the_microsecond() -> None:
    row = uuid4()
    assert cursors.read(cursors.write(NOW, row), datetime, UUID) == (NOW, row)


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=80)


@given(TEXTS, st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_text_and_number_comes_back(text: str, number: int) -> None:
    cursor = cursors.write(text, number)
    assert cursors.read(cursor, str, int) == (text, number)
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&?# ")


@pytest.mark.parametrize(
    "cursor",
    [
        "", "no base64!", "%00", _encoded({"a": 1}), _encoded([]), _encoded([str(NOW)]), "x" * 3_000,
        _encoded([str(NOW), _ID, 1]), _encoded([str(NOW), "no id"]), _encoded([str(NOW), 5]),
        _encoded(["2026-03-01T09:30:00", _ID]), _encoded(["soon", _ID]),
        _encoded([True, _ID]), base64.urlsafe_b64encode(b"[" * 1_400).decode(),
    ],
    ids=lambda cursor: cursor[:20],
)  # fmt: skip
def test_what_is_no_cursor_of_the_list_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        cursors.read(cursor, datetime, UUID)


@pytest.mark.parametrize("value", ["a\0b", "\ud800", 2**63, True, 1.5, None])
def test_what_postgresql_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(InvalidCursor):
        cursors.read(_encoded([value]), int if isinstance(value, int) else str)
