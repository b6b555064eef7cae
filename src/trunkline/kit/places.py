"""Which country a time zone lies in, as the time-zone database tells it."""

from __future__ import annotations

from functools import cache
from importlib import resources


def country_of_zone(zone: str) -> str | None:
    """Return the ISO 3166 country in which an IANA zone lies; None for one that is no place, such as UTC."""
    return _countries().get(zone)


@cache
def _countries() -> dict[str, str]:
    """Read zone.tab: country, coordinates and zone, by tabs. Each zone stands there once."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    lines = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    return {zone: country for country, _, zone, *_ in lines}
