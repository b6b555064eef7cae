"""The feed: what happened in the business, in commit order, for pages that want to stay current."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.errors import NotSignedIn
from trunkline.core.events import Cursor, newest_cursor, read_after
from trunkline.domain.people.routes import cookie_name
from trunkline.kit import tokens
from trunkline.web.live_feed import LiveFeed, Stream
from trunkline.web.parts import LiveFeedDep
from trunkline.web.shown_events import sees_all, shown

_CURSOR = r"^([0-9]{1,18}-[0-9]{1,18}|latest)$"
_LONGEST_STREAM_S = 3_600

router = APIRouter(prefix="/api/events", tags=["events"])


class EventOut(BaseModel):
    """One event."""

    kind: str
    subject_id: UUID | None
    actor: str
    data: dict[str, Any]
    at: datetime


class FeedPage(BaseModel):
    """Some events, and the cursor behind them; ask again with it for what comes next."""

    events: list[EventOut]
    cursor: str


@router.get("")
def read_feed(
    session: SessionDep,
    who: PrincipalDep,
    after: Annotated[str, Query(pattern=_CURSOR)] = "0-0",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> FeedPage:
    """The business's events behind a cursor, oldest first; no cursor ever steps over one.

    Less than an admin is not told of people, keys and jobs: a page may have fewer events than there are.
    `latest` gives no events and the cursor behind those there are: for whoever wants news only.
    """
    if after == "latest":
        newest = newest_cursor(session)
        return FeedPage(events=[], cursor=f"{newest.transaction_id}-{newest.id}")
    rows = read_after(session, _cursor(after), limit=limit)
    cursor = f"{rows[-1].transaction_id}-{rows[-1].id}" if rows else after
    told = [shown(row, in_full=sees_all(who)) for row in rows]
    return FeedPage(events=[EventOut(**one) for one in told if one is not None], cursor=cursor)


class _StreamResponse(StreamingResponse):
    """A stream that is forgotten when its connection is gone, however that came about."""

    def __init__(
        self, feed: LiveFeed, stream: Stream, lines: AsyncIterator[bytes], headers: dict[str, str]
    ) -> None:
        super().__init__(lines, headers=headers, media_type="text/event-stream")
        self._feed, self._stream = feed, stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._feed.drop(self._stream)


@router.get(
    "/stream", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}}
)
async def stream_events(
    request: Request,
    who: PrincipalDep,
    feed: LiveFeedDep,
    *,
    after: Annotated[str, Query(pattern=_CURSOR)] = "latest",
    last_event_id: Annotated[str | None, Header(pattern=_CURSOR)] = None,
    for_s: Annotated[float, Query(gt=0, le=_LONGEST_STREAM_S)] = _LONGEST_STREAM_S,
) -> _StreamResponse:
    """The feed as server-sent events, as it grows, and how far the active runs are.

    `Last-Event-ID` goes before `after`. It ends after `for_s` seconds, with the session, and when the
    process is being stopped; whoever asks again with the last id misses nothing and hears nothing twice.
    """
    secret = request.cookies.get(cookie_name(request))
    if secret is None:
        raise NotSignedIn("Sign in first.")
    since = last_event_id or after
    stream = feed.open(
        who,
        token_hash=tokens.fingerprint(secret),
        cursor=None if since == "latest" else _cursor(since),
    )
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return _StreamResponse(feed, stream, stream.lines(for_s=for_s), headers=headers)


def _cursor(after: str) -> Cursor:
    transaction_id, event_id = (int(part) for part in after.split("-"))
    return Cursor(transaction_id, event_id)
