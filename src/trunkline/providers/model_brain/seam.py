"""The seam between two models that give one answer: whole words in front of it, no word twice behind it.

Pure. Owns the comparison of words; refuses to know who failed and why.
"""

from __future__ import annotations


class Seam:
    """One model's part of an answer. `begun` is what others have said of it, empty for the first.

    Text goes out by whole words, so that a break never leaves half of one. Where the part begins with words
    that `begun` ends with, two or more or a sentence's first, they are left out: models repeat themselves.
    """

    def __init__(self, begun: str) -> None:
        words = begun.split()
        self._begun = [_plain(word) for word in words]
        self._sentences = {0, *(at for at, word in enumerate(words, 1) if word.rstrip("\"')")[-1:] in ".!?")}
        self._text = ""
        self._checked = 0
        """Words of the text that were compared."""
        self._repeats: list[int] = list(range(len(self._begun)))
        """Where in `begun` the text may be a repetition from; empty once it is none."""
        self._is_joined = not self._begun
        self._gap = "" if not begun or begun[-1].isspace() else " "

    def feed(self, piece: str) -> str:
        """Take more text; return what may go out by now."""
        self._text += piece
        if self._repeats:
            self._compare(whole=False)
            if self._repeats:
                return ""
        end = max(self._text.rfind(" "), self._text.rfind("\n")) + 1
        return self._release(end)

    def flush(self) -> str:
        """The answer is whole: return the rest. A repetition that never went beyond is none of it."""
        if self._repeats:
            self._compare(whole=True)
            if self._repeats:
                return ""
        return self._release(len(self._text))

    def _compare(self, *, whole: bool) -> None:
        words = self._text.split()
        ready = len(words) if whole or self._text[-1:].isspace() else len(words) - 1
        while self._repeats and self._checked < ready:
            word = _plain(words[self._checked])
            self._checked += 1
            self._repeats = [
                at
                for at in self._repeats
                if at + self._checked <= len(self._begun) and self._begun[at + self._checked - 1] == word
            ]
            if any(self._is_repetition(at) for at in self._repeats):
                self._text = (
                    self._text.split(maxsplit=self._checked)[-1] if self._checked < len(words) else ""
                )
                self._repeats = []
        if whole and self._repeats and self._checked < 2 <= len(self._begun):
            # One word is no repetition.
            self._repeats = []

    def _is_repetition(self, at: int) -> bool:
        return at + self._checked == len(self._begun) and (self._checked >= 2 or at in self._sentences)

    def _release(self, end: int) -> str:
        text, self._text = self._text[:end], self._text[end:]
        if not self._is_joined and text.strip():
            self._is_joined = True
            return self._gap + text.lstrip()
        return text


def _plain(word: str) -> str:
    return "".join(sign for sign in word.casefold() if sign.isalnum())
