"""Telephone numbers: reading what people type, writing E.164, and where a number is at home."""

from __future__ import annotations

import enum
import re
from functools import lru_cache

import phonenumbers
from phonenumbers import timezone as number_zones


class Surcharge(enum.StrEnum):
    """Why a call to a number may cost more than others."""

    PREMIUM_RATE = "premium_rate"
    """Of a kind whose owner earns by being called, or that is billed apart: premium rate, shared cost."""
    FOREIGN = "foreign"


_PREMIUM = frozenset(
    {
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
        phonenumbers.PhoneNumberType.PAGER,
        phonenumbers.PhoneNumberType.UAN,
    }
)


_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


class InvalidPhone(ValueError):
    """The text is not a telephone number that could be dialled: why, as a code, with the facts of it."""

    def __init__(self, message: str, code: str, **facts: str) -> None:
        super().__init__(message)
        self.code = code
        self.facts = facts


def to_e164(text: str, *, region: str) -> str:
    """Return the number in E.164 (`+972502345678`), reading national forms as of `region` (ISO 3166).

    Raises InvalidPhone with the text, so that an import can show the row's fault.
    """
    return _written(_read(text, region))


def to_dialable(text: str, *, region: str) -> str:
    """Do the same for a number that is to be dialled: it must be one that is given to somebody somewhere.

    A number of a fitting length in a range that no country uses has no zone, so nobody could say when to
    call it. Raises InvalidPhone.
    """
    number = _read(text, region)
    if not phonenumbers.is_valid_number(number):
        code = number.country_code or 0
        country = phonenumbers.region_code_for_country_code(code)
        is_known = country.isalpha() and country != "ZZ"
        where, there = (f"in {country}", country) if is_known else (f"with +{code}", f"+{code}")
        raise InvalidPhone(f"{text!r}: no such number {where}", "phone_unknown", text=text, country=there)
    return _written(number)


def _read(text: str, region: str) -> phonenumbers.PhoneNumber:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        why = "phone_wrong" if text.strip() else "phone_missing"
        raise InvalidPhone(f"{text!r} is not a telephone number", why, text=text) from error
    if not phonenumbers.is_possible_number(number):
        raise InvalidPhone(
            f"{text!r} does not have the length of a telephone number", "phone_length", text=text
        )
    return number


def _written(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def has_numbers(region: str) -> bool:
    """Return whether this is a country (ISO 3166) whose form of telephone numbers is known."""
    return region in phonenumbers.SUPPORTED_REGIONS


def calling_code(region: str) -> int | None:
    """Return the digits that numbers of a country (ISO 3166) begin with abroad; None: nobody knows it."""
    return phonenumbers.country_code_for_region(region) or None


def is_e164(text: str) -> bool:
    """Return whether this has the form of a number, `+972502345678`; withheld ones and addresses do not."""
    return _E164.fullmatch(text) is not None


@lru_cache(maxsize=65_536)
def zones_of(e164: str) -> tuple[str, ...]:
    """Return the IANA zones where the number may be at home; empty when nobody can say, or it is none."""
    try:
        zones = number_zones.time_zones_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return ()
    return tuple(zone for zone in zones if zone != "Etc/Unknown")


def country_of(e164: str) -> str | None:
    """Return the ISO 3166 country of a number; None where nobody can say, or it is none."""
    try:
        country = phonenumbers.region_code_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return None
    return country if country is not None and country.isalpha() else None


def surcharge_of(e164: str, *, home: str) -> Surcharge | None:
    """Return why a call to this number may cost more than one within `home` (ISO 3166); None: it does not.

    A number of which nobody can say the country is foreign everywhere.
    """
    if phonenumbers.number_type(phonenumbers.parse(e164)) in _PREMIUM:
        return Surcharge.PREMIUM_RATE
    return None if country_of(e164) == home else Surcharge.FOREIGN
