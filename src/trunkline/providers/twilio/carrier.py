"""Twilio as a `Carrier`: placing, finding and ending calls, answering and reading its webhooks.

Owns the translation between the port's words and Twilio's. What an outcome of a request proves is
decided in `rest`, the documents of our answers in `twiml`. Never repeats a request by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from trunkline.providers.ports import (
    Answer,
    AnsweredBy,
    AnswerReport,
    CallOrder,
    CallReport,
    CallStatus,
    CarrierCall,
    CarrierCapabilities,
    CarrierRefused,
    CarrierUncertain,
)
from trunkline.providers.twilio import twiml
from trunkline.providers.twilio.rest import TwilioRest
from trunkline.providers.twilio.wire import (
    API_VERSION,
    CALL_SID,
    DETECT_MESSAGE_END,
    STATUS_EVENTS,
    Detected,
    ErrorCode,
    Field,
    is_signed,
)

_CLOCK_SLACK = timedelta(minutes=5)
"""How far Twilio's clock and ours may differ when we ask for calls since an instant."""
_PAGE_SIZE = "100"
_MOST_PAGES = 50
_ANSWERED_BY = {
    Detected.HUMAN: AnsweredBy.HUMAN,
    Detected.FAX: AnsweredBy.FAX,
    Detected.UNKNOWN: AnsweredBy.UNKNOWN,
}
"""What Twilio's other findings mean is a machine, at one or another moment of its greeting."""


class TwilioCarrier:
    """One Twilio account, or the local carrier: the two differ in `base_url` and nothing else.

    `timeout_s` bounds each phase of a request (connect, send, wait). Blocking; safe to share
    between threads.
    """

    capabilities = CarrierCapabilities(
        idempotency_key=False, lists_calls=True, hangs_up=True, detects_machines=True
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

    def stream_answer(self, *, url: str, parameters: Mapping[str, str]) -> Answer:
        """Raises ValueError on a URL or parameter that Twilio would refuse in mid-call."""
        return twiml.stream(url, parameters)

    def say_answer(self, *, text: str, language: str) -> Answer:
        return twiml.say(text, language)

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

    def read_report(self, form: Mapping[str, str]) -> CallReport:
        """Read a voice or status callback. Raises ValueError, naming the field, if it is malformed."""
        return CallReport(
            sid=_call_sid(form),
            status=_status(_required(form, Field.CALL_STATUS), Field.CALL_STATUS),
            to=_required(form, Field.TO),
            from_=_required(form, Field.FROM),
            direction=_required(form, Field.DIRECTION),
            duration_s=_number(form, Field.CALL_DURATION),
            sequence=_number(form, Field.SEQUENCE_NUMBER),
        )

    def read_answered_by(self, form: Mapping[str, str]) -> AnswerReport:
        """Read the callback of asynchronous machine detection. Raises ValueError, naming the field."""
        finding = _required(form, Field.ANSWERED_BY)
        try:
            detected = Detected(finding)
        except ValueError as error:
            raise ValueError(f"{Field.ANSWERED_BY} is no finding we know: {finding!r}") from error
        return AnswerReport(
            sid=_call_sid(form),
            answered_by=_ANSWERED_BY.get(detected, AnsweredBy.MACHINE),
            took_ms=_number(form, Field.MACHINE_DETECTION_DURATION),
        )


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


def _call_sid(form: Mapping[str, str]) -> str:
    sid = _required(form, Field.CALL_SID)
    if not CALL_SID.fullmatch(sid):
        raise ValueError(f"{Field.CALL_SID} is not a call's sid")
    return sid


def _read_call(row: Mapping[str, Any]) -> CarrierCall:
    try:
        created = row.get("date_created")
        return CarrierCall(
            sid=str(row["sid"]),
            to=str(row["to"]),
            from_=str(row["from"]),
            status=_status(str(row["status"]), "status"),
            created_at=parsedate_to_datetime(created) if created else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CarrierUncertain(f"Twilio's record of a call cannot be read: {error}") from error


def _status(text: str, name: str) -> CallStatus:
    try:
        return CallStatus(text)
    except ValueError as error:
        raise ValueError(f"{name} is no status we know: {text!r}") from error


def _required(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise ValueError(f"{name} is missing")
    return value


def _number(form: Mapping[str, str], name: str) -> int | None:
    text = form.get(name)
    if not text:
        return None
    if not text.isdecimal():
        raise ValueError(f"{name} is not a number")
    return int(text)
