"""The one shape of our letters: a sentence, a button with its link, and an aside. Pure; sends nothing."""

from __future__ import annotations

from html import escape

from trunkline.providers.ports import Letter

_PAGE = (
    '<!doctype html><html lang="{language}" dir="{direction}"><body style="font-family: sans-serif; '
    'line-height: 1.5"><p>{sentence}</p><p><a href="{link}">{button}</a></p><p>{link}</p><p>{aside}</p>'
    "</body></html>"
)


def letter(
    *, to: str, language: str, name: str, link: str, subject: str, sentence: str, button: str, aside: str
) -> Letter:
    """Return a letter in a language that is written as it is said here; `name` is part of its Message-ID."""
    html = _PAGE.format(
        language=language, direction="rtl" if language == "he" else "ltr", sentence=escape(sentence),
        link=escape(link), button=escape(button), aside=escape(aside),
    )  # fmt: skip
    return Letter(
        to=to, subject=" ".join(subject.split()), text=f"{sentence}\n\n{link}\n\n{aside}\n", html=html,
        language=language, name=name,
    )  # fmt: skip
