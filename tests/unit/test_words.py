"""The words of files are those of the page, and every term that a file can hold has one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import trunkline.web
from trunkline.domain.calls import service as calls
from trunkline.domain.outbound.compliance import RULE_REASONS
from trunkline.domain.outbound.models import ItemState
from trunkline.web.live_ends import ENDS
from trunkline.web.words import LANGUAGES, word

PAGE = Path(trunkline.web.__file__).parent / "page"
CODE = PAGE.parent.parent


def words_of_page(language: str) -> dict[str, dict[str, str]]:
    """What the page's dictionary of a language says, by family and term."""
    said: dict[str, dict[str, str]] = {}
    for script in PAGE.glob(f"{language}*.js"):
        for family, term, text in re.findall(
            r'^\s*"(\w+)\.([\w-]+)": "(.*)",$', script.read_text("utf-8"), re.MULTILINE
        ):
            said.setdefault(family, {})[term] = text
    return said


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
def test_a_file_says_what_the_page_says(language: str) -> None:
    said = words_of_page(language)
    for family, words in LANGUAGES[language].items():
        assert words == said[family], f"{family} of the file and of the page differ"


@pytest.mark.parametrize("language", ["en", "he"])
def test_the_page_has_words_for_what_a_call_s_record_can_say(language: str) -> None:
    said = words_of_page(language)
    assert {"brain_replaced", "brain_trouble", "disposition"} <= noted() <= said["note"].keys()
    assert {"transcript_failed", "voice_failed"} <= troubles() <= said["trouble"].keys()
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
