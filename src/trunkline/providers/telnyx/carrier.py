"""Telnyx as a `TellingCarrier`: calls are placed, commanded and told of by Call Control v2.

Owns the translation between the port's words and Telnyx's. What an outcome of a request proves is decided
in `carrier_http`, the commands of our answers are in `commands`; what it tells is read in `events`. Never
repeats a request by itself: whoever has a key may, with the same one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Never
from urllib.parse import quote
from uuid import UUID, uuid5

from trunkline.kit import clock
from trunkline.providers.ports import (
    Answer,
    CallOrder,
    CallStatus,
    CarrierCall,
    CarrierCapabilities,
    CarrierRefused,
    CarrierUncertain,
)
from trunkline.providers.telnyx import commands, events
from trunkline.providers.telnyx.rest import TelnyxRest
from trunkline.providers.telnyx.wire import (
    Action,
    ErrorCode,
    is_fresh_and_signed,
    read_public_key,
)

_GONE = frozenset({ErrorCode.CALL_OVER, ErrorCode.NOT_FOUND, ErrorCode.INVALID_CALL, "http_404"})
_TIDYING = frozenset({Action.STREAMING_STOP, Action.PLAYBACK_STOP})
"""Commands that end what may have ended already: that there is nothing to end is no matter."""


class TelnyxCarrier:
    """One Call Control application of a Telnyx account, or the stand-in for it.

    `public_key` is the account's, base64, as the portal shows it; a wrong one raises ValueError. `events_url`
    is where events of calls go that name no address of their own. `timeout_s` bounds each phase of a
    request. Blocking; safe to share between threads.
    """

    capabilities = CarrierCapabilities(
        idempotency_key=True,
        lists_calls=False,
        hangs_up=True,
        detects_machines=True,
        transfers=True,
        conferences=False,
        records=False,
        replies=False,
    )

    def __init__(
        self,
        *,
        api_key: str,
        connection_id: str,
        public_key: str,
        events_url: str,
        base_url: str = "https://api.telnyx.com",
        timeout_s: float = 10.0,
    ) -> None:
        self._public_key = read_public_key(public_key)
        self._connection_id = connection_id
        self._events_url = events_url
        self._rest = TelnyxRest(api_key=api_key, base_url=base_url, timeout_s=timeout_s)

    def close(self) -> None:
        """Give the client's resources back."""
        self._rest.close()

    # --- Calls ---------------------------------------------------------------------------

    def place_call(self, order: CallOrder) -> str:
        """Place the call with exactly one POST and return its call control id.

        Sent again with the same key within a minute, Telnyx places no second one. Raises CarrierRefused
        only where it certainly has no such call, else CarrierUncertain.
        """
        detection = {"answering_machine_detection": "greeting_end"} if order.machine_url else {}
        data = self._rest.post(
            "/calls",
            {
                "connection_id": self._connection_id,
                "to": order.to,
                "from": order.from_,
                "timeout_secs": order.ring_timeout_s,
                "webhook_url": order.events_url,
                "webhook_url_method": "POST",
                "command_id": order.key,
                **detection,
            },
        )
        sid = data.get("call_control_id")
        if not isinstance(sid, str) or not sid:
            # So may a repeated order be answered; the call's events tell its id.
            raise CarrierUncertain("Telnyx accepted a call without naming its id")
        return sid

    def find_calls(self, *, to: str, from_: str, since: datetime) -> Sequence[CarrierCall]:
        """Telnyx lists no calls by their numbers."""
        raise CarrierUncertain(f"Telnyx lists no calls from {from_} to {to} since {since}")

    def fetch_call(self, sid: str) -> CarrierCall | None:
        """Return the call as far as Telnyx shows it: whether it is over, and how long it took.

        One that is not over counts as ringing, since whether somebody has answered is not shown. None if it
        is not known, as some minutes after its end. Raises CarrierUncertain.
        """
        try:
            data = self._rest.get(_path(sid))
        except CarrierRefused as error:
            if error.code in _GONE:
                return None
            raise CarrierUncertain(f"Telnyx did not show the call: {error}") from error
        # `is_alive` is false while a call rings as well.
        if not data.get("end_time"):
            status = CallStatus.RINGING
        else:
            status = CallStatus.COMPLETED if data.get("call_duration") else CallStatus.NO_ANSWER
        return CarrierCall(
            sid=sid, to="", from_="", status=status, created_at=_moment(data.get("start_time"))
        )

    def hang_up(self, sid: str) -> None:
        """End the call, ringing or live. One that is over, or unknown, is no error.

        Raises CarrierRefused or CarrierUncertain when the call may still be up.
        """
        try:
            self._rest.post(_path(sid, Action.HANGUP), {})
        except CarrierRefused as error:
            if error.code not in _GONE:
                raise

    def redirect(self, sid: str, answer: Answer, *, key: UUID | None = None) -> None:
        """Send an answer's commands, one after another; those of the same key are carried out once.

        To hang up a call that is over is no error: whoever is called may do it at the same moment. Raises
        CarrierRefused where one was refused, and those behind it were not sent, else CarrierUncertain.
        """
        for number, command in enumerate(answer.commands):
            keyed = {} if key is None else {"command_id": str(uuid5(key, f"{number} {command.name}"))}
            try:
                self._rest.post(_path(sid, command.name), {**command.fields, **keyed})
            except CarrierRefused as error:
                is_over = error.code in _GONE
                if not (command.name == Action.HANGUP if is_over else command.name in _TIDYING):
                    raise

    def start_recording(self, sid: str, *, status_url: str) -> str:
        """Not with this carrier."""
        _not_here(f"recording {sid} for {status_url}")

    def stop_recording(self, sid: str, recording_sid: str) -> None:
        """Not with this carrier."""
        _not_here(f"recording {recording_sid} of {sid}")

    # --- Answers -------------------------------------------------------------------------

    def stream_answer(
        self,
        *,
        url: str,
        parameters: Mapping[str, str],
        then_url: str = "",
        status_url: str = "",
        resumes: bool = False,
    ) -> Answer:
        """Raises ValueError on a URL or parameter that Telnyx would refuse in mid-call.

        The stream's events go where all go, whatever `status_url`.
        """
        return commands.stream(url, parameters, then_url, resumes=resumes)

    def say_answer(self, *, text: str, language: str) -> Answer:
        return commands.say(text, language)

    def dial_answer(
        self, *, to: str, from_: str, ring_timeout_s: int, longest_s: int, then_url: str
    ) -> Answer:
        return commands.dial(
            to, from_, ring_timeout_s=ring_timeout_s, longest_s=longest_s, then_url=then_url,
            events_url=self._events_url,
        )  # fmt: skip

    def digits_answer(self, *, digits: str, then_url: str) -> Answer:
        """Raises ValueError on what is no key."""
        return commands.digits(digits, then_url)

    def hold_answer(self, *, music_url: str, then_url: str, times: int = 0) -> Answer:
        return commands.hold(music_url, then_url, times)

    def record_answer(
        self, *, text: str, language: str, longest_s: int, then_url: str, recording_url: str
    ) -> Answer:
        """Not with this carrier."""
        _not_here(f"a message of {longest_s} s behind {text!r} ({language}) for {recording_url}, {then_url}")

    def conference_answer(
        self, *, name: str, begins: bool, ends: bool, music_url: str, then_url: str
    ) -> Answer:
        """Not with this carrier."""
        _not_here(f"the conference {name} ({begins}, {ends}) with {music_url}, {then_url}")

    def ask_answer(self, *, text: str, language: str, digits: int, then_url: str) -> Answer:
        """Not with this carrier."""
        _not_here(f"{digits} keys behind {text!r} ({language}) for {then_url}")

    def reject_answer(self) -> Answer:
        return commands.reject()

    def hang_up_answer(self) -> Answer:
        return commands.hang_up()

    def pick_up_answer(self) -> Answer:
        return commands.pick_up()

    # --- Events --------------------------------------------------------------------------

    def verify_event(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Check who signed these bytes, and that they are not older than five minutes."""
        return is_fresh_and_signed(self._public_key, body, headers, now=clock.now().timestamp())

    read_event = staticmethod(events.read_event)

    def read_state(self, state: str) -> str:
        """Return the `then_url` of a `client_state`; empty: it is not ours, or has none."""
        return commands.read_state(state).then


def _path(sid: str, action: str = "") -> str:
    path = f"/calls/{quote(sid, safe='')}"
    return f"{path}/actions/{action}" if action else path


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _not_here(what: str) -> Never:
    raise CarrierRefused(f"Telnyx is not asked for {what}", code="not_with_this_carrier")
