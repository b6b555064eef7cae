"""The words of files are those of the page, and every term that a file can hold has one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import trunkline.web
from trunkline.domain.outbound.compliance import RULE_REASONS
from trunkline.domain.outbound.models import ItemState
from trunkline.web.words import LANGUAGES, word

PAGE = Path(trunkline.web.__file__).parent / "page"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_says_what_the_page_says(language: str) -> None:
    said: dict[str, dict[str, str]] = {}
    for script in PAGE.glob(f"{language}*.js"):
        for family, term, text in re.findall(
            r'^\s*"(\w+)\.([\w-]+)": "(.*)",$', script.read_text("utf-8"), re.MULTILINE
        ):
            said.setdefault(family, {})[term] = text
    for family, words in LANGUAGES[language].items():
        assert words == said[family], f"{family} of the file and of the page differ"


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
