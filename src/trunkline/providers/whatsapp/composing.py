"""Our messages in Graph's words: what `POST /{phone_number_id}/messages` is given.

What Graph would refuse for its length or kind is refused here, before anything is uploaded. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from trunkline.providers.ports.chat import (
    ChatRefused,
    Choice,
    MessageKind,
    OutFile,
    OutMessage,
    Refusal,
    TemplateUse,
)
from trunkline.providers.whatsapp import wire

FILES = frozenset(wire.MOST_BYTES)
"""Kinds of message that are files."""
_HAVE_CAPTION = frozenset({MessageKind.IMAGE, MessageKind.VIDEO, MessageKind.DOCUMENT})
_BREAKS, _SPACES = re.compile(r"\s*[\n\r\t\v\f\x85\u2028\u2029]\s*"), re.compile(r" {5,}")
_MENU = "\N{TRIGRAM FOR HEAVEN}"
"""On the button of a list whose sender says nothing for it: three lines, as menus have."""


def composed(message: OutMessage, media_id: str | None) -> dict[str, Any]:
    """Return a message in Graph's words; `media_id` is what its file was uploaded as. Raises ChatRefused."""
    if len(message.reference) > wire.LONGEST_REFERENCE:
        raise misfit("the reference is too long", "reference")
    body = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        # With its plus: without one, Graph may take the digits for a number of the sender's own country.
        "to": message.to,
        **_content(message, media_id),
    }
    if message.reference:
        body["biz_opaque_callback_data"] = message.reference
    if message.reply_to and message.kind is not MessageKind.REACTION:
        body["context"] = {"message_id": message.reply_to}
    return body


def file_of(message: OutMessage) -> OutFile | None:
    """Return the file that is to be uploaded before, if there is one. Raises ChatRefused: it is missing."""
    if message.kind in FILES:
        if message.file is None:
            raise misfit(f"a message of kind {message.kind} needs its file", "file_missing")
        return message.file
    return message.template.header_file if message.template is not None else None


def kind_of(content_type: str) -> MessageKind:
    """Return as what a file goes in the header of a template. Raises ChatRefused."""
    for kind in (MessageKind.IMAGE, MessageKind.VIDEO, MessageKind.DOCUMENT):
        if content_type in wire.CONTENT_TYPES[kind]:
            return kind
    raise misfit(f"{content_type} cannot stand above a template", "content_type")


def misfit(why: str, code: str) -> ChatRefused:
    """Return the refusal of a message that Graph would not take; `code` is ours."""
    return ChatRefused(why, refusal=Refusal.MESSAGE, code=code)


def _content(message: OutMessage, media_id: str | None) -> dict[str, Any]:
    kind = message.kind
    if kind is MessageKind.TEXT:
        return {"type": "text", "text": _text(message.text)}
    if kind is MessageKind.BUTTONS:
        return {"type": "interactive", "interactive": _interactive(message)}
    if kind is MessageKind.TEMPLATE:
        if message.template is None:
            raise misfit("a message of kind template needs its template", "template_missing")
        return {"type": "template", "template": _template(message.template, media_id)}
    if kind is MessageKind.REACTION:
        if not message.reply_to:
            raise misfit("a reaction names the message that it is to", "reply_missing")
        return {"type": "reaction", "reaction": {"message_id": message.reply_to, "emoji": message.text}}
    if kind not in FILES or message.file is None:
        raise misfit(f"WhatsApp is not given messages of kind {kind}", "kind")
    return {"type": kind.value, kind.value: _file(message, message.file, media_id)}


def _text(text: str) -> dict[str, Any]:
    _fits(text, wire.LONGEST_TEXT, "the text")
    return {"body": text, "preview_url": "https://" in text}


def _file(message: OutMessage, file: OutFile, media_id: str | None) -> dict[str, Any]:
    media: dict[str, Any] = {"id": media_id}
    if message.text:
        if message.kind not in _HAVE_CAPTION:
            raise misfit(f"a message of kind {message.kind} has no words with it", "caption")
        _fits(message.text, wire.LONGEST_CAPTION, "the caption")
        media["caption"] = message.text
    if message.kind is MessageKind.DOCUMENT:
        media["filename"] = file.name
    return media


def _interactive(message: OutMessage) -> dict[str, Any]:
    choices = message.choices
    if not choices:
        raise misfit("there is nothing to choose from", "choices")
    if len({choice.key for choice in choices}) < len(choices):
        raise misfit("two choices have the same key", "choices")
    if len(choices) > wire.MOST_BUTTONS or any(choice.description for choice in choices):
        return _list(message)
    _fits(message.text, wire.LONGEST_BUTTONS_TEXT, "the text above buttons")
    for choice in choices:
        _fits(choice.title, wire.LONGEST_BUTTON, "a button's title")
        _fits(choice.key, wire.LONGEST_BUTTON_KEY, "a button's key")
    return {
        "type": "button",
        "body": {"text": message.text},
        "action": {"buttons": [{"type": "reply", "reply": _named(choice)} for choice in choices]},
    }


def _list(message: OutMessage) -> dict[str, Any]:
    if len(message.choices) > wire.MOST_ROWS:
        raise misfit(f"a list has {wire.MOST_ROWS} items at most", "choices")
    _fits(message.text, wire.LONGEST_LIST_TEXT, "the text above a list")
    menu = message.menu or _MENU
    _fits(menu, wire.LONGEST_BUTTON, "the title of a list's button")
    for choice in message.choices:
        _fits(choice.title, wire.LONGEST_ROW, "an item's title")
        _fits(choice.key, wire.LONGEST_ROW_KEY, "an item's key")
        if len(choice.description) > wire.LONGEST_DESCRIPTION:
            raise misfit(
                f"an item's description has {wire.LONGEST_DESCRIPTION} characters at most", "too_long"
            )
    rows = [
        {**_named(choice), **({"description": choice.description} if choice.description else {})}
        for choice in message.choices
    ]
    return {
        "type": "list",
        "body": {"text": message.text},
        "action": {"button": menu, "sections": [{"rows": rows}]},
    }


def _named(choice: Choice) -> dict[str, Any]:
    return {"id": choice.key, "title": choice.title}


def _template(use: TemplateUse, media_id: str | None) -> dict[str, Any]:
    if use.names and len(use.names) != len(use.header) + len(use.body):
        raise misfit("names and values of the template's variables are not as many", "template_names")
    components: list[dict[str, Any]] = []
    if use.header_file is not None:
        kind = kind_of(use.header_file.content_type)
        media: dict[str, Any] = {"id": media_id}
        if kind is MessageKind.DOCUMENT:
            media["filename"] = use.header_file.name
        components.append({"type": "header", "parameters": [{"type": kind.value, kind.value: media}]})
    elif use.header:
        components.append({"type": "header", "parameters": _values(use.header, use.names[: len(use.header)])})
    if use.body:
        components.append({"type": "body", "parameters": _values(use.body, use.names[len(use.header) :])})
    components.extend(
        {
            "type": "button", "sub_type": "url", "index": str(index),
            "parameters": [{"type": "text", "text": value}],
        }
        for index, value in enumerate(use.buttons) if value
    )  # fmt: skip
    # `language.policy` has one value only, which is the default.
    return {"name": use.name, "language": {"code": use.language}, "components": components}


def _values(values: Sequence[str], names: Sequence[str]) -> list[dict[str, str]]:
    found = []
    for value, name in zip_longest(values, names[: len(values)]):
        # A line break or a tab in a variable, or more spaces than these, has Graph refuse the message.
        text = _SPACES.sub("    ", _BREAKS.sub(" ", value)).strip()
        if not text:
            raise misfit("a variable of the template is empty", "template_value")
        parameter = {"type": "text", "text": text}
        found.append({**parameter, "parameter_name": name} if name else parameter)
    return found


def _fits(text: str, longest: int, what: str) -> None:
    if not text.strip():
        raise misfit(f"{what} is empty", "empty")
    if len(text) > longest:
        raise misfit(f"{what} has {len(text)} characters; WhatsApp takes {longest}", "too_long")
