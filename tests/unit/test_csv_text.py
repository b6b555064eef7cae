"""Cells of CSV that no spreadsheet runs."""

from __future__ import annotations

import csv

import pytest

from trunkline.kit.csv_text import csv_lines, safe_cell


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1",  # noqa: RUF001
        "\u00a0=1", "\u200f=1", "\ufeff=1", "\u2003 \u202b+1+1", "\x00=1", "\ufe66 1", "\uff20SUM(A1)", " -1",
        "\tplain",
        '=HYPERLINK("http://evil")', "+972501234567+1", "-", "+", "+972 50 123",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""), (0, "0"), (-3, "-3"), ("-2.5", "-2.5"), ("+972501234567", "+972501234567"),
        ("דנה", "דנה"), ("a=b", "a=b"), ("", ""),
    ],
)  # fmt: skip
def test_what_computes_nothing_stays_as_it_is(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


def test_lines_are_read_back_as_they_were_written() -> None:
    rows = [["a", 'say "hi", twice', "two\r\nlines"], [None, 1, "שלום"]]

    lines = list(csv_lines(rows))

    assert len(lines) == len(rows)
    assert list(csv.reader("".join(lines).splitlines(keepends=True))) == [
        ["a", 'say "hi", twice', "two\r\nlines"],
        ["", "1", "שלום"],
    ]
