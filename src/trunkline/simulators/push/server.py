"""Speaks what of RFC 8030 a sender uses, and is the browsers too: it decrypts what it was given and keeps it.

`POST /browsers` makes a subscription as a browser's push manager would: `{endpoint, p256dh, auth}`, from the
application server's key in the body. `GET /browsers/{id}` tells what came to it: each request, and what the
browser would show, in which a message replaces a waiting one of its topic. `PATCH` has it be away
(`{"gone": true}`), or refuse the next requests (`{"faults": [503, 429]}`). Who sends must prove by their
token (RFC 8292) to be whom the subscription was made for. The decryption is its own, by RFC 8291 read from
the receiver's side. It listens on this machine alone.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trunkline.simulators.loop_server import serving_app

_MOST_BYTES = 4_096
_HEADER_BYTES = 16 + 4 + 1 + 65


@dataclass(slots=True)
class Browser:
    """One subscription, from the browser's side."""

    key: ec.EllipticCurvePrivateKey
    auth: bytes
    application: str
    """The public key of the application server that it was made for."""
    gone: bool = False
    faults: list[int] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Every message that was taken, as it came."""
    shown: dict[str, Any] = field(default_factory=dict)
    """What waits for the browser, by topic."""

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


class PushService:
    """Takes messages for the browsers that it has made."""

    def __init__(self) -> None:
        self.browsers: dict[str, Browser] = {}
        self._numbers = count(1)

    def app(self) -> Starlette:
        """Return it as an application."""
        return Starlette(
            routes=[
                Route("/browsers", self._subscribe, methods=["POST"]),
                Route("/browsers/{name}", self._tell, methods=["GET"]),
                Route("/browsers/{name}", self._change, methods=["PATCH"]),
                Route("/push/{name}", self._take, methods=["POST"]),
            ]
        )

    async def _subscribe(self, request: Request) -> Response:
        said = await request.json()
        name = f"{next(self._numbers)}-{os.urandom(8).hex()}"
        browser = Browser(ec.generate_private_key(ec.SECP256R1()), os.urandom(16), said["application"])
        self.browsers[name] = browser
        return JSONResponse(
            {
                "name": name, "endpoint": f"{request.base_url}push/{name}", "p256dh": _text(browser.point),
                "auth": _text(browser.auth),
            },
            201,
        )  # fmt: skip

    async def _tell(self, request: Request) -> Response:
        browser = self.browsers[request.path_params["name"]]
        return JSONResponse({"requests": browser.requests, "shown": list(browser.shown.values())})

    async def _change(self, request: Request) -> Response:
        browser = self.browsers[request.path_params["name"]]
        said = await request.json()
        browser.gone = said.get("gone", browser.gone)
        browser.faults = said.get("faults", browser.faults)
        return Response(status_code=204)

    async def _take(self, request: Request) -> Response:
        browser = self.browsers.get(request.path_params["name"])
        body = await request.body()
        if browser is None:
            return Response("no such subscription", 404)
        if browser.gone:
            return Response("unsubscribed", 410)
        if browser.faults:
            return Response("not now", browser.faults.pop(0), {"Retry-After": "1"})
        if fault := _fault(request, browser, len(body)):
            return Response(fault[1], fault[0])
        try:
            payload = json.loads(_decrypted(body, browser))
        except (ValueError, InvalidTag):
            return Response("not readable", 400)
        message = {
            "payload": payload, "ttl": int(request.headers["ttl"]), "urgency": request.headers["urgency"],
            "topic": request.headers["topic"], "contact": _claims(request)["sub"],
        }  # fmt: skip
        browser.requests.append(message)
        browser.shown[message["topic"]] = message
        return Response(status_code=201, headers={"Location": str(request.url)})


def _fault(request: Request, browser: Browser, size: int) -> tuple[int, str] | None:
    """Return what is wrong with a request as a status and words; None: nothing."""
    malformed = [
        (size > _MOST_BYTES, 413, "too large"),
        (request.headers.get("content-encoding") != "aes128gcm", 400, "no aes128gcm"),
        (not request.headers.get("ttl", "").isdigit(), 400, "no TTL"),
        (len(request.headers.get("topic", "")) > 32, 400, "a topic has 32 characters at most"),
    ]
    for is_so, status, words in malformed:
        if is_so:
            return status, words
    try:
        claims = _claims(request)
    except (jwt.InvalidTokenError, ValueError) as error:
        return 403, f"no valid token: {error}"
    if _key(request) != browser.application:
        return 403, "not whom the subscription was made for"
    if claims["exp"] > time.time() + 24 * 3_600:
        return 403, "the token holds for more than a day"
    return None


def _claims(request: Request) -> dict[str, Any]:
    """Return what the token says, once its signature is true. Raises InvalidTokenError, ValueError."""
    token = request.headers["authorization"].partition("t=")[2].partition(",")[0]
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(_key(request)))
    origin = f"{request.url.scheme}://{request.url.netloc}"
    claims: dict[str, Any] = jwt.decode(
        token, point, algorithms=["ES256"], audience=origin, options={"require": ["exp", "aud", "sub"]}
    )
    return claims


def _key(request: Request) -> str:
    return request.headers.get("authorization", "").partition("k=")[2]


def _decrypted(body: bytes, browser: Browser) -> bytes:
    """Return what a body of one record says. Raises ValueError, InvalidTag."""
    salt, sender, sealed = body[:16], body[21:_HEADER_BYTES], body[_HEADER_BYTES:]
    if body[20] != 65:
        raise ValueError("no key of 65 bytes")
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
    secret = _hmac(browser.auth, browser.key.exchange(ec.ECDH(), theirs))
    material = _hmac(secret, b"WebPush: info\x00" + browser.point + sender + b"\x01")
    pseudo_random = _hmac(salt, material)
    content_key = _hmac(pseudo_random, b"Content-Encoding: aes128gcm\x00\x01")[:16]
    nonce = _hmac(pseudo_random, b"Content-Encoding: nonce\x00\x01")[:12]
    padded = AESGCM(content_key).decrypt(nonce, sealed, None)
    message, mark, _ = padded.rpartition(b"\x02")
    if not mark:
        raise ValueError("not the last record")
    return message


def _hmac(key: bytes, value: bytes) -> bytes:
    made = hmac.HMAC(key, SHA256())
    made.update(value)
    return made.finalize()


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@asynccontextmanager
async def serving(*, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve while the block runs; yields `host:port`."""
    async with serving_app(PushService().app(), host=host, port=port) as at:
        yield at
