"""One call as the carrier holds it, and the shapes in which Twilio shows it."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

from trunkline.kit.clock import now
from trunkline.providers.ports import CallStatus
from trunkline.providers.twilio.wire import API_VERSION, DIRECTION_OUTBOUND, STATUS_EVENTS, Field


def new_call_sid() -> str:
    return f"CA{secrets.token_hex(16)}"


@dataclass(slots=True)
class Recording:
    """A recording begun by REST: that it exists, and for how long it ran."""

    sid: str
    channels: int
    status_url: str
    begun_at: datetime
    ended_at: datetime | None = None


@dataclass(slots=True, eq=False)
class Call:
    """State that the exchange changes and that REST, callbacks and webhooks show."""

    account_sid: str
    to: str
    from_: str
    direction: str
    answer_url: str
    status_url: str
    sid: str = field(default_factory=new_call_sid)
    machine_url: str = ""
    """Where it is told who has answered; empty: nobody has asked."""
    answered_by: str | None = None
    status_events: frozenset[str] = frozenset({"completed"})
    ring_timeout_s: float = 60.0
    status: CallStatus = CallStatus.QUEUED
    ordered_at: datetime = field(default_factory=now)
    begun_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    parent_sid: str | None = None
    """Of a leg that a `<Dial>` began: the call that it was dialled for."""
    redirects: asyncio.Queue[tuple[str, str]] = field(default_factory=asyncio.Queue)
    """Updates by REST: a document, or the URL of one."""
    recordings: dict[str, Recording] = field(default_factory=dict)
    cut: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when somebody ends the call."""
    cut_by: str = ""

    def hang_up(self, by: str) -> None:
        """End the call in the name of `person`, `api` or `twiml`; the first one counts."""
        if not self.cut.is_set():
            self.cut_by = by
            self.cut.set()

    @property
    def talked_s(self) -> int:
        """Whole seconds from answer to end, begun ones counted; 0 for a call never answered."""
        if self.answered_at is None:
            return 0
        return max(1, round(((self.ended_at or now()) - self.answered_at).total_seconds()))

    def webhook_form(self) -> dict[str, str]:
        """The fields that every request about a call bears."""
        return {
            Field.ACCOUNT_SID: self.account_sid,
            Field.API_VERSION: API_VERSION,
            Field.CALL_SID: self.sid,
            Field.CALL_STATUS: self.status.value,
            Field.CALLED: self.to,
            Field.CALLER: self.from_,
            Field.DIRECTION: self.direction,
            Field.FROM: self.from_,
            Field.TO: self.to,
        }

    def resource(self) -> dict[str, object]:
        """The call as the REST API shows it; a queued one has no dates."""
        uri = f"/{API_VERSION}/Accounts/{self.account_sid}/Calls/{self.sid}"
        queued = self.status is CallStatus.QUEUED
        return {
            "account_sid": self.account_sid,
            "annotation": None,
            "answered_by": self.answered_by,
            "api_version": API_VERSION,
            "caller_name": None,
            "date_created": None if queued else _rfc2822(self.ordered_at),
            "date_updated": None if queued else _rfc2822(now()),
            "direction": self.direction,
            "duration": str(self.talked_s) if self.ended_at else None,
            "end_time": _rfc2822(self.ended_at),
            "forwarded_from": None,
            "from": self.from_,
            "from_formatted": self.from_,
            "group_sid": None,
            "parent_call_sid": self.parent_sid,
            "phone_number_sid": None,
            "price": None,
            "price_unit": "USD",
            "queue_time": "0",
            "sid": self.sid,
            "start_time": _rfc2822(self.begun_at),
            "status": self.status.value,
            "subresource_uris": {"events": f"{uri}/Events.json", "streams": f"{uri}/Streams.json"},
            "to": self.to,
            "to_formatted": self.to,
            "trunk_sid": None,
            "uri": f"{uri}.json",
        }


def status_event(status: CallStatus) -> str | None:
    """Return the name under which a status is subscribed to; `queued` cannot be."""
    if status is CallStatus.IN_PROGRESS:
        return "answered"
    if status.is_final:
        return "completed"
    return status.value if status.value in STATUS_EVENTS else None


def is_outbound(call: Call) -> bool:
    """True for a call that we ordered, false for one that a person makes to us."""
    return call.direction == DIRECTION_OUTBOUND


def _rfc2822(instant: datetime | None) -> str | None:
    return None if instant is None else format_datetime(instant.astimezone(UTC))
