"""The dashboard's sources: nothing untranslated, no colour by its value, no left or right; their lints."""

from __future__ import annotations

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


def lint(*folders: Path) -> list[str]:
    """Run both lints over folders and return what they complain of."""
    node = shutil.which("node") or shutil.which("node", path=Path(sys.executable).parent)
    if node is None or not (DASHBOARD / "node_modules").is_dir():
        pytest.fail("The dashboard's lints need its packages: make dashboard", pytrace=False)
    command = [node, DASHBOARD / "lint" / "run.mjs", *folders]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode == 0) == (done.stderr == ""), done.stderr
    return done.stderr.splitlines()


def test_every_text_is_translated_and_nothing_has_a_colour_or_a_side_of_its_own() -> None:
    assert lint(DASHBOARD / "src") == []


_PAGE = """
import { useT } from "@/lib/i18n";
export function Calls({ many }: { many: number }) {
  const t = useT("calls");
  return <h1 aria-label={t("title")}>{t("many", { count: many })}</h1>;
}
"""
_SHEET = ".box { margin-inline-start: 1rem; color: var(--mantine-color-text); text-align: start; }\n"
_EN = '{"title": "Calls", "many_one": "One call", "many_other": "{{count}} calls"}'
_HE = '{"title": "שיחות", "many_one": "שיחה", "many_two": "שתי שיחות", "many_other": "{{count}} שיחות"}'
_HOUSE = {"Calls.tsx": _PAGE, "calls.css": _SHEET, "locales/en/calls.json": _EN, "locales/he/calls.json": _HE}
"""A small dashboard without a fault."""

_FAULTS = [
    ("Calls.tsx", "many })}</h1>", "many })} Today</h1>", '"Today" is not translated'),
    ("Calls.tsx", 'aria-label={t("title")}', 'aria-label="All calls"', '"All calls" is not translated'),
    ("Calls.tsx", '{t("many"', '{many === 0 ? "None" : t("many"', '"None" is not translated'),
    ("Calls.tsx", "</h1>", "{`${many} so far`}</h1>", "is not translated"),
    (
        "Calls.tsx",
        "  const t",
        '  notifications.show({ message: "It is saved" });\n  const t',
        "is not translated",
    ),
    ("Calls.tsx", 't("title")', 't("titel")', "titel is used and missing"),
    ("Calls.tsx", 'aria-label={t("title")}', "", "nobody uses title"),
    ("Calls.tsx", "<h1 ", '<h1 style={{ color: "#ff0000" }} ', '"#ff0000" is a colour by its value'),
    ("Calls.tsx", "<h1 ", '<h1 style={{ color: "rgb(1, 2, 3)" }} ', "is a colour by its value"),
    ("Calls.tsx", "<h1 ", '<h1 ml="md" ', "ml is a physical direction"),
    ("Calls.tsx", "<h1 ", '<h1 ta="right" ', "ta names a physical direction"),
    ("Calls.tsx", "<h1 ", "<h1 style={{ marginLeft: 4 }} ", "marginLeft is a physical direction"),
    ("calls.css", "{", "{ color: #fff;", "is a colour by its value"),
    ("calls.css", "{", "{ background: rgb(0 0 0 / 50%);", "is a colour by its value"),
    ("calls.css", "{", "{ border: 1px solid red;", "is a colour by its value"),
    ("calls.css", "{", "{ margin-left: 1rem;", '"margin-left" is a physical direction'),
    ("calls.css", "{", "{ left: 0;", '"left" is a physical direction'),
    ("calls.css", "{", "{ text-align: right;", "is a physical direction"),
    ("calls.css", "{", "{ border-top-left-radius: 4px;", "is a physical direction"),
    ("locales/he/calls.json", '"title": "שיחות", ', "", "title is missing"),
    ("locales/en/calls.json", '"title": "Calls", ', "", "title is missing"),
    ("locales/he/calls.json", '"many_two": "שתי שיחות", ', "", "many_two is missing"),
    ("locales/he/calls.json", "{{count}}", "{{number}}", "has the values (number), elsewhere (count)"),
    ("locales/he/calls.json", '"title": "שיחות"', '"title": " "', "title is empty"),
]
"""Which file, what is in it, what is put there instead, and what is said of it."""


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What is said of the small dashboard, and then of it with each of the faults."""
    base = tmp_path_factory.mktemp("dashboards")
    folders = [base / f"{number:03}" for number in range(len(_FAULTS) + 1)]
    for folder, fault in zip(folders, [None, *_FAULTS], strict=True):
        for name, text in _HOUSE.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if fault is not None and fault[0] == name:
                assert fault[1] in text
                path.write_text(text.replace(fault[1], fault[2], 1), "utf-8")
            else:
                path.write_text(text, "utf-8")
    said = lint(*folders)
    return [[line for line in said if line.startswith(f"{folder}/")] for folder in folders]


def test_what_is_right_is_not_complained_of(complaints: list[list[str]]) -> None:
    assert complaints[0] == []


@pytest.mark.parametrize(
    "number", range(len(_FAULTS)), ids=[fault[2].strip() or fault[1] for fault in _FAULTS]
)
def test_a_fault_is_found(complaints: list[list[str]], number: int) -> None:
    found = complaints[number + 1]
    assert any(_FAULTS[number][3] in line for line in found), found


def test_every_route_has_a_place_where_it_is_looked_at() -> None:
    """What `browser/places.py` lacks is not photographed, looked at by axe or tried by strangers."""
    routes = {
        _PARAMETER.sub("*", path)
        for index in DASHBOARD.glob("src/features/*/index.ts*")
        for path in _ROUTE.findall(index.read_text("utf-8"))
        if not path.startswith("/api/")
    }
    places = {_PARAMETER.sub("*", place.path.split("?")[0]) for place in PLACES}
    assert routes - places == set()
