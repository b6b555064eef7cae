"""What each error of Graph means: one row a code, in replies and in receipts."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from trunkline.providers.ports import Refusal
from trunkline.providers.whatsapp.errors import REFUSALS, described, judge, of_receipt

ROWS = {
    Refusal.ACCOUNT: "0 3 10 33 102 190 200 210 299 368 130497 131005 131031 131037 131042 131045 133010",
    Refusal.RATE: "4 17 32 613 80007 130429 131048 131056 133016",
    Refusal.LATER: "1 2 131016 131043 131057 133004",
    Refusal.WINDOW: "470 131047",
    Refusal.OPTED_OUT: "131050",
    Refusal.NO_SUCH_PERSON: "131021 131026 131030",
    Refusal.MESSAGE: (
        "100 130472 131008 131009 131049 131051 131052 131053 132000 132001 132005 132007 132012 132015 "
        "132016 132068 132069"
    ),
}
CODES = [(int(code), refusal) for refusal, codes in ROWS.items() for code in codes.split()]


def reply(status: int, code: int | None = None, **headers: str) -> httpx.Response:
    body = {} if code is None else {"error": {"code": code, "message": f"(#{code}) why", "fbtrace_id": "A"}}
    return httpx.Response(status, json=body, headers=headers)


def test_every_code_is_here_and_in_the_documentation() -> None:
    page = Path(__file__).parents[2] / "docs/reference/chat-providers.md"
    written = {}
    for line in page.read_text("utf-8").split("## WhatsApp's errors")[1].split("\n\n")[1].splitlines():
        named = re.match(r"\| `([A-Z_]+)`", line)
        if named and named[1] in Refusal.__members__:
            for first, last in re.findall(r"(\d+)(?: to (\d+))?", line.rpartition("|")[0].rpartition("|")[2]):
                written |= dict.fromkeys(range(int(first), int(last or first) + 1), Refusal[named[1]])
    assert written == REFUSALS
    assert dict(CODES).items() <= REFUSALS.items()


@pytest.mark.parametrize(("code", "refusal"), CODES)
def test_each_code_is_refused_for_its_reason(code: int, refusal: Refusal) -> None:
    told = reply(400, code)
    found = judge(told, told.json())
    assert found is not None
    assert (found.refusal, found.code, str(found)) == (refusal, str(code), f"(#{code}) why")
    assert of_receipt(code) is refusal
    assert REFUSALS[code] is refusal


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, None),
        (502, None),
        (503, 999999),
        (408, None),
        (302, None),
        (500, 131000),
        (400, 131000),
        (500, 1),
    ],
)
def test_what_says_neither_yes_nor_no_is_nobodys_to_know(status: int, code: int | None) -> None:
    told = reply(status, code)
    assert judge(told, told.json()) is None


@pytest.mark.parametrize(
    ("status", "code", "refusal"),
    [
        (400, None, Refusal.MESSAGE), (404, None, Refusal.MESSAGE), (400, 999999, Refusal.MESSAGE),
        (401, None, Refusal.ACCOUNT), (403, 999999, Refusal.ACCOUNT), (429, None, Refusal.RATE),
        (429, 999999, Refusal.RATE), (500, 131016, Refusal.LATER), (503, 2, Refusal.LATER),
    ],
)  # fmt: skip
def test_what_the_table_does_not_name_is_judged_by_its_status(
    status: int, code: int | None, refusal: Refusal
) -> None:
    told = reply(status, code)
    found = judge(told, told.json())
    assert found is not None
    assert found.refusal is refusal


def test_how_long_to_wait_is_what_graph_says_or_what_its_limits_are_counted_over() -> None:
    waits = {
        (429, None, "17"): 17, (429, None, ""): None, (429, 131056, "9"): 9, (400, 131056, ""): 6,
        (400, 131048, ""): 3_600, (429, None, "Mon, 23 Nov 2026 10:00:00 GMT"): None, (400, 131026, ""): None,
    }  # fmt: skip
    for (status, code, said), wait in waits.items():
        told = reply(status, code, **({"Retry-After": said} if said else {}))
        found = judge(told, told.json())
        assert found is not None
        assert found.retry_after_s == wait, (status, code, said)


def test_an_unknown_error_of_a_message_that_was_taken_is_one_of_the_moment() -> None:
    assert of_receipt(131000) is Refusal.LATER
    assert of_receipt(999999) is Refusal.MESSAGE


def test_a_wrong_secret_is_the_accounts_fault() -> None:
    words = "Invalid appsecret_proof provided in the API argument"
    told = httpx.Response(400, json={"error": {"code": 100, "message": words}})
    found = judge(told, told.json())
    assert found is not None
    assert found.refusal is Refusal.ACCOUNT


def test_no_key_is_told_on() -> None:
    key = "EAAG" + "x" * 60
    assert described({"message": f"Malformed access token {key}"}) == "Malformed access token ..."
    assert described({"message": 5, "error_data": "none"}) == "WhatsApp refuses it"


def test_words_are_short_and_in_one_line() -> None:
    said = described({"message": "a\nb", "error_data": {"details": "word " * 500}})
    assert said.startswith("a b: word word")
    assert len(said) <= 300
