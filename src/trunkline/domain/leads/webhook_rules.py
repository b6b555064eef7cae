"""Pure decisions about what comes through a lead webhook: reading a body, and whether a secret proves it."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from urllib.parse import parse_qsl

from trunkline.domain.leads.own_values import Shape
from trunkline.domain.leads.row_faults import RowFault
from trunkline.domain.leads.rules import OWN, LeadRow, fields_with, map_headers, read_row

MOST_FIELDS = 200
_DEEPEST = 6
_LONGEST_KEY = 200

_FORM = "application/x-www-form-urlencoded"
_BEARER = "bearer "
_SIGNED = "sha256="

_OF_CODE = {"consent_unclear": "consent", "time_unclear": "consent_at", "time_impossible": "consent_at"}


class Unreadable(ValueError):
    """A body is neither of the forms that are read; `code` says how."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What of a delivery cannot be used, and why."""

    field: str
    code: str
    message: str
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


def is_proven(
    secrets: Iterable[str], body: bytes, *, authorization: str | None, signature: str | None
) -> bool:
    """Return whether a request bears one of these secrets, or a signature of its body made with one.

    `Authorization: Bearer <secret>`, or the HMAC-SHA256 of the raw body in hexadecimal as `sha256=<...>`.
    """
    bearer = (authorization or "").strip()
    said = bearer[len(_BEARER) :].strip() if bearer.lower().startswith(_BEARER) else ""
    signed = (signature or "").strip().lower().removeprefix(_SIGNED)
    proven = False
    for secret in secrets:
        made = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        proven |= hmac.compare_digest(said.encode(), secret.encode())
        proven |= hmac.compare_digest(signed.encode(), made.encode())
    return proven


def read_body(body: bytes, content_type: str) -> dict[str, str]:
    """Return what a body says, each text under its name; of what stands in another, `outer.inner`.

    JSON, or a form as browsers send it. Raises Unreadable.
    """
    try:
        written = body.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("The body is not UTF-8.", "not_utf8") from error
    if content_type.partition(";")[0].strip().lower() == _FORM:
        pairs = parse_qsl(written, keep_blank_values=True)
        return {key[:_LONGEST_KEY]: value for key, value in pairs[:MOST_FIELDS]}
    try:
        said = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise Unreadable("The body is not JSON, nor sent as a form.", "not_json") from error
    if not isinstance(said, dict):
        raise Unreadable("The body is not a JSON object.", "not_object")
    flat: dict[str, str] = {}
    _flatten(said, "", flat, _DEEPEST)
    return {_whole(name): _whole(value) for name, value in flat.items()}


def columns_of(
    said: Mapping[str, str], mapping: Mapping[str, str], own: Sequence[Shape] = ()
) -> dict[str, str]:
    """Return our field -> under which name it was sent: as the mapping has it, else by its usual names."""
    names = list(said)
    usual = map_headers([name.rsplit(".", 1)[-1] for name in names], own)
    found = {field: names[number - 1] for field, number in usual.items() if field not in mapping}
    return found | {field: name for field, name in mapping.items() if name in said}


def read_lead(
    said: Mapping[str, str], mapping: Mapping[str, str], *, region: str, zone: tzinfo,
    own: Sequence[Shape] = (),
) -> LeadRow | FieldFault:  # fmt: skip
    """Return what a delivery says of a person, by the rules by which rows of lists are read.

    `own`: the fields of the business's own, which are found by their keys and labels.
    """
    named = columns_of(said, mapping, own)
    if not said.get(named.get("phone", ""), "").strip():
        looked = mapping.get("phone") or "phone"
        return FieldFault(
            "phone", "missing", f"No telephone number was sent as {looked!r}.", {"name": looked}
        )
    names = list(said)
    numbers = {ours: names.index(name) + 1 for ours, name in named.items()}
    row = read_row(
        1, [value.replace("\0", "") for value in said.values()], numbers, region=region, zone=zone,
        own={shape.key: shape for shape in own},
    )  # fmt: skip
    if not isinstance(row, RowFault):
        return row
    code = row.code or "unusable"
    labelled = {shape.label: f"{OWN}{shape.key}" for shape in own}
    at_fault = (
        row.facts.get("field") or labelled.get(row.facts.get("label", "")) or _OF_CODE.get(code, "phone")
    )
    return FieldFault(at_fault, code, f"{row.reason}.", row.facts)


def unknown_fields(mapping: Mapping[str, Any], own: Sequence[Shape] = ()) -> list[str]:
    """Return what a mapping names that no lead of the business has."""
    return sorted(set(mapping) - set(fields_with(own)))


def _flatten(value: Any, name: str, into: dict[str, str], depth: int) -> None:
    if len(into) >= MOST_FIELDS or depth == 0:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            _flatten(inner, f"{name}.{key}" if name else str(key), into, depth - 1)
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for number, inner in enumerate(value):
            _flatten(inner, f"{name}.{number}", into, depth - 1)
    else:
        into[name[:_LONGEST_KEY]] = _text(value)


def _whole(text: str) -> str:
    """Return a text without the halves of letters that JSON can escape, and that no text really has."""
    return text.encode(errors="replace").decode()


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(inner) for inner in value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
