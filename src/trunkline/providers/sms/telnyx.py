"""Telnyx's Messaging v2 as a `Chat`. Signatures are those of its calls (`telnyx.wire`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from trunkline.kit import clock
from trunkline.kit.phone import is_e164
from trunkline.providers.chat_http import ChatHttp
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
from trunkline.providers.sms.errors import TELNYX, judge
from trunkline.providers.sms.words import checked, kept, no_files
from trunkline.providers.telnyx.wire import is_fresh_and_signed, read_public_key

LONGEST_TEXT = 670
"""Ten parts in any script."""
LONGEST_PLAIN = 1_530
"""Ten parts where each letter is one of the telephone's own alphabet."""
_DOUBLE = frozenset("`^{}\\[~]|")
"""Letters of ASCII that the telephone's alphabet lacks, or counts twice."""
_STATES = {
    "sent": ReceiptState.SENT,
    "delivered": ReceiptState.DELIVERED,
    # The network does not tell: it is known to have left.
    "delivery_unconfirmed": ReceiptState.SENT,
    "sending_failed": ReceiptState.FAILED,
    "delivery_failed": ReceiptState.FAILED,
    "expired": ReceiptState.FAILED,
    "read": ReceiptState.READ,
}
_EMPTY: Mapping[str, Any] = {}


class TelnyxSms:
    """Every number at Telnyx. Blocking; safe to share between threads.

    Of a `ChatAccount`, `account` is the messaging profile, or empty for whichever the number is in, `key` the
    API key, `secret` the public key that its events are checked by. Keys that are empty are the
    installation's. A message's status address names it, since Telnyx does not tell our reference. `timeout_s`
    bounds each phase of a request.
    """

    traits = ChatTraits(
        files={}, content_types={}, has_templates=False, has_window=False, has_choices=False,
        longest_text=LONGEST_TEXT, echoes_reference=False,
    )  # fmt: skip

    def __init__(
        self,
        *,
        api_key: str,
        public_key: str,
        base_url: str = "https://api.telnyx.com",
        timeout_s: float = 10.0,
    ) -> None:
        self._api_key, self._public_key = api_key, public_key
        self._http = ChatHttp("Telnyx", base_url, _judged, timeout_s=timeout_s)

    def close(self) -> None:
        """Give the client's resources back."""
        self._http.close()

    def send(self, account: ChatAccount, message: OutMessage) -> str:
        """Hand a message over once and return its id.

        Raises ChatRefused only where certainly nothing was sent, else ChatUncertain.
        """
        is_plain = message.text.isascii() and not _DOUBLE & set(message.text)
        body: dict[str, Any] = {
            "from": account.address,
            "to": message.to,
            "text": checked(message, LONGEST_PLAIN if is_plain else LONGEST_TEXT),
            "type": "SMS",
        }
        if account.account:
            body["messaging_profile_id"] = account.account
        if message.status_url:
            body["webhook_url"] = message.status_url
        data = _object(self._http.send(self._request("POST", account, "/messages", json=body)), "data")
        sent = data.get("id")
        if not isinstance(sent, str) or not sent:
            raise ChatUncertain("Telnyx took a message without naming its id")
        return sent

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
        """Return the number, once Telnyx shows it as this account's. Raises ChatRefused."""
        self._number(account)
        return account.address

    def subscribe(self, account: ChatAccount, *, url: str, verify_token: str) -> None:
        """Have messages to a number told to an address. Raises ChatRefused.

        Only a messaging profile has an address. One that the account names is pointed there with all its
        numbers. Else the number's own is, or, where it shares that with others, a new one that it moves to:
        other businesses' messages are not to come to this address.
        """
        del verify_token
        profile = account.account
        number = {} if profile else self._number(account)
        if (
            not profile
            and (found := _words(number, "messaging_profile_id"))
            and not self._is_shared(account, found)
        ):
            profile = found
        if profile:
            self._ask("PATCH", account, f"/messaging_profiles/{quote(profile, safe='')}", json=_told_at(url))
            return
        wish = {"name": f"Trunkline {account.address}", "whitelisted_destinations": ["*"], **_told_at(url)}
        made = _required_of(self._ask("POST", account, "/messaging_profiles", json=wish))
        path = f"/phone_numbers/{quote(_required_of(number), safe='')}/messaging"
        self._ask("PATCH", account, path, json={"messaging_profile_id": made})

    def _is_shared(self, account: ChatAccount, profile: str) -> bool:
        path = f"/messaging_profiles/{quote(profile, safe='')}/phone_numbers"
        request = self._request("GET", account, path, params={"page[size]": "2"})
        return len(_objects(self._http.ask(request).get("data"))) > 1

    def _number(self, account: ChatAccount) -> Mapping[str, Any]:
        query = {"filter[phone_number]": account.address}
        rows = self._http.ask(self._request("GET", account, "/phone_numbers", params=query)).get("data")
        for row in _objects(rows):
            if row.get("phone_number") == account.address:
                return row
        raise ChatRefused(
            f"{account.address} is no number of this account", refusal=Refusal.ACCOUNT, code="other_number"
        )

    def _ask(self, method: str, account: ChatAccount, path: str, **options: Any) -> Mapping[str, Any]:
        return _object(self._http.ask(self._request(method, account, path, **options)), "data")

    def handshake(self, query: Mapping[str, str], *, verify_token: str) -> str | None:
        """Telnyx asks for no proof."""
        del query, verify_token
        return None

    def is_signed(self, account: ChatAccount, body: bytes, headers: Mapping[str, str], *, url: str) -> bool:
        """Return whether Telnyx signed these bytes within five minutes, wherever they came to."""
        del url
        try:
            key = read_public_key(account.secret or self._public_key)
        except ValueError:
            return False
        return is_fresh_and_signed(key, body, headers, now=clock.now().timestamp())

    def read(self, body: bytes) -> Sequence[ChatEvent]:
        """Return the message or the receipts. Raises ValueError for bytes that are neither."""
        try:
            told = json.loads(body)
        except RecursionError as error:
            raise ValueError("the event is nested too deep") from error
        data = _object(told, "data")
        payload, kind = _object(data, "payload"), data.get("event_type")
        if not payload or not isinstance(kind, str):
            raise ValueError("data.payload is missing")
        if kind == "message.received":
            return _messages(data, payload)
        return _receipts(data, payload) if kind in {"message.sent", "message.finalized"} else ()

    def _request(self, method: str, account: ChatAccount, path: str, **options: Any) -> httpx.Request:
        headers = {"Authorization": f"Bearer {account.key or self._api_key}"}
        return self._http.build(method, f"/v2{path}", headers=headers, **options)


def _messages(data: Mapping[str, Any], payload: Mapping[str, Any]) -> Sequence[ChatEvent]:
    to, sender = _objects(payload.get("to")), _words(_object(payload, "from"), "phone_number")
    # Several are a group. A short code or a name cannot be answered.
    if len(to) != 1 or _objects(payload.get("cc")) or not is_e164(sender):
        return ()
    text = _words(payload, "text")
    kind = MessageKind.TEXT if text or not _objects(payload.get("media")) else MessageKind.UNSUPPORTED
    return (
        InMessage(
            id=_required(payload, "id"), account=_words(to[0], "phone_number"), from_=sender, name="",
            at=_moment(payload.get("received_at") or data.get("occurred_at")), kind=kind, text=text,
        ),
    )  # fmt: skip


def _receipts(data: Mapping[str, Any], payload: Mapping[str, Any]) -> Sequence[ChatEvent]:
    to = _objects(payload.get("to"))
    state = _STATES.get(_words(to[0], "status")) if len(to) == 1 else None
    person = _words(to[0], "phone_number") if to else ""
    if state is None or not is_e164(person):
        return ()
    error = next(iter(_objects(payload.get("errors"))), _EMPTY) if state is ReceiptState.FAILED else _EMPTY
    code = kept(str(error.get("code") or ""))
    said = ": ".join(filter(None, (_words(error, "title"), _words(error, "detail"))))
    return (
        Receipt(
            id=_required(payload, "id"), account=_words(_object(payload, "from"), "phone_number"), to=person,
            state=state, at=_moment(data.get("occurred_at")),
            reference=None,
            refusal=TELNYX.get(code, Refusal.MESSAGE) if code else None, code=code or None,
            detail=said or None,
        ),
    )  # fmt: skip


def _judged(reply: httpx.Response, body: Mapping[str, Any]) -> ChatRefused | None:
    error = next(iter(_objects(body.get("errors"))), _EMPTY)
    words = ": ".join(filter(None, (_words(error, "title"), _words(error, "detail"))))
    return judge("Telnyx", TELNYX, reply, str(error.get("code") or ""), words)


def _told_at(url: str) -> dict[str, str]:
    return {"webhook_url": url, "webhook_api_version": "2"}


def _required_of(row: Mapping[str, Any]) -> str:
    found = _words(row, "id")
    if not found:
        raise ChatRefused("Telnyx names no id", refusal=Refusal.LATER, code="unreadable")
    return found


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else clock.now()
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("a time is none") from error


def _required(row: Mapping[str, Any], name: str) -> str:
    value = _words(row, name)
    if not value:
        raise ValueError(f"{name} is missing")
    return value


def _words(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return kept(value) if isinstance(value, str) else ""


def _object(row: object, name: str) -> Mapping[str, Any]:
    value = row.get(name) if isinstance(row, dict) else None
    return value if isinstance(value, dict) else _EMPTY


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
