"""Deepgram's messages, read and written. Pure; refuses to know connections."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

KEEP_ALIVE = json.dumps({"type": "KeepAlive"})
FINALIZE = json.dumps({"type": "Finalize"})
CLOSE_STREAM = json.dumps({"type": "CloseStream"})

_MOST_HINTS = 100
_MOST_LETTERS_OF_HINTS = 1_000
"""Deepgram takes 500 tokens and closes the stream at more; a token is two letters at the very least."""


@dataclass(frozen=True, slots=True)
class Result:
    """What was made out of a stretch of the connection's audio. Times in milliseconds from its first byte."""

    text: str
    confidence: float
    until_ms: float
    final: bool
    from_finalize: bool
    """It answers our Finalize: nothing of what was sent before it is outstanding."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Deepgram's own word that something is wrong with the stream."""

    reason: str


def listen_url(base_url: str, *, model: str, language: str, hints: Sequence[str]) -> str:
    """Return the address of a stream of mu-law. Hints are `keyterm`s of Nova-3 and `keywords` of older
    models."""
    query: list[tuple[str, str]] = [
        ("model", model),
        ("language", language),
        ("encoding", "mulaw"),
        ("sample_rate", "8000"),
        ("channels", "1"),
        ("interim_results", "true"),
        ("punctuate", "true"),
        ("endpointing", "300"),
    ]
    query += [("keyterm" if takes_keyterms(model) else "keywords", hint) for hint in hints]
    return f"{base_url.rstrip('/')}/v1/listen?{urlencode(query)}"


def takes_keyterms(model: str) -> bool:
    """Return whether a model takes phrases as hints; older ones take single words."""
    return model.startswith("nova-3")


def hints_of(phrases: Sequence[str], *, model: str) -> tuple[str, ...]:
    """Return what of a grammar goes along as hints, within Deepgram's bounds."""
    offered = phrases if takes_keyterms(model) else [word for phrase in phrases for word in phrase.split()]
    taken: list[str] = []
    room = _MOST_LETTERS_OF_HINTS
    for phrase in dict.fromkeys(offered):
        room -= len(phrase)
        if room < 0 or len(taken) == _MOST_HINTS:
            break
        taken.append(phrase)
    return tuple(taken)


def configure(hints: Sequence[str]) -> str:
    """Return the message that replaces a stream's hints."""
    return json.dumps({"type": "Configure", "keyterms": list(hints)})


def read_message(message: str | bytes) -> Result | Trouble | None:
    """Read one message; None is one that does not concern the text. Raises ValueError on nonsense."""
    content: Any = json.loads(message)
    try:
        kind = content["type"]
        if kind == "Error":
            return Trouble(f"{content.get('variant', '')} {content.get('description', '')}".strip())
        return _result(content) if kind == "Results" else None
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError("a message of another shape") from error


def _result(content: dict[str, Any]) -> Result:
    best = content["channel"]["alternatives"][0]
    text = best["transcript"]
    if not isinstance(text, str):
        raise TypeError("a transcript that is no text")
    return Result(
        text=text.strip(),
        confidence=min(max(float(best.get("confidence", 0.0)), 0.0), 1.0),
        until_ms=(float(content["start"]) + float(content["duration"])) * 1000,
        final=bool(content.get("is_final")),
        from_finalize=bool(content.get("from_finalize")),
    )
