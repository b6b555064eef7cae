"""Telnyx's wire, named once: commands, events, error codes, signatures and media messages.

Shared by the carrier that we dial through and by the stand-in for it. Owns names and shapes only. Source:
Telnyx's API reference (Call Control v2, "Stream call media over WebSocket") and its Python client 4.176.

Of the media messages, `sequence_number`, `chunk` and `timestamp` are strings; `sample_rate` and `channels`
are numbers.
"""

from __future__ import annotations

import base64
import binascii
import enum
from collections.abc import Mapping
from typing import Literal, NotRequired, TypedDict

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE_HEADER = "telnyx-signature-ed25519"
TIMESTAMP_HEADER = "telnyx-timestamp"
FRESH_S = 300
"""How old an event may be, or how far in the future, by its signed timestamp."""
STREAM_TOKEN_HEADER = "x-telnyx-streaming-auth-token"  # noqa: S105 - a header's name
"""The upgrade to a media socket bears in it what `streaming_start` gave as `stream_auth_token`."""

FRAME_BYTES = 160
"""Mu-law bytes of one media message: 20 ms."""


class Action(enum.StrEnum):
    """Commands, as the path of `/v2/calls/{call_control_id}/actions/` names them."""

    ANSWER = "answer"
    REJECT = "reject"
    HANGUP = "hangup"
    SPEAK = "speak"
    PLAYBACK_START = "playback_start"
    PLAYBACK_STOP = "playback_stop"
    SEND_DTMF = "send_dtmf"
    STREAMING_START = "streaming_start"
    STREAMING_STOP = "streaming_stop"
    TRANSFER = "transfer"


class EventType(enum.StrEnum):
    """Events of webhooks that mean something to us."""

    INITIATED = "call.initiated"
    ANSWERED = "call.answered"
    BRIDGED = "call.bridged"
    HANGUP = "call.hangup"
    MACHINE_DETECTION_ENDED = "call.machine.detection.ended"
    MACHINE_GREETING_ENDED = "call.machine.greeting.ended"
    PLAYBACK_STARTED = "call.playback.started"
    PLAYBACK_ENDED = "call.playback.ended"
    SPEAK_STARTED = "call.speak.started"
    SPEAK_ENDED = "call.speak.ended"
    STREAMING_STARTED = "streaming.started"
    STREAMING_STOPPED = "streaming.stopped"
    STREAMING_FAILED = "streaming.failed"


class HangupCause(enum.StrEnum):
    """Why a leg ended."""

    REJECTED = "call_rejected"
    NORMAL = "normal_clearing"
    CANCELLED = "originator_cancel"
    TIMEOUT = "timeout"
    TIME_LIMIT = "time_limit"
    BUSY = "user_busy"
    NOT_FOUND = "not_found"
    NO_ANSWER = "no_answer"
    UNSPECIFIED = "unspecified"


class ErrorCode:
    """Telnyx's error codes that we send, meet or decide by."""

    NOT_FOUND = "10005"
    AUTHENTICATION = "10009"
    TOO_MANY_REQUESTS = "10011"
    MISSING_PARAMETER = "10004"
    INVALID_NUMBER = "10016"
    BAD_REQUEST = "10015"
    INVALID_CALL = "90015"
    CALL_OVER = "90018"
    NOT_ANSWERED = "90034"


def sign(key: Ed25519PrivateKey, timestamp: str, body: bytes) -> str:
    """Return the signature that Telnyx puts on an event with exactly these bytes."""
    return base64.b64encode(key.sign(timestamp.encode("ascii") + b"|" + body)).decode("ascii")


def read_public_key(text: str) -> Ed25519PublicKey:
    """Read the account's key as the portal shows it. Raises ValueError."""
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("the public key is not base64") from error
    if len(raw) != 32:
        raise ValueError("the public key has not 32 bytes")
    return Ed25519PublicKey.from_public_bytes(raw)


def is_signed(key: Ed25519PublicKey, timestamp: str, body: bytes, signature: str) -> bool:
    """True if the signature fits this time and these bytes."""
    try:
        raw = base64.b64decode(signature, validate=True)
        key.verify(raw, timestamp.encode("ascii") + b"|" + body)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_fresh_and_signed(
    key: Ed25519PublicKey, body: bytes, headers: Mapping[str, str], *, now: float
) -> bool:
    """True if these bytes are signed, and not older or newer than five minutes at `now`, a POSIX time.

    `headers` are found by their names in small letters.
    """
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 15:
        return False
    if abs(now - int(timestamp)) > FRESH_S:
        return False
    return is_signed(key, timestamp, body, headers.get(SIGNATURE_HEADER, ""))


# --- Media stream: what Telnyx sends -----------------------------------------------------


class MediaFormat(TypedDict):
    encoding: str
    sample_rate: int
    channels: int


class ConnectedMessage(TypedDict):
    event: Literal["connected"]
    version: str


StartBody = TypedDict(
    "StartBody",
    {
        "user_id": str,
        "call_control_id": str,
        "call_session_id": str,
        "from": str,
        "to": str,
        "client_state": NotRequired[str],
        "custom_parameters": dict[str, str],
        "media_format": MediaFormat,
    },
)


class StartMessage(TypedDict):
    event: Literal["start"]
    sequence_number: str
    stream_id: str
    start: StartBody


class DtmfBody(TypedDict):
    digit: str


class DtmfMessage(TypedDict):
    event: Literal["dtmf"]
    stream_id: str
    occurred_at: str
    sequence_number: str
    dtmf: DtmfBody


class MarkBody(TypedDict):
    name: str


class MarkMessage(TypedDict):
    event: Literal["mark"]
    sequence_number: str
    stream_id: str
    mark: MarkBody


class StopBody(TypedDict):
    user_id: str
    call_control_id: str


class StopMessage(TypedDict):
    event: Literal["stop"]
    sequence_number: str
    stream_id: str
    stop: StopBody
