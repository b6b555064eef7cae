"""What the API can refuse has a sentence of the dashboard's own in each of its languages, with its facts.

Codes and reasons are read from the sources: who raises an error with a new one is told here what lacks.
"""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from trunkline.core import errors
from trunkline.domain.tenants.extensions import REFUSALS

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for floor in ("core", "domain", "web")
    for path in sorted((ROOT / "src/trunkline" / floor).rglob("*.py"))
]
LANGUAGES = ("en", "he")

NO_PAGES = {
    "core/registry.py": "carriers and brains that the installation lacks; said at start",
    "domain/inbox/tools.py": "said to an agent",
    "domain/leads/tools.py": "said to an agent",
    "domain/outbound/callbacks.py": "said to an agent",
    "domain/outbound/tools.py": "said to an agent",
    "web/callroom.py": "said to a browser's call by its agent's own fault",
    "web/carrier_hooks.py": "said to a carrier",
    "web/control_hooks.py": "said to a carrier",
    "web/telnyx_hooks.py": "said to a carrier",
}
"""Files whose refusals may lack a reason, and why."""

_SAY_LITTLE = {"Conflict", "InvalidInput", "Forbidden"}
"""Errors that mean many things: what is meant, their `reason` says."""
_PLACEHOLDER = re.compile(r"{{(\w+)}}")
_OF_THE_FRAMEWORK = {"refused", "other"}
"""What `web/errors.py` calls errors that the framework makes, and what the dashboard says of all others."""


def _calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node


def _codes() -> set[str]:
    """Return the code of every error class."""
    found = {errors.TrunklineError.code}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                found |= {
                    line.value.value
                    for line in node.body
                    if isinstance(line, ast.Assign)
                    and isinstance(line.targets[0], ast.Name)
                    and line.targets[0].id == "code"
                    and isinstance(line.value, ast.Constant)
                    and isinstance(line.value.value, str)
                }
    return found


def _reasons() -> dict[str, list[set[str]]]:
    """Return each reason and, for each place that gives it, the facts that go with it."""
    found: dict[str, list[set[str]]] = defaultdict(list)
    for path in SOURCES:
        for call in _calls(path):
            names = {keyword.arg for keyword in call.keywords if keyword.arg}
            for keyword in call.keywords:
                value = keyword.value
                if keyword.arg == "reason" and _is_error(call) and isinstance(value, ast.Constant):
                    found[value.value].append(names)
    for reason in REFUSALS:
        found[str(reason)].append(set())
    return found


def _is_error(call: ast.Call) -> bool:
    assert isinstance(call.func, ast.Name)
    return call.func.id in {*vars(errors), "Unsigned"}


def _sentences(language: str) -> dict[str, str]:
    words: dict[str, str] = json.loads(
        (ROOT / "dashboard/src/locales" / language / "errors.json").read_text()
    )["code"]
    return words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_and_reason_has_a_sentence_and_no_sentence_lacks_its_error(language: str) -> None:
    sentences, meant = _sentences(language), _codes() | set(_reasons())
    assert meant - set(sentences) == set(), "without a sentence"
    assert set(sentences) - meant - _OF_THE_FRAMEWORK == set(), "sentences of no error"
    assert all(sentences.values())


def test_what_means_many_things_says_which() -> None:
    silent = {
        f"{path.relative_to(ROOT / 'src/trunkline')}:{call.lineno}"
        for path in SOURCES
        for call in _calls(path)
        if isinstance(call.func, ast.Name)
        and call.func.id in _SAY_LITTLE
        and "reason" not in {keyword.arg for keyword in call.keywords}
    }
    assert {place for place in silent if place.split(":")[0] not in NO_PAGES} == set()
    assert {place.split(":")[0] for place in silent} == set(NO_PAGES), "files that need no exception any more"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_tells_only_facts_that_come_with_every_error_of_its_reason(language: str) -> None:
    sentences = _sentences(language)
    for reason, places in _reasons().items():
        told = set(_PLACEHOLDER.findall(sentences[reason]))
        for facts in places:
            assert told <= facts, f"{reason} does not come with {told - facts} everywhere"
