"""What Graph tells by its webhooks, in our words. Signatures are looked at elsewhere.

One body may hold several accounts, changes and messages. What is said to a group, what is no message of a
person's (a changed number, an opened chat), and what names no number to answer to is left out; an item that
is malformed does not take the others with it.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from trunkline.kit.phone import is_e164
from trunkline.providers.ports.chat import (
    ChatEvent,
    InFile,
    InMessage,
    MessageKind,
    Receipt,
    ReceiptState,
    TemplateNews,
)
from trunkline.providers.whatsapp.errors import described, of_receipt
from trunkline.providers.whatsapp.wire import OBJECT

_log = logging.getLogger(__name__)

_HEX = re.compile(r"[0-9a-f]{64}")
_FILES = {kind.value: kind for kind in (
    MessageKind.IMAGE, MessageKind.VIDEO, MessageKind.AUDIO, MessageKind.DOCUMENT, MessageKind.STICKER,
)}  # fmt: skip
_ABOUT_TEMPLATES = frozenset(
    {
        "message_template_status_update",
        "message_template_components_update",
        "message_template_quality_update",
        "template_category_update",
    }
)
_NO_MESSAGES = frozenset({"system", "request_welcome"})
"""Types under which Graph tells of a person what they did not write."""
_STATES = {
    "sent": ReceiptState.SENT,
    "delivered": ReceiptState.DELIVERED,
    "read": ReceiptState.READ,
    # A voice message was listened to.
    "played": ReceiptState.READ,
    "failed": ReceiptState.FAILED,
}
_EMPTY: Mapping[str, Any] = {}


def read(body: bytes) -> Sequence[ChatEvent]:
    """Return what happened, in the order told. Raises ValueError for bytes that are no webhook of Graph's."""
    try:
        told = json.loads(body)
    except RecursionError as error:
        raise ValueError("the event is nested too deep") from error
    if not isinstance(told, dict) or told.get("object") != OBJECT or not isinstance(told.get("entry"), list):
        raise ValueError(f"this is no event of a {OBJECT}")
    return [event for entry in _objects(told["entry"]) for event in _of_entry(entry)]


def _of_entry(entry: Mapping[str, Any]) -> Iterator[ChatEvent]:
    for change in _objects(entry.get("changes")):
        field, value = _words(change, "field"), change.get("value")
        if field in _ABOUT_TEMPLATES:
            owner = entry.get("id")
            if isinstance(owner, str) and owner:
                yield TemplateNews(owner)
        elif field == "messages" and isinstance(value, dict):
            yield from _of_messages(value)


def _of_messages(value: Mapping[str, Any]) -> Iterator[ChatEvent]:
    account = _object(value, "metadata").get("phone_number_id")
    if not isinstance(account, str) or not account:
        return
    names = {
        contact.get("wa_id"): _words(_object(contact, "profile"), "name")
        for contact in _objects(value.get("contacts"))
        if isinstance(contact.get("wa_id"), str)
    }
    yield from _readable(_objects(value.get("messages")), lambda row: _message(row, account, names))
    yield from _readable(_objects(value.get("statuses")), lambda row: _receipt(row, account))


def _readable(
    rows: Sequence[Mapping[str, Any]], read_one: Callable[[Mapping[str, Any]], ChatEvent | None]
) -> Iterator[ChatEvent]:
    for row in rows:
        try:
            event = read_one(row)
        except ValueError as error:
            _log.warning("WhatsApp told of something that cannot be read: %s", error)
            continue
        if event is not None:
            yield event


def _message(row: Mapping[str, Any], account: str, names: Mapping[Any, str]) -> InMessage | None:
    kind = _words(row, "type")
    if row.get("group_id") or kind in _NO_MESSAGES:
        return None
    sender = _required(row, "from")
    given: dict[str, Any] = {"kind": MessageKind.UNSUPPORTED, "text": ""}
    if not row.get("errors"):
        given |= _content(kind, row)
    return InMessage(
        id=_required(row, "id"),
        account=account,
        from_=_e164(sender),
        name=names.get(sender, ""),
        at=_moment(row.get("timestamp")),
        **{"reply_to": _words(_object(row, "context"), "id") or None, **given},
    )


def _content(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "contacts":
        return _contacts(row)
    part = _object(row, kind)
    if kind in _FILES:
        # Without what it is fetched by, there is a file that nobody can have.
        file = _file(part)
        return {"kind": _FILES[kind], "text": _words(part, "caption"), "file": file} if file else {}
    reader = _READERS.get(kind)
    return reader(part) if reader is not None else {}


def _file(part: Mapping[str, Any]) -> InFile | None:
    handle = part.get("id")
    if not isinstance(handle, str) or not handle:
        return None
    return InFile(
        handle=handle,
        content_type=_words(part, "mime_type"),
        name=_words(part, "filename"),
        sha256=hexadecimal(part.get("sha256")),
    )


def _text(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": MessageKind.TEXT, "text": _words(part, "body")}


def _button(part: Mapping[str, Any]) -> dict[str, Any]:
    # Of a template: what it was given as payload, by default its words.
    text = _words(part, "text")
    return {"kind": MessageKind.CHOICE, "text": text, "choice": _words(part, "payload") or text}


def _interactive(part: Mapping[str, Any]) -> dict[str, Any]:
    chosen = _object(part, "button_reply") or _object(part, "list_reply")
    key = chosen.get("id")
    if not isinstance(key, str) or not key:
        return {}
    return {"kind": MessageKind.CHOICE, "text": _words(chosen, "title"), "choice": key}


def _reaction(part: Mapping[str, Any]) -> dict[str, Any]:
    to = part.get("message_id")
    reply_to = to if isinstance(to, str) and to else None
    return {"kind": MessageKind.REACTION, "text": _words(part, "emoji"), "reply_to": reply_to}


def _location(part: Mapping[str, Any]) -> dict[str, Any]:
    latitude, longitude = part.get("latitude"), part.get("longitude")
    if not (_is_within(latitude, 90) and _is_within(longitude, 180)):
        return {}
    said = ", ".join(filter(None, (_words(part, "name"), _words(part, "address"))))
    return {"kind": MessageKind.LOCATION, "text": said, "location": (latitude, longitude)}


def _is_within(degrees: object, most: int) -> bool:
    return isinstance(degrees, int | float) and -most <= degrees <= most


def _contacts(row: Mapping[str, Any]) -> dict[str, Any]:
    cards = []
    for card in _objects(row.get("contacts")):
        phones = [_words(phone, "phone") for phone in _objects(card.get("phones"))]
        cards.append(", ".join(filter(None, (_words(_object(card, "name"), "formatted_name"), *phones))))
    return {"kind": MessageKind.CONTACTS, "text": "\n".join(filter(None, cards))}


_READERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "text": _text,
    "button": _button,
    "interactive": _interactive,
    "reaction": _reaction,
    "location": _location,
}


def _receipt(row: Mapping[str, Any], account: str) -> Receipt | None:
    state = _STATES.get(str(row.get("status")))
    if state is None or row.get("recipient_type") == "group" or row.get("group_id"):
        return None
    reference = row.get("biz_opaque_callback_data")
    error = next(iter(_objects(row.get("errors"))), _EMPTY) if state is ReceiptState.FAILED else _EMPTY
    code = error.get("code")
    return Receipt(
        id=_required(row, "id"),
        account=account,
        to=_e164(_required(row, "recipient_id")),
        state=state,
        at=_moment(row.get("timestamp")),
        reference=reference if isinstance(reference, str) and reference else None,
        refusal=of_receipt(code) if isinstance(code, int) else None,
        code=str(code) if isinstance(code, int) else None,
        detail=described(error) if error else None,
    )


def hexadecimal(digest: object) -> str | None:
    """Return a SHA-256 in hexadecimal: webhooks have it in base64, older ones and the media node in that."""
    if not isinstance(digest, str):
        return None
    if _HEX.fullmatch(digest.lower()):
        return digest.lower()
    try:
        raw = base64.b64decode(digest, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw.hex() if len(raw) == 32 else None


def _e164(digits: str) -> str:
    number = f"+{digits.removeprefix('+')}"
    if not is_e164(number):
        raise ValueError("a number is none")
    return number


def _moment(value: object) -> datetime:
    if not isinstance(value, str | int) or not str(value).isascii() or not str(value).isdecimal():
        raise ValueError("timestamp is no time")
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("timestamp is no time") from error


def _required(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value or value != _words(row, name):
        raise ValueError(f"{name} is missing")
    return value


def _words(row: Mapping[str, Any], name: str) -> str:
    """Return a text as a database can keep it."""
    value = row.get(name)
    if not isinstance(value, str):
        return ""
    # Half a pair of surrogates, which JSON can say, and the zero byte are no text.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")


def _object(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = row.get(name)
    return value if isinstance(value, dict) else _EMPTY


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
