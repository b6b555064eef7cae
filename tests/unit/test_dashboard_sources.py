"""The dashboard's sources: nothing untranslated, no colour by its value, no left or right; and the lints that say so."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from browser.places import PLACES

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "dashboard"
_ROUTE = re.compile(r"\bpath: \"(/[^\"]*)\"")
_PARAMETER = re.compile(r"\$\w+|\{\w+\}")


def lint(folder: Path) -> list[str]:
    """Run both lints over a folder and return what they complain of."""
    node = shutil.which("node") or shutil.which("node", path=Path(sys.executable).parent)
    if node is None or not (DASHBOARD / "node_modules").is_dir():
        pytest.fail("The dashboard's lints need its packages: make dashboard", pytrace=False)
    done = subprocess.run(
        [node, DASHBOARD / "lint" / "run.mjs", folder], capture_output=True, text=True, env=os.environ
    )
    assert (done.returncode == 0) == (done.stderr == ""), done.stderr
    return done.stderr.splitlines()


def test_every_text_is_translated_and_nothing_has_a_colour_or_a_side_of_its_own() -> None:
    assert lint(DASHBOARD / "src") == []


_WORDS = {
    "en": {"calls": {"title": "Calls", "many_one": "One call", "many_other": "{{count}} calls"}},
    "he": {
        "calls": {
            "title": "שיחות",
            "many_one": "שיחה",
            "many_two": "שתי שיחות",
            "many_other": "{{count}} שיחות",
        }
    },
}
_PAGE = """
import { useT } from "@/lib/i18n";
export function Calls({ many }: { many: number }) {
  const t = useT("calls");
  return <h1 aria-label={t("title")}>{t("many", { count: many })}</h1>;
}
"""
_SHEET = ".box { margin-inline-start: 1rem; color: var(--mantine-color-text); text-align: start; }\n"


def house(folder: Path, *, page: str = _PAGE, sheet: str = _SHEET, words: object = None) -> Path:
    """Write a small dashboard without a fault, but for what is said."""
    for language, features in (words or _WORDS).items():  # type: ignore[attr-defined]
        (folder / "locales" / language).mkdir(parents=True)
        for feature, texts in features.items():
            path = folder / "locales" / language / f"{feature}.json"
            path.write_text(json.dumps(texts, ensure_ascii=False), "utf-8")
    (folder / "Calls.tsx").write_text(page, "utf-8")
    (folder / "calls.css").write_text(sheet, "utf-8")
    return folder


def test_what_is_right_is_not_complained_of(tmp_path: Path) -> None:
    assert lint(house(tmp_path)) == []


@pytest.mark.parametrize(
    ("was", "now", "complaint"),
    [
        ('{t("many", { count: many })}', '{t("many", { count: many })} Today', '"Today" is not translated'),
        ('aria-label={t("title")}', 'aria-label="All calls"', '"All calls" is not translated'),
        ('{t("many", { count: many })}', '{many ? t("many", { count: many }) : "None"}', '"None" is not'),
        ('{t("many", { count: many })}', '{`${t("many", { count: many })} so far`}', "is not translated"),
        ('t("title")', 't("titel")', "titel is used and missing"),
        ('aria-label={t("title")}', "", "nobody uses title"),
        ("<h1 ", '<h1 style={{ color: "#ff0000" }} ', '"#ff0000" is a colour by its value'),
        ("<h1 ", '<h1 style={{ color: "rgb(1, 2, 3)" }} ', "is a colour by its value"),
        ("<h1 ", '<Box ml="md" ', "ml is a physical direction"),
        ("<h1 ", '<Text ta="right" ', "ta names a physical direction"),
        ("<h1 ", "<h1 style={{ marginLeft: 4 }} ", "marginLeft is a physical direction"),
    ],
)
def test_a_fault_in_a_source_is_found(tmp_path: Path, was: str, now: str, complaint: str) -> None:
    assert was in _PAGE
    found = lint(house(tmp_path, page=_PAGE.replace(was, now, 1)))
    assert any(complaint in line for line in found), found


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("color: #fff;", "is a colour by its value"),
        ("background: rgb(0 0 0 / 50%);", "is a colour by its value"),
        ("border: 1px solid red;", "is a colour by its value"),
        ("margin-left: 1rem;", '"margin-left" is a physical direction'),
        ("left: 0;", '"left" is a physical direction'),
        ("text-align: right;", "is a physical direction"),
        ("border-top-left-radius: 4px;", "is a physical direction"),
    ],
)
def test_a_fault_in_a_sheet_is_found(tmp_path: Path, line: str, complaint: str) -> None:
    found = lint(house(tmp_path, sheet=_SHEET.replace("{", "{ " + line, 1)))
    assert len(found) == 1, found
    assert complaint in found[0]


@pytest.mark.parametrize(
    ("language", "key", "text", "complaint"),
    [
        ("he", "title", None, "title is missing"),
        ("he", "many_two", None, "many_two is missing"),
        ("he", "many_other", "{{number}} שיחות", "has the values (number), elsewhere (count)"),
        ("he", "title", "", "title is empty"),
        ("en", "title", None, "title is missing"),
    ],
)
def test_a_fault_in_the_words_is_found(
    tmp_path: Path, language: str, key: str, text: str | None, complaint: str
) -> None:
    words = json.loads(json.dumps(_WORDS))
    if text is None:
        del words[language]["calls"][key]
    else:
        words[language]["calls"][key] = text
    found = lint(house(tmp_path, words=words))
    assert any(complaint in line for line in found), found


def test_every_route_has_a_place_where_it_is_looked_at() -> None:
    """What is not in `browser/places.py` is neither photographed nor looked at by axe, nor tried by strangers."""
    routes = {
        _PARAMETER.sub("*", path)
        for index in DASHBOARD.glob("src/features/*/*.ts*")
        for path in _ROUTE.findall(index.read_text("utf-8"))
        if "routes" in index.read_text("utf-8")
    }
    places = {_PARAMETER.sub("*", place.path.split("?")[0]) for place in PLACES}
    assert routes - places == set()
