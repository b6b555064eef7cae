"""The settings of mail: by which server letters go, and in whose name."""

from __future__ import annotations

from email.utils import parseaddr
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings


class MailSettings(BaseSettings):
    """Read as part of `Settings`. Without a server no mail is sent; links are passed on by hand."""

    smtp_url: SecretStr | None = Field(None, description="Server that takes our mail")
    mail_from: str | None = Field(None, description="Sender of our mail; required with the server")

    @field_validator("smtp_url")
    @classmethod
    def _names_a_server(cls, value: SecretStr | None) -> SecretStr | None:
        # What was given is not repeated: it may hold a password.
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            try:
                fits = parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0
            except ValueError:
                fits = False
            if not fits:
                raise ValueError("must be an address such as smtp://user:password@host:587 or smtps://host")
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and ("@" not in parseaddr(value)[1] or "\n" in value):
            raise ValueError(
                "must be an address such as calls@agency.example or Agency <calls@agency.example>"
            )
        return value

    @property
    def mail_fault(self) -> str:
        """Return in a sentence what keeps mail from being sent as was meant; empty if nothing does."""
        if self.smtp_url is not None and self.mail_from is None:
            return "SMTP_URL is set but MAIL_FROM is not: a letter needs a sender."
        return ""

    @property
    def mail(self) -> tuple[str, str] | None:
        """Return the server and the sender of letters; None: there is no mail."""
        if self.smtp_url is None or self.mail_from is None:
            return None
        return self.smtp_url.get_secret_value(), self.mail_from
