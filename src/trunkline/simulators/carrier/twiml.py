"""Reading TwiML: the verbs our product uses, and an error for everything else, as Twilio logs it."""

from __future__ import annotations

import re

# The document comes from the product under test on this machine; ElementTree resolves no outside entity.
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from trunkline.kit.hosts import is_loopback
from trunkline.providers.twilio.wire import ErrorCode

_E164 = re.compile(r"\+[1-9]\d{6,14}")


class TwimlError(Exception):
    """The document cannot be followed; `code` is Twilio's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class ConnectStream:
    """`<Connect><Stream>`: hand the call's audio to a socket until that closes."""

    url: str
    parameters: dict[str, str]
    status_url: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Play:
    """`<Play>`: a file, `loop` times over (0: for ever), or keys."""

    url: str
    digits: str
    loop: int


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str


@dataclass(frozen=True, slots=True)
class DialNumber:
    """`<Dial>` with one number in it."""

    number: str
    caller_id: str
    action: str
    timeout_s: float
    limit_s: float


@dataclass(frozen=True, slots=True)
class DialConference:
    """`<Dial><Conference>`."""

    name: str
    action: str
    begins: bool
    ends: bool
    wait_url: str


@dataclass(frozen=True, slots=True)
class Record:
    action: str
    status_url: str
    longest_s: float
    silence_s: float


@dataclass(frozen=True, slots=True)
class Gather:
    """`<Gather input="dtmf">` with what is said meanwhile."""

    said: tuple[Say, ...]
    action: str
    digits: int
    timeout_s: float
    even_if_empty: bool


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


@dataclass(frozen=True, slots=True)
class Reject:
    reason: str


@dataclass(frozen=True, slots=True)
class Invalid:
    """A verb that is skipped, with the error it leaves in the log."""

    code: int
    message: str


Verb = (
    ConnectStream
    | Say
    | Play
    | Pause
    | Redirect
    | DialNumber
    | DialConference
    | Record
    | Gather
    | Hangup
    | Reject
    | Invalid
)


def parse(document: str) -> list[Verb]:
    """Return the document's verbs in order. Raises TwimlError if it is no TwiML at all."""
    try:
        root = ET.fromstring(document)  # noqa: S314
    except ET.ParseError as error:
        raise TwimlError(ErrorCode.TWIML_NOT_XML, f"document parse failure: {error}") from error
    if root.tag != "Response":
        raise TwimlError(ErrorCode.TWIML_NOT_XML, f"the root is <{root.tag}>, not <Response>")
    return [verb for element in root for verb in _verbs(element)]


def _verbs(element: ET.Element) -> Iterator[Verb]:
    match element.tag:
        case "Connect":
            yield from (_connected(noun) for noun in element)
        case "Say":
            yield _say(element)
        case "Play":
            yield Play((element.text or "").strip(), element.get("digits", ""), int(element.get("loop", "1")))
        case "Redirect":
            yield Redirect((element.text or "").strip())
        case "Dial":
            yield _dial(element)
        case "Record":
            yield Record(
                element.get("action", ""), element.get("recordingStatusCallback", ""),
                float(element.get("maxLength", "3600")), float(element.get("timeout", "5")),
            )  # fmt: skip
        case "Gather":
            yield Gather(
                tuple(_say(child) for child in element if child.tag == "Say"), element.get("action", ""),
                int(element.get("numDigits", "0")), float(element.get("timeout", "5")),
                element.get("actionOnEmptyResult") == "true",
            )  # fmt: skip
        case "Pause":
            yield _pause(element)
        case "Hangup":
            yield Hangup()
        case "Reject":
            yield Reject(element.get("reason", "rejected"))
        case unknown:
            yield Invalid(ErrorCode.TWIML_UNKNOWN_VERB, f"<{unknown}> is no verb that this carrier follows")


def _say(element: ET.Element) -> Say:
    return Say("".join(element.itertext()).strip(), element.get("language") or "en")


def _dial(element: ET.Element) -> Verb:
    action = element.get("action", "")
    nouns = {noun.tag: noun for noun in element}
    if "Conference" in nouns:
        noun = nouns["Conference"]
        return DialConference(
            (noun.text or "").strip(), action, noun.get("startConferenceOnEnter", "true") == "true",
            noun.get("endConferenceOnExit") == "true", noun.get("waitUrl", ""),
        )  # fmt: skip
    number = nouns.get("Number")
    text = (element.text if number is None else number.text) or ""
    if not _E164.fullmatch(text.strip()):
        return Invalid(ErrorCode.DIAL_INVALID_NUMBER, f"<Dial> of {text.strip()!r}, which is no number")
    return DialNumber(
        text.strip(), element.get("callerId", ""), action, float(element.get("timeout", "30")),
        float(element.get("timeLimit", "14400")),
    )  # fmt: skip


def _pause(element: ET.Element) -> Verb:
    try:
        return Pause(float(element.get("length", "1")))
    except ValueError:
        return Invalid(ErrorCode.TWIML_UNKNOWN_VERB, "<Pause> with a length that is no number")


def _connected(noun: ET.Element) -> Verb:
    if noun.tag != "Stream":
        return Invalid(ErrorCode.TWIML_UNKNOWN_VERB, f"<Connect><{noun.tag}> is not followed here")
    url = noun.get("url", "")
    parts = urlsplit(url)
    plain = parts.scheme == "ws" and is_loopback(parts.hostname or "")
    if not parts.hostname or not (parts.scheme == "wss" or plain):
        return Invalid(ErrorCode.STREAM_BAD_URL, f"a stream needs a wss address, not {url!r}")
    if parts.query:
        return Invalid(ErrorCode.STREAM_HANDSHAKE, "a stream's address cannot have a query")
    parameters = {child.get("name", ""): child.get("value", "") for child in noun if child.tag == "Parameter"}
    return ConnectStream(url, parameters, noun.get("statusCallback", ""))
