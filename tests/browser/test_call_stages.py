"""The table of a call's page that says where the time to each answer went, held to the call's own events."""

from __future__ import annotations

import math
from typing import Any

import pytest
from playwright.sync_api import Page, expect

NOTHING = "\N{EN DASH}"
STAGES = ("endpoint", "transcript", "first_token", "first_audio", "on_the_wire", "heard", "reply")
TITLES = {
    "en": ("How fast the agent answered", ["Turn", "Endpoint", "Transcript", "First token", "First audio",
                                           "On the wire", "Heard", "Reply"]),
    "he": ("כמה מהר ענה הסוכן", ["תור", "הוחלט שהתור נגמר", "תמלול", "מילים ראשונות", "צליל ראשון",
                                 "נשלח לקו", "נשמע", "נענה אחרי"]),
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "he"])
def test_a_call_shows_where_the_time_to_each_answer_went(signed_in: Page, language: str) -> None:
    call, measured = _answered(signed_in)
    if language == "he":
        signed_in.get_by_label("Language").select_option("he")
        expect(signed_in.locator("html")).to_have_attribute("dir", "rtl")
    signed_in.goto(f"{signed_in.evaluate('location.origin')}/old#/calls/{call['id']}")
    section = signed_in.locator("section.stages")
    title, columns = TITLES[language]
    expect(section.get_by_role("heading", level=2)).to_have_text(title)
    expect(section.get_by_role("table", name=title)).to_be_visible()
    expect(section.get_by_role("columnheader")).to_have_text(columns)
    rows = section.locator("tbody tr")
    expect(rows).to_have_count(len(measured))
    for row, (turn, figures) in zip(rows.all(), measured.items(), strict=True):
        shown = [_number(cell.inner_text()) for cell in row.get_by_role("cell").all()]
        assert shown == [turn, *(_rounded(figures.get(f"{stage}_ms")) for stage in STAGES)]
        reply = shown[-1]
        assert reply is not None
        assert reply > 0
        # They follow one another, so together they are the whole way, but for rounding.
        assert sum(stage or 0 for stage in shown[1:6]) == pytest.approx(reply, abs=3)


def test_whoever_wants_no_measurements_sees_no_table(signed_in: Page) -> None:
    call, _ = _answered(signed_in)
    signed_in.goto(f"{signed_in.evaluate('location.origin')}/old#/calls/{call['id']}")
    section = signed_in.locator("section.stages")
    expect(section).to_be_visible()
    signed_in.get_by_label("Show measurements").uncheck()
    expect(section).to_have_count(0)
    signed_in.get_by_label("Show measurements").check()
    expect(section).to_be_visible()


def _answered(page: Page) -> tuple[dict[str, Any], dict[int, dict[str, float]]]:
    """Return a call in which the agent answered twice and was heard out, and what was measured of it."""
    api = f"{page.evaluate('location.origin')}/api/calls"
    for row in page.request.get(api).json()["calls"]:
        call = dict(page.request.get(f"{api}/{row['id']}").json())
        turns: dict[int, dict[str, float]] = {}
        for event in call["events"]:
            if event["kind"] in {"latency", "agent_said"} and event["data"].get("turn") is not None:
                turns.setdefault(event["data"]["turn"], {}).update(
                    {
                        key: value
                        for key, value in event["data"].items()
                        if key.endswith("_ms") and value is not None
                    }
                )
        measured = {turn: figures for turn, figures in turns.items() if "reply_ms" in figures}
        # An answer that was cut short is never heard out: a call is wanted in which one was.
        if len(measured) >= 2 and any("heard_ms" in figures for figures in measured.values()):
            return call, measured
    raise AssertionError(
        "the running application holds no call in which the agent answered twice and was heard"
    )


def _number(text: str) -> int | None:
    return None if text.strip() == NOTHING else int(text.replace(",", ""))


def _rounded(figure: float | None) -> int | None:
    return None if figure is None else math.floor(figure + 0.5)
