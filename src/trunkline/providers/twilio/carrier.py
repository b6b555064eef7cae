"""Twilio as a `Carrier`: placing, finding and ending calls, answering and reading its webhooks.

Owns the translation between the port's words and Twilio's. What an outcome of a request proves is
decided in `rest`, the documents of our answers in `twiml`; what it posts is read in `forms`. Never
repeats a request by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

from trunkline.providers.ports import (
    Answer,
    CallOrder,
    CallStatus,
    CarrierCall,
    CarrierCapabilities,
    CarrierRefused,
    CarrierUncertain,
)
from trunkline.providers.twilio import forms, twiml
from trunkline.providers.twilio.rest import TwilioRest
from trunkline.providers.twilio.wire import (
    API_VERSION,
    CALL_SID,
    DETECT_MESSAGE_END,
    RECORDING_SID,
    STATUS_EVENTS,
    ErrorCode,
    Field,
    RecordingStatus,
    is_signed,
)

_CLOCK_SLACK = timedelta(minutes=5)
"""How far Twilio's clock and ours may differ when we ask for calls since an instant."""
_PAGE_SIZE = "100"
_MOST_PAGES = 50


class TwilioCarrier:
    """One Twilio account, or the local carrier: the two differ in `base_url` and nothing else.

    `timeout_s` bounds each phase of a request (connect, send, wait). Blocking; safe to share
    between threads.
    """

    capabilities = CarrierCapabilities(
        idempotency_key=False,
        lists_calls=True,
        hangs_up=True,
        detects_machines=True,
        transfers=True,
        conferences=True,
        records=True,
    )

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        base_url: str = "https://api.twilio.com",
        timeout_s: float = 10.0,
    ) -> None:
        self._calls = f"/{API_VERSION}/Accounts/{account_sid}/Calls"
        self._rest = TwilioRest(
            account_sid=account_sid, auth_token=auth_token, base_url=base_url, timeout_s=timeout_s
        )
        self._auth_token = auth_token

    def close(self) -> None:
        """Give the client's resources back."""
        self._rest.close()

    # --- Calls ---------------------------------------------------------------------------

    def place_call(self, order: CallOrder) -> str:
        """Place the call with exactly one POST and return its sid.

        Raises CarrierRefused only where Twilio certainly has no such call, else CarrierUncertain.
        """
        body = self._rest.post(
            f"{self._calls}.json",
            {
                Field.TO: order.to,
                Field.FROM: order.from_,
                Field.URL: order.answer_url,
                Field.METHOD: "POST",
                Field.STATUS_CALLBACK: order.status_url,
                Field.STATUS_CALLBACK_METHOD: "POST",
                Field.STATUS_CALLBACK_EVENT: list(STATUS_EVENTS),
                Field.TIMEOUT: str(order.ring_timeout_s),
                **_detection(order.machine_url),
            },
        )
        sid = body.get("sid")
        if not isinstance(sid, str) or not CALL_SID.fullmatch(sid):
            raise CarrierUncertain("Twilio accepted a call without naming its sid")
        return sid

    def find_calls(self, *, to: str, from_: str, since: datetime) -> Sequence[CarrierCall]:
        """List calls of this pair begun since then, with slack, and those still queued.

        Two questions, because Twilio's date filter is of whole days and misses calls that have not
        started. Raises CarrierUncertain whenever the listing is not complete.
        """
        begun = (since - _CLOCK_SLACK).astimezone(UTC)
        pair = {Field.TO: to, Field.FROM: from_, Field.PAGE_SIZE: _PAGE_SIZE}
        found: dict[str, CarrierCall] = {}
        try:
            for query in (
                {**pair, Field.STATUS: CallStatus.QUEUED.value},
                {**pair, Field.START_TIME_FROM: begun.date().isoformat()},
            ):
                for row in self._pages(query):
                    call = _read_call(row)
                    if call.created_at is None or call.created_at >= begun:
                        found[call.sid] = call
        except CarrierRefused as error:
            raise CarrierUncertain(f"Twilio did not list calls: {error}") from error
        return list(found.values())

    def fetch_call(self, sid: str) -> CarrierCall | None:
        """Return the call as it stands; None if Twilio does not know it. Raises CarrierUncertain."""
        try:
            return _read_call(self._rest.get(f"{self._calls}/{sid}.json"))
        except CarrierRefused as error:
            if error.code == str(ErrorCode.NOT_FOUND):
                return None
            raise CarrierUncertain(f"Twilio did not show the call: {error}") from error

    def hang_up(self, sid: str) -> None:
        """End the call, queued, ringing or live. One that is over, or unknown, is no error.

        Raises CarrierRefused or CarrierUncertain when the call may still be up.
        """
        try:
            # `completed` also ends what has not been answered yet; `canceled` would spare live calls.
            self._rest.post(f"{self._calls}/{sid}.json", {Field.STATUS: CallStatus.COMPLETED.value})
        except CarrierRefused as error:
            if error.code not in {str(ErrorCode.NOT_FOUND), str(ErrorCode.CALL_OVER)}:
                raise

    # --- Control of a live call ----------------------------------------------------------

    def redirect(self, sid: str, answer: Answer, *, key: UUID | None = None) -> None:
        """Give a live call another document; a stream it has is ended with `stop`.

        Twilio knows no keys.

        Raises CarrierRefused where it certainly goes on as it was, else CarrierUncertain.
        """
        self._rest.post(f"{self._calls}/{sid}.json", {Field.TWIML: answer.body})

    def start_recording(self, sid: str, *, status_url: str) -> str:
        """Record a live call on two channels, which Twilio's own default is not."""
        body = self._rest.post(
            f"{self._calls}/{sid}/Recordings.json",
            {
                Field.RECORDING_CHANNELS: "dual",
                Field.RECORDING_STATUS_CALLBACK: status_url,
                "RecordingStatusCallbackMethod": "POST",
                "RecordingStatusCallbackEvent": ["completed", "absent"],
            },
        )
        recording_sid = body.get("sid")
        if not isinstance(recording_sid, str) or not RECORDING_SID.fullmatch(recording_sid):
            raise CarrierUncertain("Twilio began a recording without naming its sid")
        return recording_sid

    def stop_recording(self, sid: str, recording_sid: str) -> None:
        """End a recording; one that is over, or unknown, is no error."""
        try:
            self._rest.post(
                f"{self._calls}/{sid}/Recordings/{recording_sid}.json",
                {Field.STATUS: RecordingStatus.STOPPED.value},
            )
        except CarrierRefused as error:
            over = {ErrorCode.NOT_FOUND, ErrorCode.CALL_OVER, ErrorCode.NOT_RECORDING}
            if error.code not in {str(code) for code in over}:
                raise

    def _pages(self, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        page = self._rest.get(f"{self._calls}.json", query)
        for _ in range(_MOST_PAGES):
            rows = page.get("calls")
            if not isinstance(rows, list):
                raise CarrierUncertain("Twilio's listing has no calls in it")
            yield from rows
            onward = page.get("next_page_uri")
            if not onward:
                return
            # A path on the same origin: our credentials go nowhere else, whatever the reply says.
            if not isinstance(onward, str) or not onward.startswith(f"/{API_VERSION}/"):
                raise CarrierUncertain("Twilio's listing names a strange next page")
            page = self._rest.get(onward)
        raise CarrierUncertain("Twilio's listing does not end")

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
        """Raises ValueError on a URL or parameter that Twilio would refuse in mid-call.

        A document takes the place of the last one, so whether the call resumes is no matter.
        """
        return twiml.stream(url, parameters, then_url, status_url)

    def say_answer(self, *, text: str, language: str) -> Answer:
        return twiml.say(text, language)

    def dial_answer(
        self, *, to: str, from_: str, ring_timeout_s: int, longest_s: int, then_url: str
    ) -> Answer:
        return twiml.dial(to, from_, ring_timeout_s=ring_timeout_s, longest_s=longest_s, then_url=then_url)

    def digits_answer(self, *, digits: str, then_url: str) -> Answer:
        """Raises ValueError on what is no key."""
        return twiml.digits(digits, then_url)

    def hold_answer(self, *, music_url: str, then_url: str, times: int = 0) -> Answer:
        return twiml.hold(music_url, then_url, times)

    def record_answer(
        self, *, text: str, language: str, longest_s: int, then_url: str, recording_url: str
    ) -> Answer:
        return twiml.record(
            text, language, longest_s=longest_s, then_url=then_url, recording_url=recording_url
        )

    def conference_answer(
        self, *, name: str, begins: bool, ends: bool, music_url: str, then_url: str
    ) -> Answer:
        return twiml.conference(name, begins=begins, ends=ends, music_url=music_url, then_url=then_url)

    def ask_answer(self, *, text: str, language: str, digits: int, then_url: str) -> Answer:
        return twiml.ask(text, language, count=digits, then_url=then_url)

    def reject_answer(self) -> Answer:
        return twiml.reject()

    def hang_up_answer(self) -> Answer:
        return twiml.hang_up()

    # --- Webhooks ------------------------------------------------------------------------

    def verify_signature(self, *, url: str, form: Mapping[str, str], signature: str) -> bool:
        """Check against the URL as given and, for a media socket, also with a slash at its end.

        Twilio signs some sockets' addresses with a slash that the TwiML did not have.
        """
        if is_signed(self._auth_token, url, form, signature):
            return True
        is_socket = url.startswith(("wss://", "ws://")) and not url.endswith("/")
        return is_socket and is_signed(self._auth_token, f"{url}/", form, signature)

    read_report = staticmethod(forms.read_report)
    read_answered_by = staticmethod(forms.read_answered_by)
    read_dial_report = staticmethod(forms.read_dial_report)
    read_digits = staticmethod(forms.read_digits)
    read_recording = staticmethod(forms.read_recording)


def _detection(url: str) -> dict[str, str | list[str]]:
    """Return the fields that have Twilio find out who answers, while the call goes on at once."""
    if not url:
        return {}
    return {
        Field.MACHINE_DETECTION: DETECT_MESSAGE_END,
        Field.ASYNC_AMD: "true",
        Field.ASYNC_AMD_STATUS_CALLBACK: url,
        Field.ASYNC_AMD_STATUS_CALLBACK_METHOD: "POST",
    }


def _read_call(row: Mapping[str, Any]) -> CarrierCall:
    try:
        created = row.get("date_created")
        return CarrierCall(
            sid=str(row["sid"]),
            to=str(row["to"]),
            from_=str(row["from"]),
            status=forms.status_named(str(row["status"]), "status"),
            created_at=parsedate_to_datetime(created) if created else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CarrierUncertain(f"Twilio's record of a call cannot be read: {error}") from error
