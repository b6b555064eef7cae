"""Our answers to Telnyx as commands, and the state that brings their end back to us.

Telnyx repeats the `client_state` of a command in the events behind it. Ours says which event means that
the answer was carried out, and where to go on then; so nothing has to be kept here meanwhile.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from trunkline.kit.hosts import is_loopback
from trunkline.providers.ports import SAMPLE_RATE, Answer, Command
from trunkline.providers.telnyx.wire import Action, EventType

_VOICES = {
    "ar": "Azure.ar-AE-FatimaNeural",
    "de": "Azure.de-DE-KatjaNeural",
    "en": "Azure.en-US-JennyNeural",
    "es": "Azure.es-ES-ElviraNeural",
    "fr": "Azure.fr-FR-DeniseNeural",
    "he": "Azure.he-IL-HilaNeural",
    "ru": "Azure.ru-RU-SvetlanaNeural",
}
_ANY_LANGUAGE = "Azure.en-US-JennyMultilingualNeural"
_LONGEST_TOKEN = 4_000
_KEYS = re.compile(r"[0-9*#wW]{1,64}")
_KEY_MS = 250
_PAUSES_MS = {"w": 500, "W": 1_000}
_MOST_LOOPS = 100


@dataclass(frozen=True, slots=True)
class State:
    """What a command's `client_state` says."""

    on: str = ""
    """The type of the event that means: carried out."""
    then: str = ""
    is_dialled_leg: bool = False


def write_state(state: State) -> str:
    """Return a `client_state`."""
    body = {"on": state.on, "then": state.then, "leg": "b" if state.is_dialled_leg else "a"}
    return base64.b64encode(json.dumps(body).encode()).decode("ascii")


def read_state(text: object) -> State:
    """Read a `client_state`; one that is not ours says nothing."""
    if not isinstance(text, str):
        return State()
    try:
        body = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return State()
    if not isinstance(body, dict):
        return State()
    return State(str(body.get("on") or ""), str(body.get("then") or ""), body.get("leg") == "b")


def stream(url: str, parameters: Mapping[str, str], then_url: str, *, resumes: bool) -> Answer:
    """Bring the call's audio to a media socket and back. Raises ValueError on what Telnyx refuses.

    The parameter `token` also goes with the upgrade of the socket, so that it is known before it is let in.
    """
    _check_stream_url(url)
    token = parameters.get("token", "")
    if len(token) > _LONGEST_TOKEN:
        raise ValueError("the token is too long for Telnyx")
    start = _command(
        Action.STREAMING_START,
        State(EventType.STREAMING_STOPPED, then_url),
        stream_url=url,
        stream_track="inbound_track",
        stream_codec="PCMU",
        stream_bidirectional_mode="rtp",
        stream_bidirectional_codec="PCMU",
        stream_auth_token=token,
        custom_parameters=[{"name": name, "value": value} for name, value in parameters.items()],
    )
    return Answer(commands=(_stop_playing(), start) if resumes else (start,))


def say(text: str, language: str) -> Answer:
    """Speak one sentence; its end ends the call."""
    voice = _VOICES.get(language.partition("-")[0].lower(), _ANY_LANGUAGE)
    spoken = _command(Action.SPEAK, State(EventType.SPEAK_ENDED), payload=text, voice=voice, stop="all")
    return Answer(commands=(spoken, _stop_streaming()))


def dial(
    to: str, from_: str, *, ring_timeout_s: int, longest_s: int, then_url: str, events_url: str
) -> Answer:
    """Call somebody and join the two. The end of the other leg is the end of it."""
    ended = write_state(State(EventType.HANGUP, then_url, is_dialled_leg=True))
    transfer = _command(
        Action.TRANSFER,
        State(),
        to=to,
        from_=from_,
        timeout_secs=ring_timeout_s,
        time_limit_secs=longest_s,
        target_leg_client_state=ended,
        webhook_url=events_url,
    )
    return Answer(commands=(transfer, _stop_streaming()))


def digits(keys: str, then_url: str) -> Answer:
    """Send keys down the line. Raises ValueError on what is no key.

    Telnyx tells of no end of it, so as much silence is played, whose end it tells.
    """
    if not _KEYS.fullmatch(keys):
        raise ValueError(f"{keys!r} are not keys of a telephone")
    lasts_ms = sum(_PAUSES_MS.get(key, _KEY_MS) for key in keys)
    sent = _command(Action.SEND_DTMF, State(), digits=keys)
    waited = _command(
        Action.PLAYBACK_START,
        State(EventType.PLAYBACK_ENDED, then_url),
        playback_content=base64.b64encode(_silence(lasts_ms)).decode("ascii"),
        audio_type="wav",
        stop="all",
    )
    return Answer(commands=(sent, waited, _stop_streaming()))


def hold(music_url: str, then_url: str, times: int) -> Answer:
    """Play music, over and over where `times` is 0."""
    loop: int | str = min(times, _MOST_LOOPS) or "infinity"
    music = _command(
        Action.PLAYBACK_START, State(EventType.PLAYBACK_ENDED, then_url), audio_url=music_url,
        audio_type="wav", loop=loop, stop="all",
    )  # fmt: skip
    return Answer(commands=(music, _stop_streaming()))


def pick_up() -> Answer:
    """Answer a call that is offered."""
    return Answer(commands=(_command(Action.ANSWER, State()),))


def reject() -> Answer:
    """Refuse without answering."""
    return Answer(commands=(_command(Action.REJECT, State(), cause="CALL_REJECTED"),))


def hang_up() -> Answer:
    """End the call."""
    return Answer(commands=(_command(Action.HANGUP, State()),))


def _stop_streaming() -> Command:
    # Comes last, so that the agent goes on where the rest was refused; and without a state of its own.
    return Command(Action.STREAMING_STOP, {})


def _stop_playing() -> Command:
    return Command(Action.PLAYBACK_STOP, {"stop": "all"})


def _command(action: Action, state: State, **fields: Any) -> Command:
    named = {name.rstrip("_"): value for name, value in fields.items()}
    return Command(action, {**named, "client_state": write_state(state)})


def _silence(ms: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(bytes(2 * SAMPLE_RATE * ms // 1_000))
    return file.getvalue()


def _check_stream_url(url: str) -> None:
    parts = urlsplit(url)
    # Plain ws is for the stand-in on the same machine.
    plain = parts.scheme == "ws" and is_loopback(parts.hostname or "")
    if not parts.hostname or not (parts.scheme == "wss" or plain):
        raise ValueError(f"a call's audio goes to wss addresses only, not to {url!r}")
