"""What pydantic finds wrong with something that a person wrote, in words for that person.

Owns the wording. Where the fault stands, its caller says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS = {
    "extra_forbidden": "there is no such key",
    "missing": "must be there",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}


def in_words(fault: Mapping[str, Any]) -> str:
    """Return one of `ValidationError.errors()` as a phrase such as `must be a list`, without a full stop."""
    if words := _WORDS.get(fault["type"]):
        return words
    # Of a validator of ours pydantic keeps the words, behind some of its own.
    message = str(fault["msg"]).removeprefix("Value error, ")
    return message.replace("Input should be", "must be", 1).replace("String should", "must", 1)
