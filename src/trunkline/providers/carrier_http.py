"""One request to a carrier's REST API and what its outcome proves.

Owns the line between "definitely not placed" and "nobody knows", on which the law that no person
is dialled twice rests:

- No connection, hence no byte of the request sent (refused, unresolvable, TLS or connect timeout,
  a proxy that would not open the tunnel): **refused**. No carrier can place what it never received.
- A 4xx other than 408: **refused**, with the carrier's own code where the body has one.
- Everything after the first byte may have been sent (write or read trouble, a timeout, a closed
  connection), 408, 5xx, redirects and replies that cannot be read: **uncertain**.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from trunkline.providers.ports import CarrierRefused, CarrierUncertain

_DEFAULT_RETRY_AFTER_S = 1.0
"""The usual pace of carriers is one call a second."""
_UNREACHABLE_RETRY_S = 15.0
_ACCOUNT_RETRY_S = 60.0
"""After a wrong token or a suspended account, which a person has to put right."""

_ABOUT_THE_ACCOUNT = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})

ReadRefusal = Callable[[Mapping[str, Any]], tuple[str, str]]
"""Returns the code and the message of a refusal's body; empty where it has none."""


class CarrierHttp:
    """Sends requests to one carrier and tells what came of them. Safe to share between threads."""

    def __init__(self, name: str, client: httpx.Client, read_refusal: ReadRefusal) -> None:
        self._name = name
        self._client = client
        self._read_refusal = read_refusal

    def close(self) -> None:
        self._client.close()

    def send(self, request: httpx.Request) -> dict[str, Any]:
        """Return the reply's JSON object. Raises CarrierRefused or CarrierUncertain."""
        name = self._name
        try:
            reply = self._client.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.PoolTimeout) as error:
            raise CarrierRefused(
                f"{name} cannot be reached: {error}", code="unreachable", retry_after_s=_UNREACHABLE_RETRY_S
            ) from error
        except httpx.RequestError as error:
            raise CarrierUncertain(f"no reply from {name}: {type(error).__name__}: {error}") from error
        body = _json_object(reply)
        if reply.is_success:
            if body is None:
                raise CarrierUncertain(f"{name} answered {reply.status_code} with an unreadable body")
            return body
        if reply.is_client_error and reply.status_code != httpx.codes.REQUEST_TIMEOUT:
            raise self._refusal(reply, body or {})
        raise CarrierUncertain(f"{name} answered {reply.status_code}")

    def _refusal(self, reply: httpx.Response, body: dict[str, Any]) -> CarrierRefused:
        code, message = self._read_refusal(body)
        retry_after_s = None
        if reply.status_code == httpx.codes.TOO_MANY_REQUESTS:
            retry_after_s = _retry_after(reply.headers.get("Retry-After", ""))
        elif reply.status_code in _ABOUT_THE_ACCOUNT:
            retry_after_s = _ACCOUNT_RETRY_S
        return CarrierRefused(
            message or f"{self._name} answered {reply.status_code}",
            code=code or f"http_{reply.status_code}",
            retry_after_s=retry_after_s,
        )


def _json_object(reply: httpx.Response) -> dict[str, Any] | None:
    try:
        body = reply.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _retry_after(header: str) -> float:
    # The header may also be an HTTP date, which carriers do not use: the default pace then.
    try:
        seconds = float(header)
    except ValueError:
        return _DEFAULT_RETRY_AFTER_S
    return max(seconds, 0.0)
