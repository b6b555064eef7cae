"""Every door of the application: its routes, walked; and a signature as the carrier makes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.routing import BaseRoute
from twilio.request_validator import RequestValidator

SAFE = {"GET", "HEAD"}


@dataclass(frozen=True, slots=True, order=True)
class Door:
    """One method of one path; a socket's method is SOCKET, a mounted folder's MOUNT."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_ours(self) -> bool:
        """Whether people of a business come in here, and so must have signed in."""
        return self.path.startswith("/api/")


def doors_of(app: FastAPI) -> list[Door]:
    """Walk the application's routes, through the routers that it includes."""
    doors = sorted(set(_walk(app.routes)))
    described = {
        Door(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods
    }
    assert described <= set(doors), "the walk missed a route that the application describes"
    return doors


def _walk(routes: Iterable[BaseRoute]) -> Iterator[Door]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _walk(included.routes)
            continue
        path: str = route.path  # type: ignore[attr-defined]
        methods = getattr(route, "methods", None)
        if methods is None:
            yield Door("MOUNT" if hasattr(route, "routes") else "SOCKET", path)
            continue
        for method in methods - ({"HEAD"} if "GET" in methods else set()):
            yield Door(method, path)


def carrier_signature(url: str, form: Mapping[str, str], *, secret: str = "test-token") -> dict[str, str]:
    """Return the header with which the carrier signs a request."""
    return {"X-Twilio-Signature": RequestValidator(secret).compute_signature(url, dict(form))}
