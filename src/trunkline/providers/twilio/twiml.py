"""Our answers to Twilio as TwiML, built with Twilio's own classes so that escaping is theirs.

Owns the documents and the checks Twilio would make only when the call is already live. A document
that goes on ends in a redirect, so that whatever it did is followed by a question to us.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from twilio.twiml.voice_response import Connect, Dial, Gather, VoiceResponse  # type: ignore[import-untyped]

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


_LONGEST_SUMMARY_S = 5
"""How long keys are waited for after the question."""
_KEYS = re.compile(r"[0-9*#wW]{1,64}")


def stream(url: str, parameters: Mapping[str, str], then_url: str = "", status_url: str = "") -> Answer:
    """Connect the call's audio both ways to a media socket. Raises ValueError on what Twilio refuses."""
    _check_stream_url(url)
    connect = Connect()
    told = {"status_callback": status_url, "status_callback_method": "POST"} if status_url else {}
    target = connect.stream(url=url, **told)
    for name, value in parameters.items():
        if len(name) + len(value) >= _PARAMETER_LIMIT:
            raise ValueError(f"stream parameter {name!r} is too long for Twilio")
        target.parameter(name=name, value=value)
    response = VoiceResponse()
    response.append(connect)
    return _onward(response, then_url)


def say(text: str, language: str) -> Answer:
    """Speak one sentence, then hang up. A language we have no voice for is left to Twilio's default."""
    response = VoiceResponse()
    response.say(text, **_voice(language))
    response.hangup()
    return _answer(response)


def dial(to: str, from_: str, *, ring_timeout_s: int, longest_s: int, then_url: str) -> Answer:
    """Call somebody and join the two; Twilio posts how it ended to `then_url` and follows its answer."""
    response = VoiceResponse()
    leg = Dial(
        caller_id=from_, timeout=ring_timeout_s, time_limit=longest_s, action=then_url, method="POST",
        answer_on_bridge=True,
    )  # fmt: skip
    leg.number(to)
    response.append(leg)
    return _answer(response)


def digits(keys: str, then_url: str) -> Answer:
    """Send keys down the line. Raises ValueError on what is no key."""
    if not _KEYS.fullmatch(keys):
        raise ValueError(f"{keys!r} are not keys of a telephone")
    response = VoiceResponse()
    response.play(digits=keys)
    return _onward(response, then_url)


def hold(music_url: str, then_url: str, times: int) -> Answer:
    """Play music, over and over where `times` is 0."""
    response = VoiceResponse()
    response.play(music_url, loop=times)
    return _onward(response, then_url)


def record(text: str, language: str, *, longest_s: int, then_url: str, recording_url: str) -> Answer:
    """Say this, then record a message after the tone."""
    response = VoiceResponse()
    response.say(text, **_voice(language))
    response.record(
        max_length=longest_s, play_beep=True, trim="trim-silence", action=then_url, method="POST",
        recording_status_callback=recording_url, recording_status_callback_method="POST",
        recording_status_callback_event="completed absent",
    )  # fmt: skip
    return _onward(response, then_url)


def conference(name: str, *, begins: bool, ends: bool, music_url: str, then_url: str) -> Answer:
    """Put the call into a conference; when it has left, `then_url` is asked."""
    response = VoiceResponse()
    party = Dial(action=then_url, method="POST")
    party.conference(
        name, start_conference_on_enter=begins, end_conference_on_exit=ends, beep="false",
        wait_url=music_url, wait_method="GET",
    )  # fmt: skip
    response.append(party)
    return _answer(response)


def ask(text: str, language: str, *, count: int, then_url: str) -> Answer:
    """Say this while keys are waited for; `then_url` is asked in any case."""
    response = VoiceResponse()
    question = Gather(
        input="dtmf", num_digits=count, timeout=_LONGEST_SUMMARY_S, action=then_url, method="POST",
        action_on_empty_result=True,
    )  # fmt: skip
    question.say(text, **_voice(language))
    response.append(question)
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


def _voice(language: str) -> dict[str, str | None]:
    locale, voice = _SPOKEN.get(language.partition("-")[0].lower(), (None, None))
    return {"language": locale, "voice": voice}


def _onward(response: VoiceResponse, then_url: str) -> Answer:
    if then_url:
        response.redirect(then_url, method="POST")
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
