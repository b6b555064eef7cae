"""The words of files are those of the dashboard, and every term of a file or of a call's record has one."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import trunkline
from trunkline.domain.calls import service as calls
from trunkline.domain.outbound.compliance import RULE_REASONS
from trunkline.domain.outbound.models import ItemState
from trunkline.web.live_ends import ENDS
from trunkline.web.words import LANGUAGES, word

CODE = Path(trunkline.__file__).parent
LOCALES = CODE.parents[1] / "dashboard/src/locales"
FAMILIES = {"item_state": "item", "disposition": "outcome", "waits_for": "waits_for"}
"""What the families of a file's terms are called among the words of the dashboard's runs."""


def words_of(language: str, feature: str) -> dict[str, Any]:
    """What the dashboard says of a feature in a language, by family and term."""
    return dict(json.loads((LOCALES / language / f"{feature}.json").read_text("utf-8")))


def calls_in_code() -> Iterator[ast.Call]:
    for folder in ("media", "providers"):
        for file in (CODE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    yield node


def noted() -> set[str]:
    """The names of notes that brains make by themselves."""
    found = {
        node.args[0].value
        for node in calls_in_code()
        if isinstance(node.func, ast.Name) and node.func.id == "Note"
        and node.args and isinstance(node.args[0], ast.Constant)
    }  # fmt: skip
    return {str(name) for name in found}


def troubles() -> set[str]:
    """What the record calls troubles of media's own, where it is written out."""
    found = {
        word.value.value
        for node in calls_in_code()
        if any(isinstance(one, ast.Attribute) and one.attr == "TROUBLE" for one in node.args)
        for word in node.keywords
        if word.arg == "what" and isinstance(word.value, ast.Constant)
    }
    return {str(what) for what in found}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_says_what_the_dashboard_says(language: str) -> None:
    said = words_of(language, "runs")
    for family, words in LANGUAGES[language].items():
        shown = said[FAMILIES[family]]
        assert words == {term: shown.get(term) for term in words}, f"{family} of the file differ"


@pytest.mark.parametrize("language", ["en", "he"])
def test_the_dashboard_has_words_for_what_a_call_s_record_can_say(language: str) -> None:
    said = words_of(language, "calls")
    assert {"brain_replaced", "brain_trouble", "disposition"} <= noted() <= said["note"].keys()
    # Silence is told as a silent turn of the caller.
    told = troubles() - {"silence", "long_silence"}
    assert {"transcript_failed", "voice_failed"} <= told <= said["trouble"].keys()
    assert {*ENDS, calls.PROCESS_LOST, "rejected_capacity"} <= said["reason"].keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_and_every_rule_that_is_waited_for_has_a_word(language: str) -> None:
    families = LANGUAGES[language]
    assert set(families["item_state"]) == {state.value for state in ItemState}
    assert {*RULE_REASONS, "retry", "callback", "fence"} <= set(families["waits_for"])


def test_what_has_no_word_is_told_as_it_is() -> None:
    assert word("disposition", "booked", "he") == "נקבעה פגישה"
    assert word("disposition", "booked", "en") == "booked"
    assert word("disposition", "of_another_brain", "he") == "of_another_brain"
    assert word("disposition", None, "he") is None
