"""Sound over HTTP: what the voices that answer a request with a stream of audio have in common.

Owns the request, its deadlines and bounds, and says in one way what went wrong. Knows no provider.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

import httpx

from trunkline.kit.tls import trusted
from trunkline.providers.ports import SpeechFailed

_LONGEST_REASON = 200
_KEPT_S = 60.0
"""How long a connection that nobody uses stays open."""
_MOST_OF_A_REFUSAL = 4_096
_LONGEST_AUDIO = 120 * 48_000
"""Bytes of one sentence: two minutes at 24 kHz. More is a provider that does not end."""


def open_client(
    *, base_url: str, headers: dict[str, str], connect_s: float, wait_s: float
) -> httpx.AsyncClient:
    """Return a client whose connections stay open between sentences and calls.

    `wait_s` bounds each wait for the next piece, the first one included.
    """
    return httpx.AsyncClient(
        base_url=base_url.rstrip("/") + "/",
        headers=headers,
        verify=trusted(),
        timeout=httpx.Timeout(wait_s, connect=connect_s, pool=connect_s),
        limits=httpx.Limits(max_connections=500, max_keepalive_connections=50, keepalive_expiry=_KEPT_S),
        follow_redirects=False,
    )


async def warm(client: httpx.AsyncClient, *, who: str) -> None:
    """Have a connection open; whatever is answered will do. Raises SpeechFailed."""
    try:
        await client.head("")
    except httpx.HTTPError as error:
        raise unreachable(f"{who} at {client.base_url.copy_with(userinfo=b'')}", error) from error


async def stream_audio(
    client: httpx.AsyncClient, request: httpx.Request, *, who: str
) -> AsyncGenerator[bytes, None]:
    """Yield the body as it comes. Raises SpeechFailed. Closing the iterator drops the request."""
    try:
        response = await client.send(request, stream=True)
    except httpx.HTTPError as error:
        raise unreachable(who, error) from error
    try:
        if response.status_code != httpx.codes.OK:
            raise await refused(who, response)
        kind = response.headers.get("content-type", "")
        if kind.startswith(("application/json", "text/")):
            raise SpeechFailed(f"{who} answered with {kind}, not with sound")
        came = 0
        async for piece in response.aiter_bytes():
            came += len(piece)
            if came > _LONGEST_AUDIO:
                raise SpeechFailed(f"{who} does not stop speaking")
            yield piece
    except httpx.HTTPError as error:
        raise SpeechFailed(f"{who} broke off: {_named(error)}") from error
    finally:
        await response.aclose()


async def refused(who: str, response: httpx.Response) -> SpeechFailed:
    """Return what to raise for an answer that is no success; reads a little of its body for the reason."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) >= _MOST_OF_A_REFUSAL:
            break
    return SpeechFailed(f"{who} refused: {response.status_code} {reason_in(bytes(body))}".rstrip())


def unreachable(who: str, error: httpx.HTTPError) -> SpeechFailed:
    """Return what to raise where no answer came."""
    return SpeechFailed(f"{who} gave no answer: {_named(error)}")


def reason_in(body: bytes) -> str:
    """Return the sentence in an error's body, as far as there is one."""
    text = body[:_MOST_OF_A_REFUSAL].decode("utf-8", "replace").strip()
    try:
        said = json.loads(text)
    except ValueError:
        return text[:_LONGEST_REASON]
    for key in ("error", "detail"):
        said = said.get(key, said) if isinstance(said, dict) else said
    if isinstance(said, dict):
        said = said.get("message", said)
    return str(said)[:_LONGEST_REASON]


def _named(error: httpx.HTTPError) -> str:
    return f"{type(error).__name__} {error}".strip()
