"""The open event streams of a process, and the one reader that serves them all.

The reader looks only while somebody listens: once a look for each business that has a stream, in a
transaction of its own. A stream holds no connection and no thread. Each look also asks whether the
streams' sessions still hold; looking is no use of a session, so a page left open ends with it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from fastapi.sse import format_sse_event
from pydantic_core import to_json
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from trunkline.core.access import Principal
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.errors import NotReady, TooManyRequests
from trunkline.core.events import Cursor, Event, newest_cursor, read_after
from trunkline.core.telemetry import get_logger
from trunkline.domain.outbound.watching import Watched, watched_runs
from trunkline.domain.people import service as people
from trunkline.web.shown_events import sees_all, shown

MOST_STREAMS = 500
MOST_A_PERSON = 8
_LOOK_EVERY_S = 0.5
_HEARTBEAT_S = 15.0
_COUNTING_SHARE = 20
"""A business's runs are counted again after so many times the time that counting them took."""
_EVENTS_A_LOOK = 500
_BATCHES_WAITING = 4
_RETRY_MS = 2_000

log = get_logger(__name__)


@dataclass(eq=False)
class Stream:
    """One person's open stream. The reader fills it, its connection empties it."""

    who: Principal
    business_id: UUID
    token_hash: str
    cursor: Cursor | None
    """Behind which event it goes on; None: behind those there are at its first look."""
    batches: deque[bytes] = field(default_factory=deque)
    told: dict[UUID, Watched] = field(default_factory=dict)
    """What it was last told of each run that goes on."""
    is_new: bool = True
    """Whether it has been told of no runs yet."""
    ended: bool = False
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def sees_all(self) -> bool:
        """Whether it is told every event in full; a role that changes ends the session, and it."""
        return sees_all(self.who)

    @property
    def is_behind(self) -> bool:
        """Whether its connection is too slow to be given more now; its cursor waits for it."""
        return len(self.batches) >= _BATCHES_WAITING

    def give(self, batch: bytes) -> None:
        """Send this when the connection has taken what went before."""
        self.batches.append(batch)
        self._stirred.set()

    def end(self) -> None:
        """Send nothing more than what is on its way."""
        self.ended = True
        self._stirred.set()

    async def lines(self, *, for_s: float) -> AsyncIterator[bytes]:
        """Yield what goes over the wire until the stream ends, a heartbeat where there is nothing else."""
        deadline = time.monotonic() + for_s
        yield format_sse_event(retry=_RETRY_MS, comment="trunkline")
        while True:
            while self.batches:
                yield self.batches.popleft()
            left = deadline - time.monotonic()
            if self.ended or left <= 0:
                return
            self._stirred.clear()
            try:
                async with asyncio.timeout(min(_HEARTBEAT_S, left)):
                    await self._stirred.wait()
            except TimeoutError:
                # Comments keep the way open, but a browser shows its page none of them.
                yield _message("beat", {})


@dataclass(frozen=True, slots=True)
class _News:
    """Events behind a cursor as they go over the wire: written once, for however many streams."""

    batches: dict[bool, bytes]
    """By whether it is for those who see all; others' pages learn less."""
    of_runs: set[UUID]
    """The runs that they tell of."""
    cursor: Cursor
    """Behind the last of them."""


@dataclass(slots=True)
class _Found:
    """What one look found for a business's streams."""

    holds: set[str]
    """Hashes of the sessions that go on in this business."""
    news: dict[Cursor | None, _News]
    """By the cursor that it is news behind."""
    runs: dict[UUID, Watched] | None
    """None: not counted in this look."""


class LiveFeed:
    """A process's open streams."""

    def __init__(self) -> None:
        self._streams: set[Stream] = set()
        self._wanted = asyncio.Event()
        self._closed = False
        self._one_at_a_time = CapacityLimiter(1)
        self._count_again: dict[UUID, float] = {}

    def open(self, who: Principal, *, token_hash: str, cursor: Cursor | None) -> Stream:
        """Begin a stream of the business that this person is in. Raises TooManyRequests, NotReady."""
        if self._closed:
            raise NotReady("This process is being stopped.", retry_after_s=2)
        of_person = Counter(stream.who.user_id for stream in self._streams)[who.user_id]
        if len(self._streams) >= MOST_STREAMS or of_person >= MOST_A_PERSON:
            raise TooManyRequests("Too many streams are open.", retry_after_s=30)
        stream = Stream(who, who.business, token_hash, cursor)
        self._streams.add(stream)
        self._wanted.set()
        return stream

    def drop(self, stream: Stream) -> None:
        """Forget a stream whose connection is gone."""
        stream.end()
        self._streams.discard(stream)

    def close(self) -> None:
        """End every stream and open none any more: the process is being stopped."""
        self._closed = True
        self._end(self._streams)

    async def keep_reading(self) -> None:
        """Read for the streams, for as long as the process lives."""
        while True:
            if not self._streams:
                self._count_again.clear()
                self._wanted.clear()
                await self._wanted.wait()
            try:
                for business_id, streams in self._by_business().items():
                    await self._serve(business_id, streams)
            except SQLAlchemyError as error:
                # Whoever listened asks again, and is told then what is amiss.
                log.warning("live_feed_unread", error=str(error))
                self._end(self._streams)
            await asyncio.sleep(_LOOK_EVERY_S)

    def _by_business(self) -> dict[UUID, list[Stream]]:
        found: dict[UUID, list[Stream]] = defaultdict(list)
        for stream in self._streams:
            found[stream.business_id].append(stream)
        return found

    async def _serve(self, business_id: UUID, streams: Sequence[Stream]) -> None:
        """Look once for one business, and give its streams what is new to them."""
        again = self._count_again.get(business_id, 0.0)
        count = time.monotonic() >= again or any(stream.is_new and not stream.is_behind for stream in streams)
        began = time.monotonic()
        look = partial(
            _look, business_id,
            hashes={stream.token_hash: stream.who.is_system_admin for stream in streams},
            wanted={(stream.cursor, stream.sees_all) for stream in streams if not stream.is_behind},
            known=[run_id for stream in streams for run_id in stream.told],
            count=count,
        )  # fmt: skip
        found = await to_thread.run_sync(look, limiter=self._one_at_a_time)
        if found.runs is not None:
            self._count_again[business_id] = began + _COUNTING_SHARE * (time.monotonic() - began)
        self._end([stream for stream in streams if stream.token_hash not in found.holds])
        for stream in streams:
            if stream.cursor in found.news and not stream.is_behind and not stream.ended:
                _tell(stream, found)

    def _end(self, streams: Iterable[Stream]) -> None:
        for stream in list(streams):
            self.drop(stream)


def _look(
    business_id: UUID, *, hashes: dict[str, bool], wanted: set[tuple[Cursor | None, bool]],
    known: Iterable[UUID], count: bool,
) -> _Found:  # fmt: skip
    """Read, in one transaction, all that a business's streams may want. Blocks.

    `hashes` are the sessions' and whether each is a system admin's, who has none in the business; `wanted`
    are the cursors and whether somebody there sees all.
    """
    holds: set[str] = set()
    if admins := [token_hash for token_hash, is_admin in hashes.items() if is_admin]:
        with unit_of_work(SYSTEM) as session:
            holds |= people.sessions_that_hold(session, business_id, admins)
    with unit_of_work(of_business(business_id)) as session:
        holds |= people.sessions_that_hold(session, business_id, set(hashes) - holds)
        views: dict[Cursor | None, list[bool]] = defaultdict(list)
        for cursor, in_full in wanted:
            views[cursor].append(in_full)
        news = {cursor: _behind(session, cursor, views[cursor]) for cursor in views}
        # A run may have come and gone between two looks: its end is told all the same.
        told_of = {run_id for one in news.values() for run_id in one.of_runs}
        runs = None
        if count or told_of:
            runs = {run.run_id: run for run in watched_runs(session, business_id, {*known, *told_of})}
        return _Found(holds, news, runs)


def _behind(session: Session, cursor: Cursor | None, views: Iterable[bool]) -> _News:
    if cursor is None:
        here = newest_cursor(session)
        # Whoever is cut off before the first event goes on from here too.
        return _News(dict.fromkeys(views, _message("here", {}, cursor=here)), set(), here)
    events = read_after(session, cursor, limit=_EVENTS_A_LOOK)
    of_runs = {
        event.subject_id for event in events if event.subject_id is not None and event.kind.startswith("run.")
    }
    last = Cursor(events[-1].transaction_id, events[-1].id) if events else cursor
    batches = {in_full: b"".join(_event(event, in_full) for event in events) for in_full in views}
    return _News(batches, of_runs, last)


def _tell(stream: Stream, found: _Found) -> None:
    """Give a stream what is new to it, as one batch that is on its way or not at all."""
    news = found.news[stream.cursor]
    batch = news.batches[stream.sees_all]
    messages = [batch] if batch else []
    for run in (found.runs or {}).values():
        is_told_of = run.run_id in stream.told or run.run_id in news.of_runs
        if stream.told.get(run.run_id) == run or (run.over and not is_told_of):
            continue
        messages.append(_message("progress", asdict(run)))
        if run.over:
            stream.told.pop(run.run_id, None)
        else:
            stream.told[run.run_id] = run
    stream.cursor = news.cursor
    if found.runs is not None:
        stream.is_new = False
    if messages:
        stream.give(b"".join(messages))


def _event(event: Event, in_full: bool) -> bytes:
    told = shown(event, in_full=in_full)
    return b"" if told is None else _message("event", told, cursor=Cursor(event.transaction_id, event.id))


def _message(kind: str, data: dict[str, Any], *, cursor: Cursor | None = None) -> bytes:
    place = None if cursor is None else f"{cursor.transaction_id}-{cursor.id}"
    return format_sse_event(event=kind, data_str=to_json(data).decode(), id=place)
