"""Telephone numbers: what can be dialled, and what only looks as if it could."""

from __future__ import annotations

import pytest

from trunkline.domain.leads.row_faults import RowFault
from trunkline.domain.leads.rules import LeadRow, read_row
from trunkline.kit.clock import now
from trunkline.kit.phone import InvalidPhone, country_of, is_e164, to_dialable, to_e164, zones_of


@pytest.mark.parametrize(
    ("typed", "region", "reason"),
    [
        # Of the right length, in a range that nobody has: no area code begins with 0, none is 5.
        ("+10501234567", "US", "'+10501234567': no such number in US"),
        ("050-1234567", "US", "'050-1234567': no such number in US"),
        ("+9725012", "US", "'+9725012' does not have the length of a telephone number"),
        ("nobody", "US", "'nobody' is not a telephone number"),
    ],
)
def test_what_nobody_has_cannot_be_dialled(typed: str, region: str, reason: str) -> None:
    with pytest.raises(InvalidPhone) as refused:
        to_dialable(typed, region=region)
    assert str(refused.value) == reason


def test_what_cannot_be_placed_is_a_row_s_fault_and_may_still_be_suppressed() -> None:
    row = ["+10501234567", "Dana"]
    told = read_row(2, row, {"phone": 1, "name": 2}, region="US", zone=now().tzinfo)  # type: ignore[arg-type]
    assert isinstance(told, RowFault)
    assert told.reason == "'+10501234567': no such number in US"
    assert (told.code, told.facts) == ("phone_unknown", {"text": "+10501234567", "country": "US"})
    # Nobody could say when to call it; not to call it can be asked for all the same.
    number = to_e164("+10501234567", region="US")
    assert (number, zones_of(number)) == ("+10501234567", ())


@pytest.mark.parametrize("text", ["dana@acme.example", "anonymous", "", "+"])
def test_what_is_no_number_is_at_home_nowhere(text: str) -> None:
    assert (is_e164(text), zones_of(text), country_of(text)) == (False, (), None)


def test_only_the_written_form_of_a_number_is_one() -> None:
    assert is_e164("+972502345678")
    assert not any(is_e164(text) for text in ("2125550101", "+0123", "+1 212 555 0101", "+12125550101\n"))


@pytest.mark.parametrize(
    ("typed", "region", "e164"),
    [
        ("(212) 555-0101", "US", "+12125550101"),
        ("050-234-5678", "IL", "+972502345678"),
        ("+44 20 7946 0000", "US", "+442079460000"),
        ("+800 1234 5678", "US", "+80012345678"),
    ],
)
def test_what_somebody_may_have_is_written_in_one_form(typed: str, region: str, e164: str) -> None:
    assert to_dialable(typed, region=region) == e164
    row = read_row(2, [typed], {"phone": 1}, region=region, zone=now().tzinfo)  # type: ignore[arg-type]
    assert isinstance(row, LeadRow)
    assert row.phone == e164
