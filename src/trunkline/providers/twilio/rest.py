"""One request to Twilio's REST API and what its outcome proves.

Owns the line between "definitely not placed" and "nobody knows", on which the law that no person
is dialled twice rests:

- No connection, hence no byte of the request sent (refused, unresolvable, TLS or connect timeout,
  a proxy that would not open the tunnel): **refused**. Twilio cannot place what it never received.
- A 4xx other than 408: **refused**, with Twilio's own code where the body has one.
- Everything after the first byte may have been sent (write or read trouble, a timeout, a closed
  connection), 408, 5xx, redirects and replies that cannot be read: **uncertain**.

Each request has a connection of its own. A kept-alive connection that the other side has just
closed fails exactly like a lost reply, and would fence the number of somebody never called.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

from trunkline.kit.hosts import is_loopback
from trunkline.providers.ports import CarrierRefused, CarrierUncertain

_DEFAULT_RETRY_AFTER_S = 1.0
"""Twilio's default pace is one call a second."""
_UNREACHABLE_RETRY_S = 15.0
_ACCOUNT_RETRY_S = 60.0
"""After a wrong token or a suspended account, which a person has to put right."""

_ABOUT_THE_ACCOUNT = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})


class TwilioRest:
    """Basic-auth client of one account. Safe to share between request threads."""

    def __init__(self, *, account_sid: str, auth_token: str, base_url: str, timeout_s: float) -> None:
        self._origin = base_url.rstrip("/")
        self._client = httpx.Client(
            auth=(account_sid, auth_token),
            timeout=timeout_s,
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"Accept": "application/json"},
            # A proxy of the environment is for the internet; it cannot reach a carrier on this machine.
            trust_env=not is_loopback(urlsplit(base_url).hostname or ""),
        )

    def close(self) -> None:
        self._client.close()

    def post(self, path: str, form: dict[str, str | list[str]]) -> dict[str, Any]:
        """Send one POST and return the JSON object. Raises CarrierRefused or CarrierUncertain."""
        return self._send(self._client.build_request("POST", self._origin + path, data=form))

    def get(self, path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        """Send one GET and return the JSON object. Raises CarrierRefused or CarrierUncertain."""
        return self._send(self._client.build_request("GET", self._origin + path, params=query))

    def _send(self, request: httpx.Request) -> dict[str, Any]:
        try:
            reply = self._client.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.PoolTimeout) as error:
            raise CarrierRefused(
                f"Twilio cannot be reached: {error}", code="unreachable", retry_after_s=_UNREACHABLE_RETRY_S
            ) from error
        except httpx.RequestError as error:
            raise CarrierUncertain(f"no reply from Twilio: {type(error).__name__}: {error}") from error
        body = _json_object(reply)
        if reply.is_success:
            if body is None:
                raise CarrierUncertain(f"Twilio answered {reply.status_code} with an unreadable body")
            return body
        if reply.is_client_error and reply.status_code != httpx.codes.REQUEST_TIMEOUT:
            raise _refusal(reply, body or {})
        raise CarrierUncertain(f"Twilio answered {reply.status_code}")


def _json_object(reply: httpx.Response) -> dict[str, Any] | None:
    try:
        body = reply.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _refusal(reply: httpx.Response, body: dict[str, Any]) -> CarrierRefused:
    code = str(body.get("code") or f"http_{reply.status_code}")
    message = str(body.get("message") or f"Twilio answered {reply.status_code}")
    retry_after_s = None
    if reply.status_code == httpx.codes.TOO_MANY_REQUESTS:
        retry_after_s = _retry_after(reply.headers.get("Retry-After", ""))
    elif reply.status_code in _ABOUT_THE_ACCOUNT:
        retry_after_s = _ACCOUNT_RETRY_S
    return CarrierRefused(message, code=code, retry_after_s=retry_after_s)


def _retry_after(header: str) -> float:
    # The header may also be an HTTP date, which Twilio does not use: the default pace then.
    try:
        seconds = float(header)
    except ValueError:
        return _DEFAULT_RETRY_AFTER_S
    return max(seconds, 0.0)
