"""Requests to Twilio's REST API: forms out, JSON objects in. What an outcome proves is `carrier_http`'s.

Each request has a connection of its own. A kept-alive connection that the other side has just
closed fails exactly like a lost reply, and would fence the number of somebody never called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from trunkline.kit.hosts import is_loopback
from trunkline.kit.tls import trusted
from trunkline.providers.carrier_http import CarrierHttp


class TwilioRest:
    """Basic-auth client of one account. Safe to share between request threads."""

    def __init__(self, *, account_sid: str, auth_token: str, base_url: str, timeout_s: float) -> None:
        self._origin = base_url.rstrip("/")
        self._client = httpx.Client(
            auth=(account_sid, auth_token),
            timeout=timeout_s,
            verify=trusted(),
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"Accept": "application/json"},
            # A proxy of the environment is for the internet; it cannot reach a carrier on this machine.
            trust_env=not is_loopback(urlsplit(base_url).hostname or ""),
        )
        self._http = CarrierHttp("Twilio", self._client, _read_refusal)

    def close(self) -> None:
        self._http.close()

    def post(self, path: str, form: dict[str, str | list[str]]) -> dict[str, Any]:
        """Send one POST and return the JSON object. Raises CarrierRefused or CarrierUncertain."""
        return self._http.send(self._client.build_request("POST", self._origin + path, data=form))

    def get(self, path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        """Send one GET and return the JSON object. Raises CarrierRefused or CarrierUncertain."""
        return self._http.send(self._client.build_request("GET", self._origin + path, params=query))


def _read_refusal(body: Mapping[str, Any]) -> tuple[str, str]:
    return str(body.get("code") or ""), str(body.get("message") or "")
