"""The documentation says what is: its links lead somewhere, and its tables agree with the code."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from trunkline import schedule, wiring
from trunkline.core import errors, toolbox
from trunkline.core.access import Role
from trunkline.core.jobs.handlers import handler_named, handler_names
from trunkline.core.jobs.models import JobState
from trunkline.core.runs.models import RunState
from trunkline.core.settings import ServiceRole, Settings
from trunkline.domain.outbound.models import AttemptState, ItemState
from trunkline.kit.dialogue import Dialogue
from trunkline.simulators.carrier import Persona
from trunkline.simulators.carrier.faults import CallbackFault, CreateFault
from trunkline.simulators.graph.faults import GraphFault
from trunkline.simulators.model_server import Fault
from trunkline.web.app import create_app
from trunkline.web.parts import AppParts

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "trunkline"
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^([ \t]*)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?:[\w-]+/)+[\w.-]*|\w+\.py")
_MODULE = re.compile(r"trunkline(?:\.[a-z_]+)+")
_FILES_OF_A_DOMAIN = {
    f"{name}.py"
    for name in ("models", "store", "service", "rules", "schemas", "routes", "jobs", "tools", "turns")
}


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each row of each table whose first cell is code."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = _FENCE.sub("", path.read_text("utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in _HEADING.findall(text)
    }


def names(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in _LINK.findall(_FENCE.sub("", path.read_text("utf-8"))):
        if target.startswith(("https://", "http://")):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in anchors(found), f"{target} names no heading"


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_every_file_and_module_that_is_named_exists(path: Path) -> None:
    floors = {entry.name for base in (ROOT, SOURCE) for entry in base.iterdir() if entry.is_dir()}
    for code in _CODE.findall(_FENCE.sub("", path.read_text("utf-8"))):
        if _MODULE.fullmatch(code):
            assert find_spec(code) is not None, f"there is no module {code}"
        if not _PATH.fullmatch(code) or code in _FILES_OF_A_DOMAIN:
            continue
        if "/" in code and code.split("/", 1)[0] not in floors:
            continue
        assert (ROOT / code).exists() or (SOURCE / code).exists(), f"there is no {code}"


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_every_example_of_json_can_be_read(path: Path) -> None:
    for _, language, body in _FENCE.findall(path.read_text("utf-8")):
        if language == "json":
            example: dict[str, Any] = json.loads(body)
            if "states" in example:
                Dialogue.model_validate(example)


def test_every_setting_is_there_with_its_default() -> None:
    written = {cells[0].strip("`"): cells[1] for cells in rows(page("reference/settings.md"))}
    expected = {name.upper(): shown(field.default) for name, field in Settings.model_fields.items()}
    assert written == expected


def shown(default: object) -> str:
    if default is None:
        return "unset"
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    if isinstance(default, dict):
        return f"`{','.join(f'{key}={value}' for key, value in default.items())}`"
    return f"`{default}`"


def test_every_route_is_in_the_table() -> None:
    parts = AppParts(
        role=ServiceRole.ALL, public_url="", media_url="", token_key=b"", spool=Path(), max_calls=1,
        longest_call=timedelta(), speech=None, upkeep=lambda: None,  # type: ignore[arg-type]
    )  # fmt: skip
    paths = create_app(parts).openapi()["paths"]
    served = {
        f"{method.upper()} {path}" for path, methods in paths.items() for method in methods if "/api/" in path
    }
    text = page("reference/http-api.md")
    written = [cells[0].strip("`") for cells in rows(text) if cells[0].strip("`").startswith(tuple("GPD"))]
    assert sorted(written) == sorted(served)


def test_every_error_that_people_see_is_named() -> None:
    text = page("reference/http-api.md")
    classes = [
        errors.TrunklineError,
        *errors.TrunklineError.__subclasses__(),
        *errors.Conflict.__subclasses__(),
    ]
    for error in classes:
        if error.__module__ == errors.__name__ and error.status != errors.TrunklineError.status:
            assert f"`{error.code}`" in text, f"{error.code} is missing"
            assert f"| {error.status} |" in text, f"{error.status} is missing"


@pytest.mark.parametrize(
    ("name", "vocabulary"),
    [
        ("reference/jobs.md", JobState),
        ("reference/outbound.md", RunState),
        ("reference/outbound.md", ItemState),
        ("reference/outbound.md", AttemptState),
        ("reference/carrier-simulator.md", Persona),
        ("reference/carrier-simulator.md", CreateFault),
        ("reference/carrier-simulator.md", CallbackFault),
        ("reference/brains.md", Fault),
        ("reference/chat-providers.md", GraphFault),
        ("reference/http-api.md", Role),
        ("reference/settings.md", ServiceRole),
    ],
)
def test_every_word_of_a_vocabulary_is_named(name: str, vocabulary: type[enum.StrEnum]) -> None:
    words = set(_CODE.findall(page(name))) | set(
        re.findall(r"\w+", " ".join(m[2] for m in _FENCE.findall(page(name))))
    )
    assert {word.value for word in vocabulary} <= words


def test_every_field_of_a_dialogue_is_explained() -> None:
    text = page("reference/dialogue.md")
    for field in Dialogue.model_fields:
        assert field in {"version", "states"} or f"`{field}`" in text, f"{field} is missing"


def test_every_tool_is_there_with_its_arguments() -> None:
    assert wiring.DOORS  # importing them is what registers the tools
    written = {
        cells[0].strip("`"): cells[1] for cells in rows(page("reference/dialogue.md").split("## Tools")[1])
    }
    assert set(written) == set(toolbox.tool_names())
    for name, arguments in written.items():
        model: type[BaseModel] = toolbox._tools[name].arguments
        assert [word for word in _CODE.findall(arguments) if word in model.model_fields] == list(
            model.model_fields
        )


def test_every_recurring_job_is_there() -> None:
    table = page("reference/schedule.md").split("## The table")[1].split("## Ticks")[0]
    written = {tuple(cell.strip("`") for cell in cells[:4]) for cells in rows(table)}
    assert written == {
        (entry.job, entry.queue, str(entry.rule), entry.misfire.value) for entry in schedule.RECURRING
    }


def test_every_job_is_in_the_catalogue_with_its_queue_timeout_and_tries() -> None:
    assert wiring.DOORS  # importing them is what registers the jobs
    written = {
        tuple(cell.strip("`") for cell in cells[:5]) for cells in rows(page("reference/job-catalogue.md"))
    }
    handlers = [handler_named(name) for name in handler_names()]
    assert written == {
        (found.name, source_of(found.function), found.queue, f"{found.timeout_s:g}", str(found.max_attempts))
        for found in handlers
        if found.function.__module__.startswith("trunkline.")
    }


def source_of(function: Callable[..., None]) -> str:
    """Return the path of a function's module, as pages write it."""
    return function.__module__.removeprefix("trunkline.").replace(".", "/") + ".py"


def test_every_decision_is_in_the_list() -> None:
    linked = set(_LINK.findall(page("decisions/README.md")))
    assert linked == {path.name for path in (DOCS / "decisions").glob("0*.md")}
