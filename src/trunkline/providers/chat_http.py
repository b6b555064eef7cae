"""One request to a chat provider and what its outcome proves.

Owns the line between "definitely not sent" and "nobody knows", on which rests that nobody gets one twice:

- No connection, hence no byte of the request sent (refused, unresolvable, TLS or connect timeout, a proxy
  that would not open the tunnel): refused, to be tried later.
- An answer that the provider's own table of errors knows: as the table says.
- Everything after the first byte may have been sent (a timeout, a closed connection), and replies that say
  neither: nobody knows. Of a request that sends nothing to anybody, such as a look at the templates or the
  upload of a file, that is a refusal as well: it can be made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import httpx

from trunkline.kit.hosts import is_loopback
from trunkline.kit.tls import trusted
from trunkline.providers.ports.chat import ChatRefused, ChatUncertain, Refusal

UNREACHABLE = "unreachable"
"""Code of a refusal: no connection was made."""
NO_ANSWER = "no_answer"
"""Code of a refusal: nobody knows what became of a request that sends nothing to anybody."""

_UNREACHABLE_RETRY_S = 15.0
_LONGEST_RETRY_S = 24 * 3_600.0
_LONGEST_REASON = 300

Judge = Callable[[httpx.Response, Mapping[str, Any]], ChatRefused | None]
"""Reads a reply that is no success, with its body if that is an object; None: it says neither yes nor no."""


class ChatHttp:
    """Sends requests to one provider, for any account, and tells what came of them. Safe to share."""

    def __init__(self, name: str, base_url: str, judge: Judge, *, timeout_s: float) -> None:
        self._name = name
        self._judge = judge
        self.base_url = base_url.rstrip("/")
        self._client = httpx.Client(
            timeout=timeout_s,
            verify=trusted(),
            headers={"Accept": "application/json"},
            # One account's cookies are nothing for another's requests.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # A connection that was just closed by the other side fails exactly like a lost reply, so none is
            # kept for as long as servers keep theirs: five seconds is what the hastiest of them do.
            limits=httpx.Limits(keepalive_expiry=2.0),
            # A proxy of the environment is for the internet; it cannot reach a provider on this machine.
            trust_env=not is_loopback(urlsplit(base_url).hostname),
        )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def build(self, method: str, path: str, **options: Any) -> httpx.Request:
        """Return a request to a path below the base address."""
        return self._client.build_request(method, f"{self.base_url}{path}", **options)

    def send(self, request: httpx.Request) -> dict[str, Any]:
        """Make a request that sends a message, once; return the object answered.

        Raises ChatRefused only where certainly nothing was sent, else ChatUncertain.
        """
        with self._told():
            reply = self._client.send(request)
        return self._read(reply)

    def ask(self, request: httpx.Request) -> dict[str, Any]:
        """Make a request that sends nothing to anybody. Raises ChatRefused."""
        try:
            return self.send(request)
        except ChatUncertain as error:
            raise ChatRefused(str(error), refusal=Refusal.LATER, code=NO_ANSWER) from error

    @contextmanager
    def fetching(self, method: str, url: str, *, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Hold a file's reply open while the block reads it. Raises ChatRefused."""
        request = self._client.build_request(method, url, headers=dict(headers))
        try:
            with self._told():
                reply = self._client.send(request, stream=True)
                try:
                    if not reply.is_success:
                        reply.read()
                        self._read(reply)
                    yield reply
                finally:
                    reply.close()
        except ChatUncertain as error:
            raise ChatRefused(str(error), refusal=Refusal.LATER, code=NO_ANSWER) from error

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.PoolTimeout) as error:
            raise ChatRefused(
                in_short(f"{self._name} cannot be reached: {error}"), refusal=Refusal.LATER,
                code=UNREACHABLE, retry_after_s=_UNREACHABLE_RETRY_S,
            ) from error  # fmt: skip
        except httpx.RequestError as error:
            raise ChatUncertain(
                in_short(f"no reply from {self._name}: {type(error).__name__}: {error}")
            ) from error

    def _read(self, reply: httpx.Response) -> dict[str, Any]:
        body = _object(reply)
        if reply.is_success:
            if body is None:
                raise ChatUncertain(f"{self._name} answered {reply.status_code} with an unreadable body")
            return body
        refused = self._judge(reply, body or {})
        if refused is None:
            raise ChatUncertain(f"{self._name} answered {reply.status_code}")
        raise refused


def by_status(name: str, reply: httpx.Response) -> ChatRefused | None:
    """Judge a reply without an error of the provider's own, by its status alone."""
    status = reply.status_code
    code = f"http_{status}"
    words = f"{name} answered {status}"
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return ChatRefused(words, refusal=Refusal.RATE, code=code, retry_after_s=retry_after(reply))
    if not reply.is_client_error or status == httpx.codes.REQUEST_TIMEOUT:
        return None
    about_account = status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}
    return ChatRefused(words, refusal=Refusal.ACCOUNT if about_account else Refusal.MESSAGE, code=code)


def retry_after(reply: httpx.Response) -> float | None:
    """Return in seconds when the provider wants to be asked again, where it says so."""
    said = reply.headers.get("Retry-After", "")
    # It may also be an HTTP date, which these providers do not use.
    return min(float(said), _LONGEST_RETRY_S) if said.isascii() and said.isdecimal() else None


def in_short(words: str) -> str:
    """Return somebody else's words in one line that is not too long."""
    return " ".join(words.split())[:_LONGEST_REASON]


def header(headers: Mapping[str, str], name: str) -> str:
    """Return a header of a request to us, whatever its letters' case; empty: it is not there."""
    wanted = name.lower()
    return next((value for given, value in headers.items() if given.lower() == wanted), "")


def _object(reply: httpx.Response) -> dict[str, Any] | None:
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
