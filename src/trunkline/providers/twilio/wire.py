"""Twilio's wire, named once: form fields, error codes and the messages of a media stream.

Shared by the carrier we dial through and by the local carrier that stands in for Twilio. Owns
names and shapes only: who sends what, and when, is the business of the two sides.

Of the media messages, `sequenceNumber`, `chunk` and `timestamp` are strings and `sampleRate` and
`channels` are numbers: that is how Twilio sends them.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Literal, TypedDict

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

API_VERSION = "2010-04-01"
SIGNATURE_HEADER = "X-Twilio-Signature"
CALL_SID = re.compile(r"CA[0-9a-f]{32}")
RECORDING_SID = re.compile(r"RE[0-9a-f]{32}")
STATUS_EVENTS = ("initiated", "ringing", "answered", "completed")
"""What can be subscribed to; `completed` stands for every way in which a call ends."""

DIRECTION_INBOUND = "inbound"
DIRECTION_OUTBOUND = "outbound-api"
DIRECTION_DIALLED = "outbound-dial"

FRAME_BYTES = 160
"""Mu-law bytes of one media message from Twilio: 20 ms."""
MULAW_SILENCE = 0xFF


class Field:
    """Names of form fields and query parameters."""

    ACCOUNT_SID = "AccountSid"
    ANSWERED_BY = "AnsweredBy"
    API_VERSION = "ApiVersion"
    ASYNC_AMD = "AsyncAmd"
    ASYNC_AMD_STATUS_CALLBACK = "AsyncAmdStatusCallback"
    ASYNC_AMD_STATUS_CALLBACK_METHOD = "AsyncAmdStatusCallbackMethod"
    CALL_DURATION = "CallDuration"
    CALL_SID = "CallSid"
    CALL_STATUS = "CallStatus"
    CALLBACK_SOURCE = "CallbackSource"
    CALLED = "Called"
    CALLER = "Caller"
    DIAL_BRIDGED = "DialBridged"
    DIAL_CALL_DURATION = "DialCallDuration"
    DIAL_CALL_SID = "DialCallSid"
    DIAL_CALL_STATUS = "DialCallStatus"
    DIGITS = "Digits"
    DIRECTION = "Direction"
    DURATION = "Duration"
    FROM = "From"
    MACHINE_DETECTION = "MachineDetection"
    MACHINE_DETECTION_DURATION = "MachineDetectionDuration"
    METHOD = "Method"
    PAGE = "Page"
    PAGE_SIZE = "PageSize"
    RECORDING_CHANNELS = "RecordingChannels"
    RECORDING_DURATION = "RecordingDuration"
    RECORDING_SID = "RecordingSid"
    RECORDING_STATUS = "RecordingStatus"
    RECORDING_STATUS_CALLBACK = "RecordingStatusCallback"
    RECORDING_URL = "RecordingUrl"
    SEQUENCE_NUMBER = "SequenceNumber"
    SIP_RESPONSE_CODE = "SipResponseCode"
    START_TIME_FROM = "StartTime>"
    STATUS = "Status"
    STATUS_CALLBACK = "StatusCallback"
    STATUS_CALLBACK_EVENT = "StatusCallbackEvent"
    STATUS_CALLBACK_METHOD = "StatusCallbackMethod"
    STREAM_ERROR = "StreamError"
    STREAM_EVENT = "StreamEvent"
    STREAM_SID = "StreamSid"
    TIMEOUT = "Timeout"
    TIMESTAMP = "Timestamp"
    TO = "To"
    TWIML = "Twiml"
    URL = "Url"


DETECT_MESSAGE_END = "DetectMessageEnd"
"""The kind of machine detection that waits for the end of a machine's greeting."""


class RecordingStatus(enum.StrEnum):
    """Where a recording stands."""

    IN_PROGRESS = "in-progress"
    STOPPED = "stopped"
    COMPLETED = "completed"
    ABSENT = "absent"


class Detected(enum.StrEnum):
    """What Twilio's machine detection may come to."""

    HUMAN = "human"
    MACHINE_START = "machine_start"
    MACHINE_END_BEEP = "machine_end_beep"
    MACHINE_END_SILENCE = "machine_end_silence"
    MACHINE_END_OTHER = "machine_end_other"
    FAX = "fax"
    UNKNOWN = "unknown"


class StreamEvent(enum.StrEnum):
    """What a stream's status callback tells of."""

    STARTED = "stream-started"
    STOPPED = "stream-stopped"
    ERROR = "stream-error"


class ErrorCode:
    """Twilio's error codes that we send, meet or decide by."""

    AUTHENTICATION = 20003
    INVALID_TO = 21211
    INVALID_FROM = 21212
    NO_TO = 21201
    NO_FROM = 21213
    NO_URL = 21205
    CALL_OVER = 21220
    NOT_RECORDING = 21221
    INVALID_STATUS = 21218
    INVALID_PARAMETER = 20001
    NOT_FOUND = 20404
    TOO_MANY_REQUESTS = 20429
    WEBHOOK_UNREACHABLE = 11200
    TWIML_NOT_XML = 12100
    TWIML_UNKNOWN_VERB = 12200
    DIAL_INVALID_NUMBER = 13223
    STREAM_BAD_URL = 31910
    STREAM_HANDSHAKE = 31920
    STREAM_BAD_MESSAGE = 31924


def sign(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """Return the signature Twilio puts on a request to exactly this URL with this form."""
    signature: str = RequestValidator(auth_token).compute_signature(url, dict(form))
    return signature


def is_signed(auth_token: str, url: str, form: Mapping[str, str], signature: str) -> bool:
    """True if the signature fits this URL and form, with or without the URL's port."""
    return bool(RequestValidator(auth_token).validate(url, dict(form), signature))


# --- Media stream: what Twilio sends -------------------------------------------------------


class MediaFormat(TypedDict):
    encoding: Literal["audio/x-mulaw"]
    sampleRate: int
    channels: int


class ConnectedMessage(TypedDict):
    event: Literal["connected"]
    protocol: str
    version: str


class StartBody(TypedDict):
    accountSid: str
    streamSid: str
    callSid: str
    tracks: list[str]
    mediaFormat: MediaFormat
    customParameters: dict[str, str]


class StartMessage(TypedDict):
    event: Literal["start"]
    sequenceNumber: str
    start: StartBody
    streamSid: str


class InboundMediaBody(TypedDict):
    track: str
    chunk: str
    timestamp: str
    payload: str


class InboundMediaMessage(TypedDict):
    event: Literal["media"]
    sequenceNumber: str
    media: InboundMediaBody
    streamSid: str


class DtmfBody(TypedDict):
    track: Literal["inbound_track"]
    digit: str


class DtmfMessage(TypedDict):
    event: Literal["dtmf"]
    streamSid: str
    sequenceNumber: str
    dtmf: DtmfBody


class MarkBody(TypedDict):
    name: str


class InboundMarkMessage(TypedDict):
    event: Literal["mark"]
    sequenceNumber: str
    streamSid: str
    mark: MarkBody


class StopBody(TypedDict):
    accountSid: str
    callSid: str


class StopMessage(TypedDict):
    event: Literal["stop"]
    sequenceNumber: str
    streamSid: str
    stop: StopBody


# --- Media stream: what Twilio accepts -----------------------------------------------------


class OutboundMediaBody(TypedDict):
    payload: str


class OutboundMediaMessage(TypedDict):
    event: Literal["media"]
    streamSid: str
    media: OutboundMediaBody


class OutboundMarkMessage(TypedDict):
    event: Literal["mark"]
    streamSid: str
    mark: MarkBody


class ClearMessage(TypedDict):
    event: Literal["clear"]
    streamSid: str
