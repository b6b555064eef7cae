"""Rules of the house, read off the syntax trees of all modules; each is shown a module that breaks it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import vulture

from architecture.syntax import (
    SOURCE,
    broad_excepts,
    has_docstring,
    modules,
    prints,
    threads,
    unfinished,
)

MAY_START_THREADS = ("core/jobs/heartbeat.py", "web/callroom.py", "web/recording.py", "media/")
"""The heartbeat's thread, the call room's pool, the recordings' writer, and what a live call needs."""

OUTERMOST_LOOPS = {
    "core/jobs/executor.py": 1,
    "core/jobs/heartbeat.py": 1,
    "media/ear.py": 1,
    "media/reader.py": 1,
    "media/session.py": 1,
    "web/live_tools.py": 1,
}
"""Where everything is caught and put on record: the loops of a job, a heartbeat, a call and its tools.

What is brought to a call, its frames and the judgements of its windows, comes outside its tasks: it is
caught there, and raised again in the task that it belongs to.
"""

MAY_PRINT = {"terminal.py": 1}

LONGEST = 400
LONG_FOR_A_REASON = {"migrations/versions/0001_first_schema.py"}

ROOT = Path(__file__).parents[2]
KNOWN = ROOT / "tests/architecture/called_by_others.py"
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["vulture"]
OF_FIELDS = ("models.py", "schemas.py", "wire.py")
"""Files whose variables are columns, fields and keys: others read them by name."""


# --- Threads -----------------------------------------------------------------------------


def test_threads_and_executors_begin_only_where_the_house_allows_it() -> None:
    found = {path: threads(source) for path, source in modules().items() if threads(source)}
    elsewhere = {path: what for path, what in found.items() if not path.startswith(MAY_START_THREADS)}
    assert elsewhere == {}
    assert set(found) >= {"core/jobs/heartbeat.py", "web/callroom.py"}, "the rule sees nothing"


@pytest.mark.parametrize(
    "source",
    [
        "import threading\nthreading.Thread(target=print).start()",
        "import threading as t\nt.Thread(target=print)",
        "from threading import Thread",
        "from threading import Timer as Later",
        "import threading\nthreading.Timer(1, print)",
        "from concurrent.futures import ThreadPoolExecutor",
        "import concurrent.futures as futures\nfutures.ProcessPoolExecutor()",
        "import asyncio\nasyncio.to_thread(print)",
        "from asyncio import to_thread",
        "async def f(loop):\n    await loop.run_in_executor(None, print)",
        "import multiprocessing",
        "from multiprocessing.pool import ThreadPool",
        "import _thread",
        "from fastapi import BackgroundTasks",
        "from starlette.background import BackgroundTask",
    ],
)
def test_the_rule_about_threads_sees(source: str) -> None:
    assert threads(source)


@pytest.mark.parametrize(
    "source",
    [
        "import threading\nthreading.Event()",
        "import threading\nthreading.enumerate()",
        "async def f(loop, pool):\n    await loop.run_in_executor(pool, print)",
    ],
)
def test_the_rule_about_threads_lets_pass(source: str) -> None:
    assert not threads(source)


def test_the_framework_s_pool_serves_requests_alone() -> None:
    users = {path for path, source in modules().items() if "run_in_threadpool" in source}
    assert users == {path for path in users if path.startswith("web/") or path == "core/door.py"}


# --- Exceptions, words, docstrings ---------------------------------------------------------


def test_everything_is_caught_in_outermost_loops_alone() -> None:
    found = {path: broad_excepts(source) for path, source in modules().items() if broad_excepts(source)}
    assert found == OUTERMOST_LOOPS


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept BaseException as error:\n    log(error)",
        "try:\n    f()\nexcept:\n    pass",
        "try:\n    f()\nexcept (ValueError, Exception):\n    pass",
        "import contextlib\nwith contextlib.suppress(Exception):\n    f()",
    ],
)
def test_the_rule_about_catching_sees(source: str) -> None:
    assert broad_excepts(source) == 1


def test_the_rule_about_catching_lets_a_clean_up_raise_again() -> None:
    assert broad_excepts("try:\n    f()\nexcept BaseException:\n    undo()\n    raise") == 0


def test_every_module_says_what_it_is() -> None:
    assert [path for path, source in modules().items() if not has_docstring(source)] == []


def test_nothing_is_printed_past_the_console() -> None:
    assert {path: prints(source) for path, source in modules().items() if prints(source)} == MAY_PRINT


def test_nothing_is_left_for_later() -> None:
    assert {path: unfinished(source) for path, source in modules().items() if unfinished(source)} == {}


def test_files_stay_readable() -> None:
    lengths = {path: source.count("\n") for path, source in modules().items()}
    over_300 = sorted(((lines, path) for path, lines in lengths.items() if lines > 300), reverse=True)
    report = "\n".join(f"{lines:5} {path}" for lines, path in over_300)
    too_long = {path for lines, path in over_300 if lines > LONGEST}
    assert too_long == LONG_FOR_A_REASON, f"files of more than 300 lines:\n{report}"


# --- Dead code ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unused(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """What vulture finds unused, by name: in our source, then with the list of names that others call, then
    with a corpse beside them. To read our source is what takes time, so it is done once."""
    corpse = tmp_path_factory.mktemp("dead") / "corpse.py"
    corpse.write_text('"""Nobody calls this."""\n\n\ndef never_called_by_anybody() -> None:\n    pass\n')
    judge = vulture.Vulture(
        ignore_names=CONFIG["ignore_names"], ignore_decorators=CONFIG["ignore_decorators"]
    )
    found = []
    for path in (SOURCE, KNOWN, corpse):
        judge.scavenge([str(path)])
        found.append(
            {
                item.name: f"{item.filename}:{item.first_lineno}: {item.typ}"
                for item in judge.get_unused_code(min_confidence=CONFIG["min_confidence"])
                if not (item.filename.name.endswith(OF_FIELDS) and item.typ in {"variable", "class"})
            }
        )
    return found


def test_there_is_no_dead_code(unused: list[dict[str, str]]) -> None:
    assert unused[1] == {}


def test_dead_code_is_found(unused: list[dict[str, str]]) -> None:
    assert set(unused[2]) == {"never_called_by_anybody"}


def test_the_list_of_names_that_others_call_has_not_grown_old(unused: list[dict[str, str]]) -> None:
    lines = KNOWN.read_text().splitlines()
    listed = {line.split("#")[0].strip().removeprefix("_.") for line in lines if line.startswith("_.")}
    assert listed - set(unused[0]) == set(), "used by our own code, or gone: take these off the list"
