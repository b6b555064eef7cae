"""Our answers to Twilio as TwiML, built with Twilio's own classes so that escaping is theirs.

Owns the documents and the checks Twilio would make only when the call is already live.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from twilio.twiml.voice_response import Connect, VoiceResponse  # type: ignore[import-untyped]

from trunkline.kit.hosts import is_loopback
from trunkline.providers.ports import Answer

_CONTENT_TYPE = "text/xml; charset=utf-8"
_PARAMETER_LIMIT = 500
"""Characters of a stream parameter's name and value together."""

_SPOKEN = {
    "ar": ("ar-AE", "Polly.Hala-Neural"),
    "de": ("de-DE", "Polly.Vicki"),
    "en": ("en-US", "Polly.Joanna"),
    "es": ("es-ES", "Polly.Lucia"),
    "fr": ("fr-FR", "Polly.Lea"),
    "he": ("he-IL", "Google.he-IL-Standard-A"),
    "ru": ("ru-RU", "Polly.Tatyana"),
}
"""Locale and voice per language: the voice has to be named, the default one speaks few languages."""


def stream(url: str, parameters: Mapping[str, str]) -> Answer:
    """Connect the call's audio both ways to a media socket. Raises ValueError on what Twilio refuses."""
    _check_stream_url(url)
    connect = Connect()
    target = connect.stream(url=url)
    for name, value in parameters.items():
        if len(name) + len(value) >= _PARAMETER_LIMIT:
            raise ValueError(f"stream parameter {name!r} is too long for Twilio")
        target.parameter(name=name, value=value)
    response = VoiceResponse()
    response.append(connect)
    return _answer(response)


def say(text: str, language: str) -> Answer:
    """Speak one sentence, then hang up. A language we have no voice for is left to Twilio's default."""
    response = VoiceResponse()
    locale, voice = _SPOKEN.get(language.partition("-")[0].lower(), (None, None))
    response.say(text, language=locale, voice=voice)
    response.hangup()
    return _answer(response)


def reject() -> Answer:
    """Refuse without answering; the caller is not charged."""
    response = VoiceResponse()
    response.reject(reason="rejected")
    return _answer(response)


def hang_up() -> Answer:
    """Answer and end at once."""
    response = VoiceResponse()
    response.hangup()
    return _answer(response)


def _check_stream_url(url: str) -> None:
    parts = urlsplit(url)
    # Plain ws is for the local carrier on the same machine; Twilio itself takes TLS only.
    plain = parts.scheme == "ws" and is_loopback(parts.hostname or "")
    if not parts.hostname or not (parts.scheme == "wss" or plain):
        raise ValueError(f"Twilio streams to wss addresses only, not to {url!r}")
    if parts.query or parts.fragment:
        raise ValueError("a stream's URL cannot have a query; hand values over as stream parameters")


def _answer(response: object) -> Answer:
    return Answer(body=str(response), content_type=_CONTENT_TYPE)
