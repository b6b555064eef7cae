"""The rules of the house that can be read off a module's syntax tree, each as a function of its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src/trunkline"

_OF_THREADING = {"Thread", "Timer"}
_EXECUTORS = {"ThreadPoolExecutor", "ProcessPoolExecutor", "InterpreterPoolExecutor", "ThreadPool"}
_BACKGROUND = {"BackgroundTask", "BackgroundTasks", "BackgroundScheduler"}
_MODULES = {"_thread", "multiprocessing", "concurrent.interpreters"}
_BROAD = {"Exception", "BaseException"}


def modules() -> dict[str, str]:
    """Return the source of every module, by its path below the package."""
    return {file.relative_to(SOURCE).as_posix(): file.read_text() for file in sorted(SOURCE.rglob("*.py"))}


@lru_cache(maxsize=1)
def _tree(source: str) -> ast.Module:
    """Parse a source, once for all that one rule asks of it."""
    return ast.parse(source)


def threads(source: str) -> list[str]:
    """Return everything that would run work beside the caller on a thread or process of our own."""
    found = []
    aliases = _aliases(source)
    for node in ast.walk(_tree(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in _MODULES]
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in _MODULES:
                found.append(f"from {node.module}")
            found += [alias.name for alias in node.names if _starts_something(node.module, alias.name)]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if _starts_something(aliases.get(node.value.id, node.value.id), node.attr):
                found.append(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Call) and _name_of(node.func) == "run_in_executor":
            first = node.args[0] if node.args else None
            if first is None or (isinstance(first, ast.Constant) and first.value is None):
                found.append("run_in_executor(None")
    return sorted(set(found))


def _starts_something(module: str | None, name: str) -> bool:
    return (
        (module == "threading" and name in _OF_THREADING)
        or (module == "asyncio" and name == "to_thread")
        or name in _EXECUTORS
        or name in _BACKGROUND
    )


def _aliases(source: str) -> dict[str, str]:
    """Return what each imported module is called here, by that name."""
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(_tree(source))
        if isinstance(node, ast.Import)
        for alias in node.names
    }


def broad_excepts(source: str) -> int:
    """Count handlers that catch everything and do not raise it again."""
    return sum(
        _is_broad(node.type) and not _raises_again(node)
        for node in ast.walk(_tree(source))
        if isinstance(node, ast.ExceptHandler)
    ) + sum(
        any(_is_broad(argument) for argument in node.args)
        for node in ast.walk(_tree(source))
        if isinstance(node, ast.Call) and _name_of(node.func) == "suppress"
    )


def _is_broad(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    return any(_name_of(part) in _BROAD for part in _parts(caught))


def _parts(caught: ast.expr) -> Iterator[ast.expr]:
    if isinstance(caught, ast.Tuple):
        yield from caught.elts
    else:
        yield caught


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def prints(source: str) -> int:
    """Count calls of print."""
    return sum(
        isinstance(node.func, ast.Name) and node.func.id == "print"
        for node in ast.walk(_tree(source))
        if isinstance(node, ast.Call)
    )


def has_docstring(source: str) -> bool:
    """Return whether a module says what it is."""
    return bool(ast.get_docstring(_tree(source)))


def unfinished(source: str) -> list[str]:
    """Return marks of unfinished work."""
    words = ("TODO", "FIXME", "XXX", "HACK", "NotImplementedError", "NotImplemented")
    return [word for word in words if word in source]


def _name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
