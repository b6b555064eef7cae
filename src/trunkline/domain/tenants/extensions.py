"""Whom a business's calls can be handed to, and what callers get who find every line taken.

Pure: reads what people write and resolves names, extensions and numbers. Knows no carrier.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from trunkline.core.errors import InvalidInput
from trunkline.kit.phone import InvalidPhone, Surcharge, surcharge_of, to_dialable

UNLISTED = "unlisted"
"""Why calls are not handed to a number that is neither an extension's nor on the business's list."""

REFUSALS = {
    UNLISTED: "Calls may not be handed to {whom}: it is neither an extension nor on the business's list.",
    Surcharge.PREMIUM_RATE: "Calls may not be handed to {whom}: premium-rate numbers must be on the list.",
    Surcharge.FOREIGN: "Calls may not be handed to {whom}: numbers abroad must be on the business's list.",
}


class WhenFull(enum.StrEnum):
    """What a caller gets who finds every line of the business taken."""

    MESSAGE = "message"
    """A sentence that asks them to call again."""
    VOICEMAIL = "voicemail"
    """A tone, behind which they leave a message; the carrier keeps it, and it is heard in its account."""
    CALLBACK = "callback"
    """The promise that they are called back, which the dialler keeps."""


class Extension(BaseModel):
    """One colleague: the short number that people know them by, and the telephone that rings."""

    model_config = ConfigDict(extra="forbid")

    extension: str = Field(pattern=r"^\d{1,6}$")
    name: str = Field("", max_length=100)
    number: str = Field(max_length=40)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call is handed to."""

    number: str
    """E.164."""
    label: str
    """As people know it: `101 (Sales)`, or the number."""
    extension: str | None = None


def checked(extensions: Sequence[Mapping[str, str]], *, region: str) -> list[dict[str, str]]:
    """Return a business's extensions with their numbers in E.164. Raises InvalidInput."""
    rows = []
    for entry in extensions:
        try:
            number = to_dialable(entry["number"], region=region)
        except InvalidPhone as error:
            raise InvalidInput(
                f"Extension {entry['extension']}: {error}.",
                reason="extension_number",
                extension=entry["extension"],
            ) from error
        rows.append({"extension": entry["extension"], "name": entry.get("name", ""), "number": number})
    if len({row["extension"] for row in rows}) != len(rows):
        raise InvalidInput("Each extension is somebody's, once.", reason="extension_twice")
    return rows


def resolve(text: str, extensions: Sequence[Mapping[str, str]], *, region: str) -> Target:
    """Return whom this names: an extension, a colleague's name or a telephone number.

    Raises InvalidInput for what names nobody, and for a name that two bear.
    """
    wanted = text.strip()
    by_number = [row for row in extensions if row["extension"] == wanted]
    by_name = [row for row in extensions if row["name"] and row["name"].casefold() == wanted.casefold()]
    found = by_number or by_name
    if len(found) > 1:
        raise InvalidInput(
            f"{wanted!r} is the name of more than one colleague; say the extension.",
            reason="name_twice",
            name=wanted,
        )
    if found:
        row = found[0]
        label = f"{row['extension']} ({row['name']})" if row["name"] else row["extension"]
        return Target(row["number"], label, row["extension"])
    try:
        number = to_dialable(wanted, region=region)
    except InvalidPhone as error:
        raise InvalidInput(
            f"{wanted!r} is neither an extension nor a telephone number.", reason="nobody_called", name=wanted
        ) from error
    return Target(number, number)


def listed(numbers: Sequence[str], *, region: str) -> list[str]:
    """Return numbers that calls may be handed to in E.164, each once. Raises InvalidInput."""
    try:
        return list(dict.fromkeys(to_dialable(number, region=region) for number in numbers))
    except InvalidPhone as error:
        raise InvalidInput(f"{error}.", reason="not_a_number") from error


def refused_because(
    number: str, extensions: Sequence[Mapping[str, str]], numbers: Collection[str], *, region: str
) -> str | None:
    """Return why a business's calls may not be handed to this number (E.164); None: they may.

    What its admins have put on the list by itself is allowed, whatever it costs. An extension is allowed
    where its number is an ordinary one of the business's country; anything else is `unlisted`.
    """
    if number in numbers:
        return None
    surcharge: Surcharge | None = surcharge_of(number, home=region)
    if surcharge is not None:
        return surcharge
    return None if number in {row["number"] for row in extensions} else UNLISTED


def is_allowed(target: Target, allowed: Collection[str]) -> bool:
    """True if an agent with this list of extensions and numbers may hand a call to the target."""
    return target.number in allowed or (target.extension is not None and target.extension in allowed)
