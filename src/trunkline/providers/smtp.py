"""Mail by SMTP: one connection a letter, encrypted wherever it leaves the machine.

Knows addresses of servers such as `smtp://user:password@host:587` (STARTTLS) and `smtps://host:465`. Nothing
is sent, and no password said, without TLS to a server that is not on this machine.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from urllib.parse import unquote, urlsplit

from trunkline.kit.hosts import is_loopback
from trunkline.providers.ports.mail import Letter, MailFailed, MailRefused

_PORTS = {"smtp": 587, "smtps": 465}
_NEVER = range(500, 600)
"""Answers about a recipient of a server that does not change its mind."""
_NOT_SIGNED_IN, _RELAY = 530, "relay"
"""Answers and words in which it says that it does not know us: the operator can put that right."""


class SmtpMailer:
    """Sends by one server, in one sender's name."""

    def __init__(self, url: str, sender: str, *, timeout_s: float = 15.0) -> None:
        parts = urlsplit(url)
        self._is_tls = parts.scheme == "smtps"
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._sender = sender
        self._timeout_s = timeout_s

    def send(self, letter: Letter) -> None:
        """Hand a letter to the server. Raises MailRefused and MailFailed."""
        message = self._message(letter)
        try:
            with self._session() as session:
                session.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            ((code, said),) = error.recipients.values()
            words = _words(code, said)
            if code not in _NEVER or code == _NOT_SIGNED_IN or _RELAY in words.lower():
                raise MailFailed(words) from error
            raise MailRefused(words) from error
        except smtplib.SMTPAuthenticationError as error:
            # The same letter goes once the operator has put that right.
            raise MailFailed(f"{self._host} does not take our name and password") from error
        except smtplib.SMTPResponseException as error:
            # About us, our sender or the letter: as true of every other recipient.
            raise MailFailed(_words(error.smtp_code, error.smtp_error)) from error
        except (OSError, smtplib.SMTPException) as error:
            raise MailFailed(f"{self._host}:{self._port}: {error}") from error

    def try_out(self) -> None:
        """Say hello to the server, and our name and password. Raises MailFailed."""
        try:
            with self._session() as session:
                session.noop()
        except smtplib.SMTPAuthenticationError as error:
            raise MailFailed(f"{self._host} does not take our name and password") from error
        except (OSError, smtplib.SMTPException) as error:
            raise MailFailed(f"{self._host}:{self._port}: {error}") from error

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = formatdate(localtime=False)
        message["Message-ID"] = f"<{letter.name}@{parseaddr(self._sender)[1].rpartition('@')[2]}>"
        message["Content-Language"] = letter.language
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        if letter.invitation is not None:
            # Twice: some programs read the one beside the text, others the file.
            ics, method = letter.invitation.ics, letter.invitation.method
            message.add_alternative(ics, subtype="calendar", params={"method": method})
            message.add_attachment(
                ics.encode(), maintype="text", subtype="calendar", filename="appointment.ics",
                params={"method": method, "charset": "utf-8"},
            )  # fmt: skip
        return message

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        if self._is_tls:
            context = ssl.create_default_context()
            session: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout_s, context=context
            )
        else:
            session = smtplib.SMTP(self._host, self._port, timeout=self._timeout_s)
        with session:
            if not self._is_tls and not is_loopback(self._host):
                session.starttls(context=ssl.create_default_context())
            if self._user:
                session.login(self._user, self._password)
            yield session


def _words(code: int, said: bytes | str) -> str:
    words = said.decode(errors="replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(words.split())}"[:300]
