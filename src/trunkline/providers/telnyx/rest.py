"""Requests to Telnyx's REST API: JSON out, JSON in. What an outcome proves is `carrier_http`'s.

Connections are kept: every request that does something bears a `command_id`, so one whose reply was lost
is sent again without harm, and a live call does not wait for a handshake.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from trunkline.kit.hosts import is_loopback
from trunkline.kit.tls import trusted
from trunkline.providers.carrier_http import CarrierHttp
from trunkline.providers.ports import CarrierUncertain


class TelnyxRest:
    """Client of one API key. Safe to share between request threads."""

    def __init__(self, *, api_key: str, base_url: str, timeout_s: float) -> None:
        self._origin = f"{base_url.rstrip('/')}/v2"
        self._client = httpx.Client(
            timeout=timeout_s,
            verify=trusted(),
            headers={"Accept": "application/json", "Authorization": f"Bearer {api_key}"},
            # A proxy of the environment is for the internet; it cannot reach a carrier on this machine.
            trust_env=not is_loopback(urlsplit(base_url).hostname or ""),
        )
        self._http = CarrierHttp("Telnyx", self._client, _read_refusal)

    def close(self) -> None:
        self._http.close()

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send one POST and return `data` of its reply. Raises CarrierRefused or CarrierUncertain."""
        return _data(self._http.send(self._client.build_request("POST", self._origin + path, json=body)))

    def get(self, path: str) -> dict[str, Any]:
        """Send one GET and return `data` of its reply. Raises CarrierRefused or CarrierUncertain."""
        return _data(self._http.send(self._client.build_request("GET", self._origin + path)))


def _data(body: Mapping[str, Any]) -> dict[str, Any]:
    data = body.get("data")
    if not isinstance(data, dict):
        raise CarrierUncertain("Telnyx's reply has no data in it")
    return data


def _read_refusal(body: Mapping[str, Any]) -> tuple[str, str]:
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return "", ""
    said = [str(first[name]) for name in ("title", "detail") if first.get(name)]
    return str(first.get("code") or ""), ": ".join(said)
