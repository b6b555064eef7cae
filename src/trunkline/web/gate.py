"""The gate: what every request passes before it reaches a route.

Gives it a trace id, keeps it out while the schema is not there, refuses writes that another site
could have caused and bodies that are too large or nobody's, and finds out who is asking.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import structlog
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trunkline import schema
from trunkline.core.access import Principal
from trunkline.core.db import database
from trunkline.core.errors import Forbidden, NotReady, NotSignedIn, OtherBusiness, TrunklineError
from trunkline.core.telemetry import get_logger
from trunkline.domain.people import service as people
from trunkline.domain.people.routes import cookie_name
from trunkline.kit.ids import new_id
from trunkline.web.bodies import Body
from trunkline.web.errors import refuse_body, render

CSRF_HEADER = "X-Trunkline"
"""A header that a page of another site cannot send; every writing request of ours carries it."""

UNATTENDED = "X-Trunkline-Unattended"
"""A header of requests that our page makes while nobody touches it: they are no use of the session."""
_NO_USE = "/api/events"
"""Listening for what is new keeps nobody signed in either."""

ACTING_HEADER, ACTING_QUERY = "X-Trunkline-Acting", "acting"
"""Whose page asks, and in which business it believes to be: `USER_ID:BUSINESS_ID`, `USER_ID:-` in none.

All tabs of a browser share one session, and each of them can change it. The query parameter is for what
cannot send headers: streams of events and downloads."""

log = get_logger(__name__)

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
API_DOCS, API_DOCS_ASSETS, API_DOCS_PAGE = "/docs", "/docs/assets", "/docs/page"

_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))
_POLICY = b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'"
_DOCS_POLICY = _POLICY + b"; img-src 'self' data:; style-src 'self' 'unsafe-inline'"
"""Swagger UI sets styles on its elements and has pictures in its style sheet; it gets no more than that."""
_CSP = b"content-security-policy"


_REVALIDATE = ((b"cache-control", b"no-cache"),)
"""The parts of the API's page belong together; after an update a browser must not mix old and new."""


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._schema = SchemaWatch()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace_id = new_id().hex
        path: str = scope["path"]
        with structlog.contextvars.bound_contextvars(trace_id=trace_id):

            async def send_with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [
                        *message.get("headers", []),
                        *_HEADERS,
                        *(_REVALIDATE if _is_in_docs(path) else ()),
                        (b"x-trace-id", trace_id.encode()),
                    ]
                    # Pages that are not of our making bring a policy of their own.
                    if _CSP not in dict(message["headers"]):
                        message["headers"].append((_CSP, _DOCS_POLICY if path == API_DOCS else _POLICY))
                await send(message)

            if path.startswith(("/api", "/hooks")) and not await self._schema.is_there():
                refusal = render(NotReady("The database or its schema is not there yet.", retry_after_s=2))
                await refusal(scope, receive, send_with_headers)
                return
            if path.startswith("/api") and is_forged(Request(scope)):
                refusal = render(Forbidden("This request did not come from our page.", reason="cross_site"))
                await refusal(scope, receive, send_with_headers)
                return
            body = Body(Request(scope), receive)
            try:
                await body.admit_claimed()
            except TrunklineError as error:
                await refuse_body(error)(scope, receive, send_with_headers)
                return
            await self._app(scope, body.take, send_with_headers)


class SchemaWatch:
    """Knows whether the schema is there; once it is, it stays so for the life of the process."""

    def __init__(self) -> None:
        self._there = False
        self._looked_at = 0.0
        self._looking = asyncio.Lock()

    async def is_there(self) -> bool:
        """Return whether the database is migrated, asking at most once a second while it is not."""
        if not self._there:
            # Whoever comes while somebody looks waits for what they find: the first calls come together.
            async with self._looking:
                if not self._there and time.monotonic() - self._looked_at > 1:
                    self._there = await run_in_threadpool(self._look)
                    self._looked_at = time.monotonic()
        return self._there

    @staticmethod
    def _look() -> bool:
        """Ask the database and read the migrations' folder. A database that is away has no schema."""
        try:
            return schema.at_head(database().engine)
        except SQLAlchemyError as error:
            log.warning("database_away", error=str(error))
            return False


def _is_in_docs(path: str) -> bool:
    return path == API_DOCS or path.startswith(f"{API_DOCS}/")


def is_forged(request: Request) -> bool:
    """Return whether a writing request may have been caused by another site's page."""
    if request.method in _SAFE_METHODS:
        return False
    return CSRF_HEADER not in request.headers or request.headers.get("sec-fetch-site", "same-origin") not in {
        "same-origin",
        "none",
    }


def find_principal(request: Request) -> None:
    """Leave who is asking on the request; a session that has ended leaves nobody. A route dependency.

    Raises OtherBusiness where the request says whose page it comes from, and the session is not theirs.
    """
    secret = request.cookies.get(cookie_name(request))
    request.state.principal = None
    if secret:
        in_use = UNATTENDED not in request.headers and not request.url.path.startswith(_NO_USE)
        # Whoever had this session is nobody now; a route that needs somebody says so itself.
        with suppress(NotSignedIn):
            request.state.principal = people.who_is(secret, in_use=in_use)
    if request.state.principal is not None:
        _check_believed(request, request.state.principal)


def _check_believed(request: Request, who: Principal) -> None:
    believed = request.headers.get(ACTING_HEADER) or request.query_params.get(ACTING_QUERY)
    if believed and believed != f"{who.user_id}:{who.business_id or '-'}":
        raise OtherBusiness("Another person signed in, or another business was entered, in this browser.")
