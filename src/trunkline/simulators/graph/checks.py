"""What Graph finds wrong with a message: its shape, its lengths, its template. Written from Graph's side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from trunkline.providers.whatsapp import wire
from trunkline.providers.whatsapp.wire import ErrorCode
from trunkline.simulators.graph.book import Book, GraphRefuses, Owner

_PHONE = re.compile(r"\+?[1-9][0-9]{6,14}")
_BROKEN = re.compile(r"[\n\r\t]| {5}")
_VARIABLE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_FILES = frozenset({"image", "video", "audio", "document", "sticker"})
_KNOWN = frozenset({"text", "interactive", "template", "reaction", "location", "contacts"}) | _FILES


def check(book: Book, owner: Owner, body: Mapping[str, Any]) -> None:
    """Raises GraphRefuses for a message that Graph would not take."""
    if body.get("messaging_product") != "whatsapp":
        raise _parameter("messaging_product")
    if not _PHONE.fullmatch(str(body.get("to", ""))):
        raise _value("to", "not a valid whatsapp business phone number or user")
    if len(str(body.get("biz_opaque_callback_data", ""))) > wire.LONGEST_REFERENCE:
        raise _value("biz_opaque_callback_data", "too long")
    kind = str(body.get("type", "text"))
    part = body.get(kind)
    if kind not in _KNOWN:
        raise GraphRefuses(400, ErrorCode.UNSUPPORTED_TYPE, "(#131051) Unsupported message type")
    if not isinstance(part, dict):
        raise _parameter(kind)
    if kind == "text":
        _length(part.get("body"), wire.LONGEST_TEXT, "text['body']")
    elif kind == "interactive":
        _interactive(part)
    elif kind == "template":
        _template(book, owner, part)
    elif kind in _FILES:
        _length(part.get("caption", "-"), wire.LONGEST_CAPTION, f"{kind}['caption']")
        _media(book, owner, part)


def _interactive(part: Mapping[str, Any]) -> None:
    action = part.get("action", {})
    _length(part.get("body", {}).get("text"), wire.LONGEST_LIST_TEXT, "interactive['body']['text']")
    if part.get("type") == "button":
        buttons = action.get("buttons", [])
        _length(part["body"]["text"], wire.LONGEST_BUTTONS_TEXT, "interactive['body']['text']")
        _number(buttons, wire.MOST_BUTTONS, "interactive['action']['buttons']")
        for button in buttons:
            _length(button["reply"]["title"], wire.LONGEST_BUTTON, "button title")
            _length(button["reply"]["id"], wire.LONGEST_BUTTON_KEY, "button id")
    elif part.get("type") == "list":
        rows = [row for section in action.get("sections", []) for row in section["rows"]]
        _length(action.get("button"), wire.LONGEST_BUTTON, "interactive['action']['button']")
        _number(rows, wire.MOST_ROWS, "interactive['action']['sections']")
        for row in rows:
            _length(row["title"], wire.LONGEST_ROW, "row title")
            _length(row.get("description", "-"), wire.LONGEST_DESCRIPTION, "row description")
    else:
        raise _value("interactive['type']", "not one of button, list")


def _template(book: Book, owner: Owner, part: Mapping[str, Any]) -> None:
    name, language = part.get("name"), part.get("language", {}).get("code")
    row = next((row for row in owner.templates if (row["name"], row["language"]) == (name, language)), None)
    if row is None or row["status"] != "APPROVED":
        raise GraphRefuses(
            404, ErrorCode.NO_TEMPLATE, "(#132001) Template name does not exist in the translation",
            f"template name ({name}) does not exist in {language}",
        )  # fmt: skip
    given = {str(component.get("type")).upper(): component for component in part.get("components", [])}
    for component in row["components"]:
        kind = str(component["type"]).upper()
        wanted = dict.fromkeys(_VARIABLE.findall(str(component.get("text", ""))))
        parameters = given.get(kind, {}).get("parameters", [])
        file = str(component.get("format", "TEXT")).lower() if kind == "HEADER" else "text"
        if file != "text":
            if len(parameters) != 1 or parameters[0].get("type") != file:
                raise GraphRefuses(
                    400, 132012, "(#132012) Parameter format does not match format in the template"
                )
            _media(book, owner, parameters[0][file])
        elif kind in {"HEADER", "BODY"} and len(parameters) != len(wanted):
            raise GraphRefuses(
                400, ErrorCode.TEMPLATE_PARAMETERS, "(#132000) Number of parameters does not match",
                f"{kind.lower()}: number of localizable_params ({len(parameters)}) does not match the "
                f"expected number of params ({len(wanted)})",
            )  # fmt: skip
        elif any(_BROKEN.search(str(parameter.get("text", ""))) for parameter in parameters):
            raise GraphRefuses(
                400, 132018, "(#132018) There is an issue with the parameters in your template",
                "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
            )  # fmt: skip
        elif str(row.get("parameter_format", "")).upper() == "NAMED":
            named = [parameter.get("parameter_name") for parameter in parameters]
            if set(named) != set(wanted):
                raise GraphRefuses(400, 100, "(#100) Invalid parameter", f"Parameter name is missing: {kind}")


def _media(book: Book, owner: Owner, part: Mapping[str, Any]) -> None:
    found = book.media.get(str(part.get("id", "")))
    if found is None or found.owner != owner.id:
        raise _value("id", f"{part.get('id')} is not a valid whatsapp business account media attachment ID")


def _length(value: object, longest: int, what: str) -> None:
    if not isinstance(value, str) or not value:
        raise _parameter(what)
    if len(value) > longest:
        raise GraphRefuses(
            400,
            ErrorCode.INVALID_PARAMETER,
            f"(#100) Param {what} must be at most {longest} characters long.",
        )


def _number(items: Sequence[object], most: int, what: str) -> None:
    if not 0 < len(items) <= most:
        raise _value(what, f"invalid count: min count: 1, max count: {most}")


def _parameter(name: str) -> GraphRefuses:
    return GraphRefuses(
        400, ErrorCode.MISSING_PARAMETER, "(#131008) Required parameter is missing",
        f"Parameter of type {name} is missing",
    )  # fmt: skip


def _value(name: str, why: str) -> GraphRefuses:
    return GraphRefuses(
        400, ErrorCode.PARAMETER_VALUE, "(#131009) Parameter value is not valid", f"{name}: {why}"
    )
