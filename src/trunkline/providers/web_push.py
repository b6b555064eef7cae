"""Web Push: messages to browsers by the push services of their makers (RFC 8030), which cannot read them.

Encrypts for the browser (RFC 8291), and says who sends by a token that is signed with the installation's key
(VAPID, RFC 8292). Knows neither whose browsers they are nor where the key is kept.
"""

from __future__ import annotations

import base64
import os
import struct
import time
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from trunkline.kit.safe_http import AddressRefused, Answer, SafeHttp, Unreachable
from trunkline.providers.ports.push import PushFailed, PushGone, PushMessage, PushRefused

MOST_BYTES = 3_000
"""Of a payload: services take 4096 bytes of what it is encrypted to, some less."""

_RECORD_BYTES = 4_096
_TOKEN_HOLDS_S = 12 * 3_600
_TAKEN = range(200, 300)
_GONE = {404, 410}
_SLOWER = 429
_REFUSED = range(400, 500)
_LONGEST_WAIT_S = 3_600.0


def encrypt(
    message: bytes, *, p256dh: bytes, auth: bytes, key: ec.EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """Return a message as only the browser with these keys reads it, in one record of `aes128gcm`.

    `key` and `salt` (16 bytes) are made for this message alone. Raises ValueError where `p256dh` is no point.
    """
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    ours = _point(key)
    shared = key.exchange(ec.ECDH(), theirs)
    secret = _derived(shared, salt=auth, info=b"WebPush: info\0" + p256dh + ours, length=32)
    content_key = _derived(secret, salt=salt, info=b"Content-Encoding: aes128gcm\0", length=16)
    nonce = _derived(secret, salt=salt, info=b"Content-Encoding: nonce\0", length=12)
    sealed = AESGCM(content_key).encrypt(nonce, message + b"\x02", None)
    return salt + struct.pack("!IB", _RECORD_BYTES, len(ours)) + ours + sealed


class WebPush:
    """Sends in the name of one installation, whom services may write to at `contact`."""

    def __init__(self, contact: str, http: SafeHttp) -> None:
        self._contact = contact
        self._http = http

    def new_key(self) -> str:
        """Return a fresh key of an installation, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def public_key(self, private_key: str) -> str:
        """Return what a browser is given of it, to subscribe with: base64url."""
        return _text(_point(_loaded(private_key)))

    def check(self, endpoint: str) -> None:
        """Refuse what can be no push service's address. Raises PushRefused."""
        try:
            self._http.check(endpoint)
        except AddressRefused as error:
            raise PushRefused(str(error)) from error

    def send(self, message: PushMessage, *, private_key: str) -> None:
        """Hand a message to its service. Raises PushGone, PushRefused and PushFailed."""
        if len(message.payload) > MOST_BYTES:
            raise PushRefused(f"a message has {MOST_BYTES} bytes at most")
        try:
            body = encrypt(
                message.payload, p256dh=message.p256dh, auth=message.auth,
                key=ec.generate_private_key(ec.SECP256R1()), salt=os.urandom(16),
            )  # fmt: skip
        except ValueError as error:
            raise PushRefused("the browser's key is none") from error
        headers = {
            "Authorization": self._authorization(message.endpoint, _loaded(private_key)),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(message.ttl_s),
            "Urgency": message.urgency.value,
            "Topic": message.topic,
        }
        try:
            answer = self._http.post(message.endpoint, headers=headers, content=body)
        except AddressRefused as error:
            raise PushRefused(str(error)) from error
        except Unreachable as error:
            raise PushFailed(str(error)) from error
        _judge(answer)

    def _authorization(self, endpoint: str, key: ec.EllipticCurvePrivateKey) -> str:
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}", "exp": int(time.time()) + _TOKEN_HOLDS_S,
            "sub": self._contact,
        }  # fmt: skip
        return f"vapid t={jwt.encode(claims, key, algorithm='ES256')}, k={_text(_point(key))}"


def _judge(answer: Answer) -> None:
    if answer.status in _TAKEN:
        return
    said = f"{answer.status} {' '.join(answer.body.decode(errors='replace').split())}"[:300].strip()
    if answer.status in _GONE:
        raise PushGone(said)
    if answer.status in _REFUSED and answer.status != _SLOWER:
        raise PushRefused(said)
    wait = answer.headers.get("retry-after", "")
    raise PushFailed(said, retry_after_s=min(float(wait), _LONGEST_WAIT_S) if wait.isdigit() else None)


def _derived(material: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(material)


def _loaded(private_key: str) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(private_key.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
