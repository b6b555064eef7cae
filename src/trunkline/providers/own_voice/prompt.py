"""The words around a model that speaks: how it is made to say exact words, and what it has to hear of breaks.

Pure. What every model is told is `call_prompt`'s.
"""

from __future__ import annotations

import re

from trunkline.providers.call_prompt import CONNECTED, framed, on_the_line
from trunkline.providers.ports import CallBrief

_MANNER = (
    "Speak at an easy pace.",
    "Where you did not understand, ask. Read back what matters before you act on it.",
)
_SPOKEN = re.compile(r"[^\w]+")

TO_GREET = f"{CONNECTED} Greet the other and say for whom you speak."


def instructions_of(brief: CallBrief) -> str:
    """Return what a model is told before all else."""
    return framed(brief, manner=_MANNER)


def word_for_word(text: str) -> str:
    """Return how a model is made to say exactly this."""
    return on_the_line(f"Say this now, word for word, and nothing before or after it: «{text}»")


def owed(text: str) -> str:
    """Return how a model is made to begin its answer by what was cut off and has to be heard."""
    return on_the_line(f"Begin your answer with these words, word for word: «{text}»")


def cut_off(heard: str) -> str:
    """Return how a model is told to go on with an answer that broke off."""
    return on_the_line(
        f"The line broke while you spoke. The caller heard: «{heard}». Go on from there; repeat nothing."
    )


def spoken_words(text: str) -> list[str]:
    """Return a text's words as they sound, without marks and capitals."""
    return _SPOKEN.sub(" ", text.replace("'", "").replace("\u2019", "")).lower().split()
