"""RQ's dashboard, which is not ours, behind our own door: for system admins, and to look at only.

It shows the wake-ups and the listeners in Redis, not the ledger. What it could do to us is taken
from it here: it is only asked with GET, learns nothing of who asks, never unpickles what lies in
Redis, and works on a thread with a loop of its own, since it waits for Redis where it stands.
"""

from __future__ import annotations

import asyncio
import secrets
import warnings
from typing import Any

import rq.serializers
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from fastapi import Request
from fastapi.exceptions import FastAPIDeprecationWarning
from rq_dashboard_fast import RedisQueueDashboard
from rq_dashboard_fast.utils.auth import COOKIE_NAME, AuthConfig
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from trunkline.core.door import principal
from trunkline.core.errors import NotReady, NotSignedIn, TrunklineError
from trunkline.core.jobs import bell
from trunkline.web.gate import find_principal

PREFIX = "/admin/rq"

_TIMEOUTS = "socket_timeout=2&socket_connect_timeout=2"
_THREADS = 2
_threads: RunVar[CapacityLimiter | None] = RunVar("trunkline_rq_dashboard")


class LookOnly(TrunklineError):
    """Something that changes nothing was asked to."""

    status = 405
    code = "read_only"


def guarded(redis_url: str, *, scheme: str) -> ASGIApp:
    """Return the dashboard of this Redis, for system admins only. `scheme`: how people reach us.

    Behind a proxy the request does not know that, and the dashboard's pages ask by whole addresses.
    """
    # RQ's own default is pickle: whoever can write to Redis could run code in whoever looks at it.
    rq.serializers.PickleSerializer = rq.serializers.JSONSerializer  # type: ignore[assignment]
    pass_ = secrets.token_hex(32)
    url = f"{redis_url}{'&' if '?' in redis_url else '?'}{_TIMEOUTS}"
    with warnings.catch_warnings():
        # It tells FastAPI of its prefix in a way that FastAPI wants no more; mounted, it needs none.
        warnings.simplefilter("ignore", FastAPIDeprecationWarning)
        # Its description of itself would load Swagger UI from a CDN.
        dashboard = RedisQueueDashboard(url, PREFIX, scheme, docs_url=None, redoc_url=None, openapi_url=None)
    dashboard.auth = _Readers(pass_)

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        try:
            await _check(Request(scope))
        except NotSignedIn:
            await RedirectResponse("/", status_code=303)(scope, receive, send)
            return
        for message in await _ask(dashboard, dict(scope) | {"scheme": scheme}, pass_):
            await send(message)

    return guard


class _Readers(AuthConfig):  # type: ignore[misc]  # the package has no types
    """The dashboard's own log-in, reduced to one pass for readers that this process alone knows."""

    def __init__(self, pass_: str) -> None:
        super().__init__()
        self.enabled = True
        self._pass = pass_

    def resolve_hash(self, token_hash: str) -> dict[str, Any] | None:
        """Return what whoever shows the pass may do: see everything, change nothing."""
        return {"queues": ["*"], "access": "read"} if token_hash == self._pass else None


async def _check(request: Request) -> None:
    """Go on only for a system admin who looks. Raises NotSignedIn, Forbidden, LookOnly, NotReady."""
    await run_in_threadpool(find_principal, request)
    principal(request).require_system_admin()
    if request.method not in {"GET", "HEAD"}:
        raise LookOnly("This is to be looked at only.")
    rung = bell.installed_bell()
    if rung is None or not await run_in_threadpool(rung.ping):
        raise NotReady("Redis does not answer.", retry_after_s=2)


async def _ask(dashboard: ASGIApp, scope: Scope, pass_: str) -> list[Message]:
    """Put a request to the dashboard on a thread, and return its answer whole."""
    limiter = _threads.get(None)
    if limiter is None:
        limiter = CapacityLimiter(_THREADS)
        _threads.set(limiter)
    # Our cookie stays here; what is left of the request is where it goes.
    inner = dict(scope) | {
        "headers": [
            *(header for header in scope["headers"] if header[0] in {b"host", b"accept"}),
            (b"cookie", f"{COOKIE_NAME}={pass_}".encode()),
        ],
        "state": {},
        "extensions": {},
    }
    inner.pop("app", None)
    answer = await to_thread.run_sync(lambda: asyncio.run(_collect(dashboard, inner)), limiter=limiter)
    for message in answer:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"content-security-policy", _policy(scope))]
    return answer


async def _collect(dashboard: ASGIApp, scope: Scope) -> list[Message]:
    answer: list[Message] = []
    request = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Message:
        for message in request:
            return message
        return await asyncio.Future()  # nobody hangs up: the answer is taken whole

    async def send(message: Message) -> None:
        answer.append(dict(message))

    await dashboard(scope, receive, send)
    return answer


def _policy(scope: Scope) -> bytes:
    """Return what the dashboard's pages may do: run their own inline scripts, and ask the dashboard alone.

    Should one of them be made to run what somebody put into Redis, it can neither call our API, which
    would take it for the admin, nor open a page of ours.
    """
    host = Request(scope).headers.get("host", "")
    own = f"{scope['scheme']}://{host}{PREFIX}/"
    return (
        "default-src 'none'; script-src 'unsafe-inline' " + own + "static/; style-src 'unsafe-inline' "
        + own + "static/; font-src " + own + "static/; img-src 'self' data:; connect-src " + own
        + "; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
        "sandbox allow-scripts allow-same-origin allow-downloads"
    ).encode()  # fmt: skip
