"""The feed: what happened in the business, in commit order, for pages that want to stay current."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.events import Cursor, newest_cursor, read_after

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
    _who: PrincipalDep,
    after: Annotated[str, Query(pattern=r"^([0-9]{1,18}-[0-9]{1,18}|latest)$")] = "0-0",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> FeedPage:
    """The business's events behind a cursor, oldest first; no cursor ever steps over one.

    `latest` gives no events and the cursor behind those there are: for whoever wants news only.
    """
    if after == "latest":
        newest = newest_cursor(session)
        return FeedPage(events=[], cursor=f"{newest.transaction_id}-{newest.id}")
    transaction_id, event_id = (int(part) for part in after.split("-"))
    rows = read_after(session, Cursor(transaction_id, event_id), limit=limit)
    cursor = f"{rows[-1].transaction_id}-{rows[-1].id}" if rows else after
    return FeedPage(
        events=[
            EventOut(kind=r.kind, subject_id=r.subject_id, actor=r.actor, data=r.data, at=r.at) for r in rows
        ],
        cursor=cursor,
    )
