"""Templates as Graph lists them, in our words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from trunkline.providers.ports.chat import Template

_VARIABLE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_FILE_HEADERS = frozenset({"IMAGE", "VIDEO", "DOCUMENT", "LOCATION"})


def read_template(row: Mapping[str, Any]) -> Template:
    """Read one row of `message_templates`. Raises ValueError on what is none."""
    parts = {str(part.get("type", "")).upper(): part for part in _objects(row.get("components"))}
    header, body = parts.get("HEADER", {}), _text(parts.get("BODY", {}))
    kind = str(header.get("format", "TEXT")).upper()
    header_text = _text(header) if kind not in _FILE_HEADERS else ""
    buttons = _objects(parts.get("BUTTONS", {}).get("buttons"))
    variable = tuple(place for place, button in enumerate(buttons) if _is_variable(button))
    header_names, body_names = _names(header_text), _names(body)
    named = str(row.get("parameter_format", "")).upper() == "NAMED"
    return Template(
        name=_required(row, "name"),
        language=_required(row, "language"),
        status=_required(row, "status").lower(),
        category=str(row.get("category") or "").lower(),
        header=f"[{kind.lower()}]" if kind in _FILE_HEADERS else _numbered(header_text, header_names),
        body=_numbered(body, body_names),
        footer=_text(parts.get("FOOTER", {})),
        buttons=tuple(str(button.get("text") or "") for button in buttons),
        parameters={"header": len(header_names), "body": len(body_names), "buttons": len(variable)},
        variable_buttons=variable,
        names=(*header_names, *body_names) if named else (),
    )


def _names(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(_VARIABLE.findall(text)))
    # Numbers are given in their order, wherever each stands.
    return tuple(sorted(found, key=int)) if all(name.isdecimal() for name in found) else found


def _numbered(text: str, names: Sequence[str]) -> str:
    places = dict(zip(names, count(1), strict=False))
    return _VARIABLE.sub(lambda found: f"{{{{{places[found[1]]}}}}}", text)


def _is_variable(button: Mapping[str, Any]) -> bool:
    is_link = str(button.get("type", "")).upper() == "URL"
    return is_link and _VARIABLE.search(str(button.get("url", ""))) is not None


def _text(part: Mapping[str, Any]) -> str:
    return str(part.get("text") or "")


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _required(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"a template has no {name}")
    return value
