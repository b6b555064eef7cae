"""Reading TwiML: the verbs our product uses, and an error for everything else, as Twilio logs it."""

from __future__ import annotations

# The document comes from the product under test on this machine; ElementTree resolves no outside entity.
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from trunkline.kit.hosts import is_loopback
from trunkline.providers.twilio.wire import ErrorCode


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


@dataclass(frozen=True, slots=True)
class Say:
    text: str


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


Verb = ConnectStream | Say | Pause | Hangup | Reject | Invalid


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
            yield Say("".join(element.itertext()).strip())
        case "Pause":
            yield _pause(element)
        case "Hangup":
            yield Hangup()
        case "Reject":
            yield Reject(element.get("reason", "rejected"))
        case unknown:
            yield Invalid(ErrorCode.TWIML_UNKNOWN_VERB, f"<{unknown}> is no verb that this carrier follows")


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
    return ConnectStream(url, parameters)
