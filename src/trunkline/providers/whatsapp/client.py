"""WhatsApp's Cloud API as a `Chat`. Keys come with each account; none is kept.

What a request's outcome proves is decided in `chat_http` and `errors`; messages are written in `composing`,
what is told is read in `reading`, files are `media`'s. Only the last request of `send` sends, and none is
repeated.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from trunkline.providers.chat_http import ChatHttp, header
from trunkline.providers.ports.chat import (
    ChatAccount,
    ChatRefused,
    ChatTraits,
    ChatUncertain,
    InFile,
    MessageKind,
    OutFile,
    OutMessage,
    Refusal,
    Template,
)
from trunkline.providers.whatsapp import composing, media, wire
from trunkline.providers.whatsapp.errors import judge
from trunkline.providers.whatsapp.reading import read
from trunkline.providers.whatsapp.templates import read_template

_TEMPLATE_FIELDS = "name,language,status,category,components,parameter_format"
_PAGE, _MOST_PAGES = 100, 100
_LONGEST_CHALLENGE = 200


class WhatsApp:
    """Every number at Graph, or at the stand-in for it. Blocking; safe to share between threads.

    `timeout_s` bounds each phase of a request.
    """

    traits = ChatTraits(
        files=wire.MOST_BYTES,
        content_types=wire.CONTENT_TYPES,
        has_templates=True,
        has_window=True,
        has_choices=True,
        longest_text=wire.LONGEST_TEXT,
        echoes_reference=True,
    )

    def __init__(self, *, base_url: str = wire.GRAPH_URL, timeout_s: float = 10.0) -> None:
        self._http = ChatHttp("WhatsApp", base_url, judge, timeout_s=timeout_s)

    def close(self) -> None:
        """Give the client's resources back."""
        self._http.close()

    def send(self, account: ChatAccount, message: OutMessage) -> str:
        """Upload the message's file, if it has one, and hand it over once; return Graph's id of it.

        Raises ChatRefused only where certainly nothing was sent, else ChatUncertain.
        """
        file = composing.file_of(message)
        composing.composed(message, "")  # before anything is uploaded
        media_id = None
        if file is not None:
            media.check_file(_kind(message, file), file)
            media_id = media.upload(self._http, f"{_node(account)}/media", file, _signed_by(account))
        body = composing.composed(message, media_id)
        reply = self._http.send(self._post(account, f"{_node(account)}/messages", body))
        return _message_id(reply)

    def download(self, account: ChatAccount, file: InFile, into: Path, *, most_bytes: int) -> str:
        """Fetch a file that came in, and return its content type. Raises ChatRefused.

        Graph names its address, which is used within five minutes and only if it is Meta's own.
        """
        node = self._get(account, f"/{quote(file.handle, safe='')}", phone_number_id=account.account)
        size = node.get("file_size")
        if isinstance(size, int) and size > most_bytes:
            raise composing.misfit(f"the file has more than {most_bytes} bytes", "file_size")
        return media.fetch(self._http, node, account.key, file, into, most_bytes=most_bytes)

    def mark_read(self, account: ChatAccount, message_id: str) -> None:
        """Show the person that theirs was read, and those before it. Raises ChatRefused."""
        body = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
        self._http.ask(self._post(account, f"{_node(account)}/messages", body))

    def templates(self, account: ChatAccount) -> Sequence[Template]:
        """Return every template of the account, whatever its status. Raises ChatRefused."""
        found: list[Template] = []
        query = {"fields": _TEMPLATE_FIELDS, "limit": str(_PAGE)}
        for _ in range(_MOST_PAGES):
            page = self._get(account, f"/{quote(account.owner, safe='')}/message_templates", **query)
            try:
                rows = page["data"]
                found.extend(read_template(row) for row in rows)
                paging = page.get("paging", {})
                after = paging["cursors"]["after"] if "next" in paging else None
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise _unreadable("templates") from error
            if after is None:
                return found
            # By its cursor and not by the address that it names, which is nobody's to choose but ours.
            query["after"] = str(after)
        raise _unreadable("templates")

    def check(self, account: ChatAccount) -> str:
        """Return the name that Graph shows people for this number. Raises ChatRefused.

        Also of a key, a secret or a number that do not belong together.
        """
        node = self._get(account, _node(account), fields="display_phone_number,verified_name")
        shown = str(node.get("display_phone_number") or "")
        if _digits(shown) != _digits(account.address):
            raise ChatRefused(
                f"the number of this id is {shown or 'none'}", refusal=Refusal.ACCOUNT, code="other_number"
            )
        return str(node.get("verified_name") or shown)

    def subscribe(self, account: ChatAccount, *, url: str, verify_token: str) -> None:
        """Have events of the whole WhatsApp Business Account told to this address. Raises ChatRefused.

        Graph asks the address for proof (`handshake`) before it answers.
        """
        body = {"override_callback_uri": url, "verify_token": verify_token}
        path = f"/{quote(account.owner, safe='')}/subscribed_apps"
        if self._http.ask(self._post(account, path, body)).get("success") is not True:
            raise ChatRefused("WhatsApp did not subscribe", refusal=Refusal.LATER, code="not_subscribed")

    def handshake(self, query: Mapping[str, str], *, verify_token: str) -> str | None:
        """Return Graph's challenge where it knows the token; None: it is not to be proved."""
        given = query.get("hub.verify_token", "")
        knows = hmac.compare_digest(given.encode("utf-8", "replace"), verify_token.encode())
        challenge = query.get("hub.challenge", "")
        is_asked = query.get("hub.mode") == "subscribe" and 0 < len(challenge) <= _LONGEST_CHALLENGE
        return challenge if verify_token and knows and is_asked else None

    def is_signed(self, account: ChatAccount, body: bytes, headers: Mapping[str, str], *, url: str) -> bool:
        """Return whether the app with this secret signed these bytes; where they came to is no part of it."""
        del url
        return wire.is_signed(account.secret, body, header(headers, wire.SIGNATURE_HEADER))

    read = staticmethod(read)

    def _get(self, account: ChatAccount, path: str, **query: str) -> dict[str, Any]:
        options = _signed_by(account)
        options["params"] = {**options["params"], **query}
        return self._http.ask(self._http.build("GET", path, **options))

    def _post(self, account: ChatAccount, path: str, body: Mapping[str, Any]) -> httpx.Request:
        return self._http.build("POST", path, json=body, **_signed_by(account))


def _signed_by(account: ChatAccount) -> dict[str, Any]:
    """Return what says who asks. The proof has a wrong secret found out before an event is turned away."""
    proof = {"appsecret_proof": wire.proof(account.secret, account.key)} if account.secret else {}
    return {"headers": {"Authorization": f"Bearer {account.key}"}, "params": proof}


def _node(account: ChatAccount) -> str:
    return f"/{quote(account.account, safe='')}"


def _kind(message: OutMessage, file: OutFile) -> MessageKind:
    return (
        message.kind if message.kind in composing.FILES else composing.kind_of(media.plain(file.content_type))
    )


def _message_id(reply: Mapping[str, Any]) -> str:
    rows = reply.get("messages")
    first = rows[0] if isinstance(rows, list) and rows else None
    message_id = first.get("id") if isinstance(first, dict) else None
    if not isinstance(message_id, str) or not message_id:
        raise ChatUncertain("WhatsApp took a message without naming its id")
    return message_id


def _unreadable(what: str) -> ChatRefused:
    return ChatRefused(f"WhatsApp's list of {what} cannot be read", refusal=Refusal.LATER, code="unreadable")


def _digits(number: str) -> str:
    return "".join(letter for letter in number if letter.isdecimal())
