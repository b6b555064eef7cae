"""What the clients of language models have in common: connections, arguments of tools, failures in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2

from trunkline.kit.hosts import is_loopback
from trunkline.providers.ports import ModelFailed

if TYPE_CHECKING:
    import ssl

_LONGEST_REASON = 300
_KEPT_S = 60.0
"""How long a connection that nobody uses stays open: longer than between two turns of a call."""


def http_client(base_url: str, *, timeout_s: float, **options: Any) -> httpx2.AsyncClient:
    """Return connections to a provider, as many as there are calls. `timeout_s` bounds each wait."""
    # A proxy of the environment is for the internet; it cannot reach a model on this machine.
    trust_env = not is_loopback(urlsplit(base_url).hostname)
    limits = httpx2.Limits(max_connections=None, keepalive_expiry=_KEPT_S)
    return httpx2.AsyncClient(
        timeout=timeout_s, trust_env=trust_env, limits=limits, verify=_trusted(), **options
    )


@cache
def _trusted() -> ssl.SSLContext:
    """Read whom this machine trusts once a process: it takes the loop that speaks 35 ms."""
    return httpx2.create_ssl_context()


async def warm(http: httpx2.AsyncClient, base_url: str) -> None:
    """Have a connection open; whatever is answered will do. Raises ModelFailed."""
    try:
        await http.head(base_url)
    except httpx2.HTTPError as error:
        place = urlsplit(base_url)
        # Without what may stand before the host: a name and a password.
        where = f"{place.scheme}://{place.netloc.rpartition('@')[2]}{place.path}"
        raise ModelFailed(f"{where}: {in_words(error)}") from error


def arguments_of(name: str, text: str) -> Mapping[str, Any]:
    """Read the arguments that a model wrote for a tool; none are none. Raises ModelFailed."""
    try:
        arguments = json.loads(text or "{}")
    except ValueError as error:
        raise ModelFailed(f"the arguments of {name!r} cannot be read") from error
    if not name or not isinstance(arguments, dict):
        raise ModelFailed(f"a tool was asked for as {name!r} with {type(arguments).__name__}")
    return arguments


def in_words(error: Exception) -> str:
    """Return a failure in one line. Messages of the providers name the fault and never the key."""
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:_LONGEST_REASON]
