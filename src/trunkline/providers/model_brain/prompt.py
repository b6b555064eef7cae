"""The words around a model that writes: what it has to know of voice and ears, and what is said unasked.

Owns the phrases of each language, and how an answer in several parts is told. Pure. What every model is told
is `call_prompt`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trunkline.providers.call_prompt import framed
from trunkline.providers.ports import CallBrief

STOP_USING_TOOLS = (
    "You have used enough tools for this answer. Use none now, except to end the call: "
    "tell the caller what you know."
)

SAID_JUST_NOW = (
    "You have just said this, and it is being spoken: «{begun}» Go on behind it; do not repeat it."
)

_MANNER = (
    "Everything you write is spoken aloud. Write plain sentences as people say them: no lists, no\n"
    "  headings, no marks, no addresses of pages unless you are asked; times, dates, sums and numbers as\n"
    "  they are spoken.",
    "What you hear was made out by a machine and may be wrong. Where it makes no sense, ask; read back\n"
    "  what matters before you act on it.",
    "Of an answer of yours that was cut off you see what was heard of it, and no more.",
)
_OPENED = "The line's first words have been said already, as you see them: do not introduce yourself again."
_TO_OPEN = "Begin by greeting the other and saying for whom you speak."


@dataclass(frozen=True, slots=True)
class Phrases:
    """What the agent says without its model, in one language."""

    farewell: str
    """Said where the model ends the call without a word."""


PHRASES: Mapping[str, Phrases] = {
    "en": Phrases("Goodbye."),
    "he": Phrases("להתראות."),
}


def phrases_of(language: str) -> Phrases:
    """Return the phrases of a language; English where it has none of its own."""
    return PHRASES.get(language.partition("-")[0].lower(), PHRASES["en"])


def instructions_of(brief: CallBrief, *, opened: bool) -> str:
    """Return what a model is told before all else. `opened`: the first words are not the model's to say."""
    return framed(brief, manner=_MANNER, opening=_OPENED if opened else _TO_OPEN)
