"""Which voices espeak has, by the files that it brings: a name is looked up without starting it."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path


def fault_of_voice(name: str) -> str:
    """Return why espeak cannot speak by this name, `language` or `language+variant`; empty if it can.

    Also empty where espeak is not installed: nobody knows there.
    """
    if find_spec("espeakng_loader") is None:
        return ""
    languages, variants = _there()
    language, plus, variant = name.partition("+")
    if language.lower() not in languages:
        kin = [other for other in languages if other.partition("-")[0] == language.lower().partition("-")[0]]
        return f"espeak has no voice {language!r}; there is {', '.join(kin or languages)}"
    if plus and variant.lower() not in {known.lower() for known in variants}:
        return f"espeak has no variant {variant!r}; there is {', '.join(variants)}"
    return ""


def voices_for(language: str) -> tuple[str, ...]:
    """Return the names by which espeak speaks a language; none where it is not installed."""
    if find_spec("espeakng_loader") is None:
        return ()
    return tuple(name for name in _there()[0] if name.partition("-")[0] == language)


@cache
def _there() -> tuple[tuple[str, ...], tuple[str, ...]]:
    import espeakng_loader  # noqa: PLC0415 - of an optional extra

    data = Path(espeakng_loader.get_data_path())
    languages = sorted(file.name.lower() for file in (data / "lang").rglob("*") if file.is_file())
    return tuple(languages), tuple(sorted(file.name for file in (data / "voices" / "!v").iterdir()))
