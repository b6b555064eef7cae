"""What a process hands its application, and how routes get at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from trunkline.core.settings import ServiceRole
from trunkline.web.callroom import CallRoom
from trunkline.web.hired import Hire, Speech
from trunkline.web.listeners import Listeners
from trunkline.web.live_feed import LiveFeed
from trunkline.web.loop_lag import DEFAULT_MOST_LAG_S


@dataclass(frozen=True, slots=True)
class AppParts:
    """Everything about a process that the application must be told."""

    role: ServiceRole
    public_url: str
    """Our address as the carrier sees and signs it; `media_url` the same for sockets."""
    media_url: str
    token_key: bytes
    spool: Path
    max_calls: int
    longest_call: timedelta
    speech: Speech
    upkeep: Callable[[], None]
    """What the process must do every second or so; may block for a moment."""
    redis_url: str | None = None
    """Where RQ's own dashboard looks; None: there is none."""
    most_lag_s: float = DEFAULT_MOST_LAG_S
    """Mean lateness of the loop at which no more calls are taken."""
    hire: Hire | None = None
    """Makes the providers of businesses with keys of their own; None: such keys are not used."""
    metrics_token: str | None = None
    """What whoever reads the metrics says; None: they are not served."""


def app_parts(connection: HTTPConnection) -> AppParts:
    """Return what the application was built with."""
    parts: AppParts = connection.app.state.parts
    return parts


def call_room(connection: HTTPConnection) -> CallRoom:
    """Return the process's call room; it is open while the application runs."""
    room: CallRoom = connection.app.state.room
    return room


def live_feed(connection: HTTPConnection) -> LiveFeed:
    """Return the process's open event streams."""
    feed: LiveFeed = connection.app.state.live_feed
    return feed


def call_listeners(connection: HTTPConnection) -> Listeners:
    """Return who listens in on the process's calls."""
    listeners: Listeners = connection.app.state.listeners
    return listeners


PartsDep = Annotated[AppParts, Depends(app_parts)]
RoomDep = Annotated[CallRoom, Depends(call_room)]
LiveFeedDep = Annotated[LiveFeed, Depends(live_feed)]
ListenersDep = Annotated[Listeners, Depends(call_listeners)]
