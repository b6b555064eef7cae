"""Whether a message may go out now, how long a refused one waits, and what a receipt makes of one. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from trunkline.domain.inbox.models import MessageState, Offer, SourceKind
from trunkline.providers.ports import MessageKind, ReceiptState

WINDOW = timedelta(hours=24)
"""For how long after a person's message free words may follow; templates may always."""

MOST_TRIES = 6
"""How often a message is handed over that the provider would not take just then."""
_FIRST_WAIT_S = 2.0
_LONGEST_WAIT_S = 300.0

_BEGUN_BY_US = frozenset({SourceKind.BROADCAST, SourceKind.SCHEDULED, SourceKind.AUTOMATION})

_STOP = re.compile(
    r"\W*(?:stop(?:\s*all)?(?:\s+(?:promotions|messages))?|unsubscribe|opt\s*out|no\s+more\s+messages"
    r"|הסר(?:ה)?(?:\s+אותי)?|הסירו(?:\s+אותי)?|להסרה|הפסק(?:ת|ה)?\s+הודעות|ללא\s+הודעות)\W*",
    re.IGNORECASE,
)
"""Names of buttons by which people say that they want no more. Of words that they write themselves, there
are more (`outbound.service.is_opt_out`): a button called "cancel" is about an appointment."""

CONTINUE, START_OVER = "return:continue", "return:start_over"
"""Keys of what somebody may choose who comes back."""
_CONTINUES = frozenset({"1", "continue", "go on", "yes", "המשך", "להמשיך", "ממשיכים", "כן"})
_STARTS_OVER = frozenset(
    {"2", "start over", "over", "new", "restart", "no", "מחדש", "להתחיל מחדש", "חדש", "לא"}
)

LONGEST_IN = 10_000
"""Characters of what comes in that are kept."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a message's way at this moment."""

    now: datetime
    connected: bool
    opted_out: bool
    has_window: bool
    """The provider takes free words only for a day."""
    last_in_at: datetime | None


def forbids(standing: Standing, *, kind: MessageKind, source: SourceKind) -> str | None:
    """Return why a message must not go out, as a word that pages know; None: it may."""
    if not standing.connected:
        return "disconnected"
    # Who writes to us is answered, list or no list.
    if standing.opted_out and source in _BEGUN_BY_US:
        return "opted_out"
    if standing.has_window and kind != MessageKind.TEMPLATE and not window_open(standing):
        return "window"
    return None


def window_open(standing: Standing) -> bool:
    """Return whether free words may go to a person who last wrote then."""
    return standing.last_in_at is not None and standing.now < standing.last_in_at + WINDOW


def wait_s(tries: int, *, asked_s: float | None) -> float:
    """Return how long a message waits that was refused for the `tries`th time: what is asked, or twice as
    long each time."""
    return min(asked_s if asked_s is not None else _FIRST_WAIT_S * 2 ** (tries - 1), _LONGEST_WAIT_S)


def offers_return(closed_at: datetime | None, *, now: datetime, days: int) -> bool:
    """Return whether somebody who writes again is asked if they go on where they stopped."""
    return closed_at is not None and now < closed_at + timedelta(days=days)


def chosen(text: str, choice: str | None) -> Offer | None:
    """Return what somebody who was asked has answered, by button or in words; None: something else."""
    said = " ".join(re.sub(r"[^\w\s]", " ", text).casefold().split())
    if choice == CONTINUE or (choice is None and said in _CONTINUES):
        return Offer.CONTINUED
    if choice == START_OVER or (choice is None and said in _STARTS_OVER):
        return Offer.STARTED_OVER
    return None


def cleaned(text: str, most: int = LONGEST_IN) -> str:
    """Return what somebody sent as a text that can be kept: no NUL, no halves of letters, not endless."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:most]


_ORDER = (
    MessageState.QUEUED, MessageState.SENDING, MessageState.UNCERTAIN, MessageState.SENT,
    MessageState.DELIVERED, MessageState.READ,
)  # fmt: skip
_MEANS = {
    ReceiptState.SENT: MessageState.SENT,
    ReceiptState.DELIVERED: MessageState.DELIVERED,
    ReceiptState.READ: MessageState.READ,
    ReceiptState.FAILED: MessageState.FAILED,
}


def after_receipt(state: MessageState, receipt: ReceiptState) -> MessageState:
    """Return where a message stands once a receipt is heard, in whatever order they come.

    What has been delivered did not fail, and a message that ended in another way stays as it is.
    """
    if state not in _ORDER:
        return state
    means = _MEANS[receipt]
    if means is MessageState.FAILED:
        return state if state in {MessageState.DELIVERED, MessageState.READ} else means
    return max(state, means, key=_ORDER.index)


def stops(text: str) -> bool:
    """Return whether a button of this name asks for no more messages."""
    return _STOP.fullmatch(text.strip()) is not None
