"""A leg of one of the stand-in's calls, and everything that a test may ask about it."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from trunkline.providers.telnyx.wire import HangupCause
from trunkline.simulators.carrier.rooms import Seat
from trunkline.simulators.carrier.stream import StreamFigures
from trunkline.simulators.telnyx.people import Telephone


class CommandRefused(Exception):
    """A command that Telnyx would answer with an error."""

    def __init__(self, status: int, code: str, title: str) -> None:
        super().__init__(title)
        self.status, self.code, self.title = status, code, title


@dataclass(eq=False)
class Leg:
    """One leg of a call, and the record of it."""

    direction: str
    from_: str
    to: str
    webhook_url: str
    connection_id: str
    session_id: str = field(default_factory=lambda: str(uuid4()))
    sid: str = field(default_factory=lambda: f"v3:{secrets.token_urlsafe(32)}")
    leg_id: str = field(default_factory=lambda: str(uuid4()))
    client_state: str = ""
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    answered: bool = False
    ended: HangupCause | None = None
    ended_at: datetime | None = None
    telephone: Telephone = field(default_factory=Telephone)
    commands: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What was carried out, in order."""
    ignored: list[str] = field(default_factory=list)
    """Commands whose `command_id` was known."""
    events: list[str] = field(default_factory=list)
    streams: list[StreamFigures] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    stream: asyncio.Task[None] | None = None
    playback: asyncio.Task[None] | None = None
    other: Leg | None = None
    """The leg that this one was transferred to, or comes from."""
    rings_for_another: bool = False
    seat: Seat | None = None
    known: set[str] = field(default_factory=set)

    @property
    def actions(self) -> list[str]:
        return [name for name, _ in self.commands]

    def fields(self) -> dict[str, str]:
        """Return what every event of the leg says."""
        return {
            "call_control_id": self.sid, "connection_id": self.connection_id, "call_leg_id": self.leg_id,
            "call_session_id": self.session_id, "client_state": self.client_state, "from": self.from_,
            "to": self.to,
        }  # fmt: skip
