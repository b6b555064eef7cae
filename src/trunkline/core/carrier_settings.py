"""Settings of the carriers: which there are, how they are reached, and at what pace they are asked."""

from __future__ import annotations

import base64
import binascii
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from trunkline.kit.hosts import is_loopback


class CarrierSettings(BaseSettings):
    """Read as part of `Settings`."""

    carrier: Literal["twilio", "telnyx"] | None = Field(
        None, description="Serves the businesses that name none; unset, the one there is, Twilio first"
    )
    twilio_account_sid: str | None = None
    twilio_auth_token: SecretStr | None = None
    twilio_base_url: str = "https://api.twilio.com"
    telnyx_api_key: SecretStr | None = None
    telnyx_connection_id: str | None = Field(None, description="The Call Control application")
    telnyx_public_key: str | None = Field(None, description="Checks the signatures of Telnyx's events")
    telnyx_base_url: str = "https://api.telnyx.com"
    carrier_calls_per_second: float = Field(1.0, gt=0, description="Pace of dials per carrier account")
    carrier_lines: int = Field(1_000, ge=1, description="Dials of one carrier account at a time")
    carrier_timeout_seconds: float = Field(10.0, gt=0)

    @field_validator("telnyx_public_key")
    @classmethod
    def _is_a_key(cls, value: str | None) -> str | None:
        try:
            fits = value is None or len(base64.b64decode(value, validate=True)) == 32
        except binascii.Error:
            fits = False
        if not fits:
            raise ValueError("must be 32 bytes in base64, as the portal shows it under Keys & Credentials")
        return value

    @property
    def carriers(self) -> dict[str, str]:
        """Return the carriers that are set up whole, the first one first, with their addresses."""
        whole = {
            "twilio": (self.twilio_account_sid, self.twilio_auth_token),
            "telnyx": (self.telnyx_api_key, self.telnyx_connection_id, self.telnyx_public_key),
        }
        urls = {"twilio": self.twilio_base_url, "telnyx": self.telnyx_base_url}
        there = [name for name, needed in whole.items() if all(value is not None for value in needed)]
        return {name: urls[name] for name in sorted(there, key=lambda name: name != self.carrier)}

    @property
    def carrier_faults(self) -> tuple[str, ...]:
        """Return in words what keeps the carriers from being what was meant."""
        faults = []
        telnyx = {
            "TELNYX_API_KEY": self.telnyx_api_key,
            "TELNYX_CONNECTION_ID": self.telnyx_connection_id,
            "TELNYX_PUBLIC_KEY": self.telnyx_public_key,
        }
        missing = [name for name, value in telnyx.items() if value is None]
        if 0 < len(missing) < len(telnyx):
            faults.append(f"Telnyx needs {' and '.join(missing)} as well")
        if self.carrier is not None and self.carrier not in self.carriers:
            faults.append(f"CARRIER={self.carrier} is not set up")
        return tuple(faults)


def can_reach(carrier_url: str, public_url: str) -> bool:
    """Return whether a carrier could use our address: only one on this machine streams without TLS."""
    ours, theirs = urlsplit(public_url), urlsplit(carrier_url)
    if is_loopback(theirs.hostname):
        return ours.scheme == "https" or is_loopback(ours.hostname)
    return ours.scheme == "https" and not is_loopback(ours.hostname)
