"""Signed tokens and opaque secrets.

A signed token carries a few strings and an expiry that only we can have written; it is how a
carrier's callback and a media socket say on whose behalf they speak. It hides nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time


class InvalidToken(ValueError):
    """The token is malformed, was signed with another key, is for another purpose, or has expired."""


def sign(payload: dict[str, str], *, key: bytes, purpose: str, lifetime_s: float) -> str:
    """Return `payload` as a URL-safe token that `verify` accepts for `lifetime_s` seconds."""
    body = json.dumps({**payload, "exp": int(time.time() + lifetime_s)}, separators=(",", ":")).encode()
    return f"{_encode(body)}.{_encode(_mac(body, key, purpose))}"


def verify(token: str, *, key: bytes, purpose: str) -> dict[str, str]:
    """Return the payload of a token signed for this purpose. Raises InvalidToken."""
    try:
        body, mac = (_decode(part) for part in token.split(".", 1))
    except ValueError as error:
        raise InvalidToken("malformed token") from error
    if not hmac.compare_digest(mac, _mac(body, key, purpose)):
        raise InvalidToken("signature does not match")
    payload = json.loads(body)
    if payload.pop("exp") < time.time():
        raise InvalidToken("token has expired")
    return {name: str(value) for name, value in payload.items()}


def new_secret() -> str:
    """Return 256 random bits as URL-safe text, for a session cookie or a one-time link."""
    return secrets.token_urlsafe(32)


def derived_secret(*parts: str, key: bytes, purpose: str) -> str:
    """Return the 256-bit secret of a one-time link, made from what it is about: nowhere need it be kept."""
    return _encode(_mac("\0".join(parts).encode(), key, purpose))


def fingerprint(secret: str) -> str:
    """Return the hash under which a secret is stored, so that a leaked table opens nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _mac(body: bytes, key: bytes, purpose: str) -> bytes:
    return hmac.new(key, purpose.encode() + b"\0" + body, hashlib.sha256).digest()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
