"""Twilio's Messages as a `Chat`. Signatures are those of its calls (`twilio.wire`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import httpx

from trunkline.kit import clock
from trunkline.kit.phone import is_e164
from trunkline.providers.chat_http import ChatHttp, header
from trunkline.providers.ports.chat import (
    ChatAccount,
    ChatEvent,
    ChatRefused,
    ChatTraits,
    ChatUncertain,
    InFile,
    InMessage,
    MessageKind,
    OutMessage,
    Receipt,
    ReceiptState,
    Refusal,
    Template,
)
from trunkline.providers.sms.errors import TWILIO, judge
from trunkline.providers.sms.words import checked, kept, no_files
from trunkline.providers.twilio.wire import API_VERSION, SIGNATURE_HEADER, is_signed

LONGEST_TEXT = 1_600
_SERVICE = "MG"
"""How the ids of messaging services begin."""
_STATES = {
    "sent": ReceiptState.SENT,
    "delivered": ReceiptState.DELIVERED,
    "read": ReceiptState.READ,
    "undelivered": ReceiptState.FAILED,
    "failed": ReceiptState.FAILED,
    "canceled": ReceiptState.FAILED,
}


class TwilioSms:
    """Every number at Twilio. Blocking; safe to share between threads.

    Of a `ChatAccount`, `account` is the Account SID, `key` the auth token, `owner` the messaging service that
    chooses the number, if any; `secret` is not used. What is empty is the installation's. A message's status
    address names it, since Twilio does not tell our reference. `timeout_s` bounds each phase of a request.
    """

    traits = ChatTraits(
        files={}, content_types={}, has_templates=False, has_window=False, has_choices=False,
        longest_text=LONGEST_TEXT, echoes_reference=False,
    )  # fmt: skip

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        base_url: str = "https://api.twilio.com",
        timeout_s: float = 10.0,
    ) -> None:
        self._account_sid, self._auth_token = account_sid, auth_token
        self._http = ChatHttp("Twilio", base_url, _judged, timeout_s=timeout_s)

    def close(self) -> None:
        """Give the client's resources back."""
        self._http.close()

    def send(self, account: ChatAccount, message: OutMessage) -> str:
        """Hand a message over once and return its sid.

        Raises ChatRefused only where certainly nothing was sent, else ChatUncertain.
        """
        text = checked(message, LONGEST_TEXT)
        by = (
            {"MessagingServiceSid": account.owner}
            if account.owner.startswith(_SERVICE)
            else {"From": account.address}
        )
        form = {"To": message.to, **by, "Body": text}
        if message.status_url:
            form["StatusCallback"] = message.status_url
        sid = self._http.send(self._request("POST", account, "/Messages.json", data=form)).get("sid")
        if not isinstance(sid, str) or not sid:
            raise ChatUncertain("Twilio took a message without naming its sid")
        return sid

    def download(self, account: ChatAccount, file: InFile, into: Path, *, most_bytes: int) -> str:
        """Files are not offered by SMS. Raises ChatRefused."""
        raise no_files(f"{file.handle} of {account.address} into {into} ({most_bytes})")

    def mark_read(self, account: ChatAccount, message_id: str) -> None:
        """There is no such thing."""

    def templates(self, account: ChatAccount) -> Sequence[Template]:
        """There are none."""
        del account
        return ()

    def check(self, account: ChatAccount) -> str:
        """Return the number's name at Twilio. Raises ChatRefused, also of another account's."""
        return str(self._number(account).get("friendly_name") or account.address)

    def subscribe(self, account: ChatAccount, *, url: str, verify_token: str) -> None:
        """Have messages to this number told to an address. Raises ChatRefused."""
        del verify_token
        path = f"/IncomingPhoneNumbers/{quote(str(self._number(account).get('sid')), safe='')}.json"
        self._http.ask(self._request("POST", account, path, data={"SmsUrl": url, "SmsMethod": "POST"}))

    def handshake(self, query: Mapping[str, str], *, verify_token: str) -> str | None:
        """Twilio asks for no proof."""
        del query, verify_token
        return None

    def is_signed(self, account: ChatAccount, body: bytes, headers: Mapping[str, str], *, url: str) -> bool:
        """Return whether Twilio signed this form for exactly this address."""
        try:
            form = _form(body)
        except ValueError:
            return False
        token = account.key or self._auth_token
        return bool(token) and is_signed(token, url, form, header(headers, SIGNATURE_HEADER))

    def read(self, body: bytes) -> Sequence[ChatEvent]:
        """Return the message or the receipt. Raises ValueError for bytes that are neither."""
        form = _form(body)
        sid = form.get("MessageSid") or form.get("SmsSid", "")
        status = form.get("MessageStatus") or form.get("SmsStatus", "")
        if not sid or not status:
            raise ValueError("this is no message and no receipt of Twilio's")
        ours, theirs = (form.get("To", ""), form.get("From", "")) if "Body" in form else (
            form.get("From", ""), form.get("To", ""),
        )  # fmt: skip
        # A short code or a name cannot be answered.
        if not is_e164(theirs):
            return ()
        if "Body" in form:
            return (_message(form, sid, ours, theirs),)
        state = _STATES.get(status)
        return () if state is None else (_receipt(form, sid, ours, theirs, state),)

    def _number(self, account: ChatAccount) -> Mapping[str, Any]:
        query = {"PhoneNumber": account.address}
        found = self._http.ask(self._request("GET", account, "/IncomingPhoneNumbers.json", params=query))
        rows = found.get("incoming_phone_numbers")
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and row.get("phone_number") == account.address:
                return row
        raise ChatRefused(
            f"{account.address} is no number of this account", refusal=Refusal.ACCOUNT, code="other_number"
        )

    def _request(self, method: str, account: ChatAccount, path: str, **options: Any) -> httpx.Request:
        sid, token = account.account or self._account_sid, account.key or self._auth_token
        request = self._http.build(method, f"/{API_VERSION}/Accounts/{quote(sid, safe='')}{path}", **options)
        return next(httpx.BasicAuth(sid, token).auth_flow(request))


def _judged(reply: httpx.Response, body: Mapping[str, Any]) -> ChatRefused | None:
    return judge("Twilio", TWILIO, reply, str(body.get("code") or ""), str(body.get("message") or ""))


def _form(body: bytes) -> dict[str, str]:
    return dict(
        parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=200)
    )


def _message(form: Mapping[str, str], sid: str, ours: str, theirs: str) -> InMessage:
    text = kept(form["Body"])
    # A file with no words beside it: that something came is all that can be said.
    kind = MessageKind.TEXT if text or form.get("NumMedia", "0") == "0" else MessageKind.UNSUPPORTED
    return InMessage(
        id=kept(sid), account=ours, from_=theirs, name="", at=clock.now(), kind=kind, text=text
    )  # fmt: skip


def _receipt(form: Mapping[str, str], sid: str, ours: str, theirs: str, state: ReceiptState) -> Receipt:
    code = kept(form.get("ErrorCode", "")) if state is ReceiptState.FAILED else ""
    return Receipt(
        id=kept(sid), account=ours, to=theirs, state=state, at=clock.now(), reference=None,
        refusal=TWILIO.get(code, Refusal.MESSAGE) if code else None, code=code or None,
        detail=kept(form.get("ErrorMessage", "")) or None,
    )  # fmt: skip
