"""How a provider is asked and how it writes: what each stand-in brings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from pydantic import TypeAdapter, ValidationError

from trunkline.simulators.model_server.plan import Asked, Plan, Tool


class Refused(Exception):
    """The request does not pass, with the status that the provider gives."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Wire(Protocol):
    """One provider's form of a streamed answer."""

    path: str
    """Route of the request, with the framework's placeholders."""

    def read(self, plan: Plan, place: Mapping[str, str], headers: Mapping[str, str], body: Any) -> Asked:
        """Check a request as the provider does. `place` holds the path's parts. Raises Refused."""

    def opening(self, asked: Asked) -> Iterable[bytes]:
        """What comes before the text."""

    def piece(self, asked: Asked, text: str) -> Iterable[bytes]:
        """A piece of the text."""

    def closing(self, asked: Asked, tools: tuple[Tool, ...]) -> Iterable[bytes]:
        """The tools, and the word that the answer is whole."""

    def error(self, status: int, message: str) -> Mapping[str, Any]:
        """The body of a refusal."""

    def late_error(self) -> Iterable[bytes]:
        """An error in the midst of an answer."""


@runtime_checkable
class ListsModels(Protocol):
    """A wire that also says which models there are."""

    models_path: str
    """Route of the listing."""

    def models(self, plan: Plan, headers: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the listing. Raises Refused."""


@runtime_checkable
class Embeds(Protocol):
    """A wire that also turns texts into vectors."""

    embeddings_path: str
    """Route of the request."""

    def embeddings(self, plan: Plan, headers: Mapping[str, str], body: Any) -> Mapping[str, Any]:
        """Return the vectors of the texts asked for. Raises Refused."""


def checked(adapter: TypeAdapter[Any], body: Any, *, known: Iterable[str]) -> Any:
    """Return a body that has a type of the provider's SDK, to its leaves. Raises Refused."""
    if not isinstance(body, dict):
        raise Refused(400, "the body is no object")
    if strange := sorted(set(body) - set(known)):
        raise Refused(400, f"Unrecognized request argument supplied: {strange[0]}")
    try:
        return _drained(adapter.validate_python(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Refused(400, f"{place}: {first['msg']}") from error


def _drained(value: Any) -> Any:
    """Walk through what pydantic checks only as it is walked through."""
    if isinstance(value, dict):
        return {key: _drained(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | Iterator):
        return [_drained(inner) for inner in value]
    return value
