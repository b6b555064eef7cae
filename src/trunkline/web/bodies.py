"""How much of a request's body is taken, and from whom, before anything reads it.

Owns the sizes. What arrives is counted, since a header only claims a length; what claims too much is
refused before any of it is taken. Refuses to know what is in a body.
"""

from __future__ import annotations

import re

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from trunkline.core.errors import NotReady, NotSignedIn, TooLarge, TrunklineError
from trunkline.domain.inbox import accounts as chat_accounts
from trunkline.domain.inbox import fetching
from trunkline.domain.leads import attachments, imports
from trunkline.domain.outbound.suppression_routes import LARGEST_FILE
from trunkline.domain.people import service as people
from trunkline.domain.people.routes import cookie_name

_KB, _MB = 1024, 1024 * 1024

_FROM_ANYBODY = 64 * _KB
"""More than this is taken from people with a live session only: spooled files fill a disk."""
_USUAL = 2 * _MB
_FORM = 1 * _MB
"""What a form may hold besides its file."""


_FROM_CHATS = 3 * _MB
"""What a chat provider may tell at once; Meta's limit of one webhook."""
_FILES = (
    (re.compile(r"/api/leads/[^/]+/notes/[^/]+/files"), attachments.LARGEST),
    (re.compile(r"/api/conversations/[^/]+/files"), fetching.MOST_BYTES),
)


class NotTaken(HTTPException):
    """A body was refused while it arrived. The framework lets its own kind of error through, and no other."""

    def __init__(self, error: TrunklineError) -> None:
        super().__init__(error.status, error.message)
        self.error = error


class Body:
    """One request's body on its way in."""

    def __init__(self, request: Request, receive: Receive) -> None:
        self._request = request
        self._receive = receive
        self._largest = _largest(request.url.path)
        self._from_anybody = self._largest if _is_hook(request) else _FROM_ANYBODY
        self._taken = 0
        self._known = False

    async def admit(self, size: int) -> None:
        """Go on if so many bytes may come from whoever sends them.

        Raises TooLarge, NotSignedIn, or NotReady while nobody can say who it is.
        """
        if size > self._largest:
            raise TooLarge(f"A request here may have {self._largest // _KB} KB.", most_bytes=self._largest)
        if size > self._from_anybody and not self._known:
            secret = self._request.cookies.get(cookie_name(self._request))
            if not secret:
                raise NotSignedIn("Sign in first.")
            try:
                await run_in_threadpool(people.who_is, secret, in_use=False)
            except SQLAlchemyError as error:
                raise NotReady(
                    "The database cannot be reached; try again shortly.", retry_after_s=2
                ) from error
            self._known = True

    async def admit_claimed(self) -> None:
        """Judge by the length that the request claims, before any of it is taken. Raises as `admit` does."""
        claimed = self._request.headers.get("content-length", "")
        await self.admit(int(claimed) if claimed.isascii() and claimed.isdecimal() else 0)

    async def take(self) -> Message:
        """Take the next piece; an ASGI `receive`. Raises NotTaken."""
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        try:
            await self.admit(self._taken)
        except TrunklineError as error:
            raise NotTaken(error) from error
        return message


def _is_hook(request: Request) -> bool:
    return request.url.path.startswith("/hooks")


def _largest(path: str) -> int:
    """Return how many bytes a request to this address may have."""
    if path.startswith(chat_accounts.HOOKS + "/"):
        return _FROM_CHATS
    if path.startswith("/hooks"):
        return _FROM_ANYBODY  # from a carrier or a form, which have no session
    if path in {"/api/lead-imports", "/api/lead-imports/preview"}:
        return imports.largest_bytes() + _FORM
    if path == "/api/suppressions/upload":
        return LARGEST_FILE + _FORM
    files = (largest for form, largest in _FILES if form.fullmatch(path))
    return next(files, _USUAL - _FORM) + _FORM
