"""How Google is reached: whose account, which address, and what Google calls a language."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
from google.api_core.exceptions import GoogleAPICallError
from google.auth import default
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account

from trunkline.providers.ports import SpeechFailed

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_OPEN_WITHIN_S = 5.0
_USUAL_REGIONS = {
    "ar": "ar-EG", "de": "de-DE", "en": "en-US", "es": "es-ES", "fr": "fr-FR", "he": "he-IL", "it": "it-IT",
    "nl": "nl-NL", "pl": "pl-PL", "pt": "pt-BR", "ru": "ru-RU", "tr": "tr-TR", "uk": "uk-UA",
}  # fmt: skip


def google_credentials(file: Path | None) -> Any:
    """Read a service account's key file, or, without one, what this machine is signed in with.

    Reads files and may ask the machine's own metadata service: for the start of a process, never for its
    loop. Raises ValueError that says what is wrong.
    """
    try:
        if file is not None:
            read: Any = service_account.Credentials.from_service_account_file
            return read(str(file), scopes=[_SCOPE])
        return default(scopes=[_SCOPE])[0]
    except (OSError, ValueError, GoogleAuthError) as error:
        raise ValueError(f"Google takes no credentials of ours: {error}") from error


def plain_channel(endpoint: str) -> grpc.aio.Channel | None:
    """Return a channel without TLS where the address asks for one, as a stand-in's does."""
    if not endpoint.startswith("http://"):
        return None
    return grpc.aio.insecure_channel(endpoint.removeprefix("http://"))


def region_of(language: str) -> str:
    """Return the tag with a region that Google wants: `en` is `en-US`."""
    primary, _, rest = language.partition("-")
    return f"{primary}-{rest.upper()}" if rest else _USUAL_REGIONS.get(primary, primary)


async def warm_client(client: Any) -> None:
    """Have a client's connection open. Raises SpeechFailed."""
    try:
        async with asyncio.timeout(_OPEN_WITHIN_S):
            await client.transport.grpc_channel.channel_ready()
    except TimeoutError as error:
        raise SpeechFailed(f"Google: no connection within {_OPEN_WITHIN_S:g} s") from error


def let_go(call: Any) -> None:
    """Cancel a call of either service; one that is over is none the worse for it."""
    call.cancel()


async def close_client(client: Any) -> None:
    """Close a client's connection, and with it every call on it."""
    await client.transport.close()


def said(error: GoogleAPICallError) -> SpeechFailed:
    """Return what to raise for an error of Google's."""
    status = error.grpc_status_code.name if error.grpc_status_code else error.code
    return SpeechFailed(f"Google: {status} {(error.message or '')[:200]}".rstrip())
