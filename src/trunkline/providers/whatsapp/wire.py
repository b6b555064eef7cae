"""The wire of the WhatsApp Cloud API, named once: limits, kinds of file, error codes, signatures.

Shared by the client and by the stand-in for Graph. Owns names and shapes only. Source: Meta's reference of
the Cloud API (messages, media, webhooks, error codes), Graph v23.0.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from trunkline.providers.ports.chat import MessageKind

SIGNATURE_HEADER = "X-Hub-Signature-256"
GRAPH_URL = "https://graph.facebook.com/v23.0"
OBJECT = "whatsapp_business_account"
"""What a webhook of ours is about."""

LONGEST_TEXT = 4_096
LONGEST_CAPTION = 1_024
LONGEST_BUTTONS_TEXT = 1_024
LONGEST_LIST_TEXT = 4_096
MOST_BUTTONS, LONGEST_BUTTON, LONGEST_BUTTON_KEY = 3, 20, 256
MOST_ROWS, LONGEST_ROW, LONGEST_ROW_KEY, LONGEST_DESCRIPTION = 10, 24, 200, 72
LONGEST_REFERENCE = 512

_MB = 1_048_576
STILL_STICKER_BYTES = 100 * 1_024
MOST_BYTES: Mapping[MessageKind, int] = {
    MessageKind.IMAGE: 5 * _MB,
    MessageKind.AUDIO: 16 * _MB,
    MessageKind.VIDEO: 16 * _MB,
    MessageKind.DOCUMENT: 100 * _MB,
    # Of an animated one; a still one has STILL_STICKER_BYTES.
    MessageKind.STICKER: 500 * 1_024,
}
_OFFICE = "application/vnd.openxmlformats-officedocument"
CONTENT_TYPES: Mapping[MessageKind, frozenset[str]] = {
    MessageKind.IMAGE: frozenset({"image/jpeg", "image/png"}),
    MessageKind.AUDIO: frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}),
    MessageKind.VIDEO: frozenset({"video/mp4", "video/3gpp"}),
    MessageKind.DOCUMENT: frozenset(
        {
            "application/pdf",
            "text/plain",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            f"{_OFFICE}.wordprocessingml.document",
            f"{_OFFICE}.spreadsheetml.sheet",
            f"{_OFFICE}.presentationml.presentation",
        }
    ),
    MessageKind.STICKER: frozenset({"image/webp"}),
}


class ErrorCode:
    """Graph's error codes that we send, meet by name or decide by; the others are in `errors`."""

    UNKNOWN = 1
    SERVICE = 2
    TOO_MANY_CALLS = 4
    INVALID_PARAMETER = 100
    TOKEN = 190
    THROUGHPUT = 130429
    SOMETHING_WRONG = 131000
    """Graph itself does not know what went wrong, nor whether it was before or after sending."""
    MISSING_PARAMETER = 131008
    PARAMETER_VALUE = 131009
    UNDELIVERABLE = 131026
    WINDOW = 131047
    STOPPED_MARKETING = 131050
    UNSUPPORTED_TYPE = 131051
    MEDIA_UPLOAD = 131053
    PAIR_RATE = 131056
    TEMPLATE_PARAMETERS = 132000
    NO_TEMPLATE = 132001


def sign(secret: str, body: bytes) -> str:
    """Return the signature header's value for exactly these bytes."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def is_signed(secret: str, body: bytes, signature: str) -> bool:
    """True if an app with this secret signed these bytes; nobody has an empty secret. Takes the same time."""
    return bool(secret) and hmac.compare_digest(sign(secret, body).encode(), signature.encode())


def proof(secret: str, token: str) -> str:
    """Return `appsecret_proof`: that whoever uses this token knows the app's secret as well."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def is_still(sticker: bytes) -> bool:
    """Return whether a WebP file, by its first bytes, is one picture and no film of them."""
    return not (sticker[12:16] == b"VP8X" and len(sticker) > 20 and sticker[20] & 0x02)
