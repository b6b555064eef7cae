"""The port of mail: one letter to one person, taken or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a reader's calendar takes out of a letter."""

    method: str
    """`REQUEST` puts an event in, or in another place; `CANCEL` takes it out."""
    ics: str
    """An iCalendar object, RFC 5545."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail, as text and as HTML."""

    to: str
    subject: str
    text: str
    html: str
    language: str
    name: str
    """The same for the same letter sent again, so that a reader sees one: part of its Message-ID."""
    invitation: Invitation | None = None


class MailRefused(Exception):
    """The recipient's letters will not be taken, however often sent; the message is what the server said."""


class MailFailed(Exception):
    """It could not be sent now, or nobody knows whether it was."""


class Mailer(Protocol):
    """Sends letters."""

    def send(self, letter: Letter) -> None:
        """Hand a letter over. Raises MailRefused and MailFailed."""
        ...
