"""Names in braces in a message's words, and what stands there for one person. Pure.

Words that name what there is not are refused where they are written; a fact that a person lacks is an empty
text here, and whoever sends decides what that means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from trunkline.core.errors import InvalidInput

FACTS = ("name", "first_name", "phone", "email", "business")
"""What every business may name; besides them `lead_` and the key of a field of its own."""

_NAMED = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def named(texts: Iterable[str]) -> list[str]:
    """Return the names that these texts hold, in order, each once."""
    return list(dict.fromkeys(name for text in texts for name in _NAMED.findall(text)))


def check(texts: Iterable[str], *, known: Iterable[str]) -> None:
    """Refuse names of what there is not. Raises InvalidInput, naming the first."""
    there = set(known)
    for name in named(texts):
        if name not in there:
            raise InvalidInput(f"There is no {{{name}}}.", reason="unknown_variable", name=name)


def filled(text: str, facts: Mapping[str, str]) -> str:
    """Return a text with its names replaced; a name that there is not stays as it stands."""
    return _NAMED.sub(lambda found: facts.get(found[1], found[0]), text)


def person(*, name: str, phone: str, email: str | None, business: str) -> dict[str, str]:
    """Return the facts that every person has."""
    return {
        "name": name,
        "first_name": name.split(maxsplit=1)[0] if name.strip() else "",
        "phone": phone,
        "email": email or "",
        "business": business,
    }
