"""One-time links: where they lead, and what they prove. Knows neither for whom they are nor how they go.

A link's secret is made from what it is about and the installation's key, so that a job can write it into a
letter and no row or argument has it. Its row keeps the hash alone. It stands behind a `#`, which browsers
send to nobody: it is in no log.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from trunkline.kit import tokens

_INVITATION, _RESET = "invitation", "password reset"


@dataclass(frozen=True, slots=True)
class PeopleLinks:
    """Where people find us, and the key that makes secrets."""

    public_url: str
    token_key: bytes


_links: PeopleLinks | None = None


def install_links(links: PeopleLinks) -> None:
    """Make these the process's. Called once at start, and by tests."""
    global _links  # noqa: PLW0603 - one choice a process
    _links = links


def invitation_secret(invitation_id: UUID, sending: int) -> str:
    """Return what proves that somebody got this sending of an invitation."""
    return tokens.derived_secret(
        str(invitation_id), str(sending), key=_installed().token_key, purpose=_INVITATION
    )


def reset_secret(reset_id: UUID) -> str:
    """Return what proves that somebody got the link for a new password."""
    return tokens.derived_secret(str(reset_id), key=_installed().token_key, purpose=_RESET)


def invitation_link(invitation_id: UUID, sending: int) -> str:
    """Return where an invited person goes."""
    return f"{_installed().public_url}/invitation#{invitation_secret(invitation_id, sending)}"


def reset_link(reset_id: UUID) -> str:
    """Return where somebody goes who has forgotten their password."""
    return f"{_installed().public_url}/new-password#{reset_secret(reset_id)}"


def page_link(path: str) -> str:
    """Return where a page of the dashboard is; a path begins with a slash. It proves nothing."""
    return f"{_installed().public_url}{path}"


def _installed() -> PeopleLinks:
    assert _links is not None  # every process installs them as it begins
    return _links
