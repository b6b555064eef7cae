"""The call log: what media told is kept while the ledger, or the disk, or both are away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.telemetry import current_trace_id
from trunkline.domain.calls import models
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.media import CallEvent, EventKind
from trunkline.providers.ports import CallStatus
from trunkline.web import call_log
from trunkline.web.call_log import CallLog
from web.conftest import Away


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def book(tmp_path: Path, pool: ThreadPoolExecutor) -> CallLog:
    return CallLog(spool=tmp_path / "spool", pool=pool)


def open_call(world: World) -> UUID:
    with unit_of_work(world.scope) as session:
        return calls.open_call(
            session, world.business_id, sid=f"CA{new_id().hex}", direction="inbound", ours=world.number,
            theirs="+12125550101", agent_id=world.agent_id, lead_id=None,
        ).id  # fmt: skip


def tell(book: CallLog, world: World, call_id: UUID, *sequences: int, said: str = "hello") -> None:
    for sequence in sequences:
        book.sink_for(world.business_id)(
            CallEvent(str(call_id), sequence, clock.now(), EventKind.CALLER_SAID, {"text": said})
        )


def tell_end(book: CallLog, world: World, call_id: UUID, sequence: int) -> None:
    book.sink_for(world.business_id)(
        CallEvent(str(call_id), sequence, clock.now(), EventKind.ENDED, {"reason": "done"})
    )


def written(installation: Installation, world: World, call_id: UUID) -> list[int]:
    installation.run_jobs("high")
    with unit_of_work(world.scope) as session:
        return [event.sequence for event in calls.events_of(session, world.business_id, call_id)]


async def test_what_is_told_becomes_rows_and_the_call_is_over(
    acme: World, installation: Installation, book: CallLog
) -> None:
    call_id = open_call(acme)
    tell(book, acme, call_id, 1, 2)
    tell_end(book, acme, call_id, 3)
    assert await book.flush()
    assert written(installation, acme, call_id) == [1, 2, 3]
    with unit_of_work(acme.scope) as session:
        call = session.scalars(select(Call)).one()
        assert (call.state, call.end_reason, call.disposition) == ("ended", "done", "no_response")


Told = tuple[EventKind, dict[str, str]]
APOLOGISES: Told = (EventKind.TROUBLE, {"what": "brain_failed", "detail": "gone"})
STUCK: Told = (EventKind.TROUBLE, {"what": "stuck_reply", "detail": "15.0 s into the call"})
NOTED: Told = (EventKind.NOTE, {"name": "disposition", "value": "booked"})
SPEAKS: Told = (EventKind.CALLER_SAID, {"text": "hello?"})


@pytest.mark.parametrize(
    ("before", "came_to"),
    [
        ([APOLOGISES], ("brain_failed", "our_fault")),
        # Whoever hangs up on the apology has heard of the failure all the same.
        ([APOLOGISES], ("stop", "our_fault")),
        ([APOLOGISES, SPEAKS], ("disconnect", "our_fault")),
        ([NOTED, APOLOGISES], ("brain_failed", "booked")),
        ([SPEAKS, STUCK], ("stop", "our_fault")),
        ([STUCK, SPEAKS], ("stop", "no_response")),
        ([], ("stuck_reply", "our_fault")),
        ([], ("no_greeting", "our_fault")),
        ([], ("speech_failed", "our_fault")),
        ([], ("internal_error", "our_fault")),
        ([], ("agent_unusable", "our_fault")),
        ([], ("no_audio", "failed")),
        ([], ("stuck_wire", "failed")),
        ([], ("draining", "cut_off")),
        ([], ("shutdown", "cut_off")),
        ([], ("reaped", "cut_off")),
        ([], ("cancelled", "cut_off")),
        ([], ("silence", "no_response")),
        ([], ("too_long", "no_response")),
        ([], ("stop", "no_response")),
    ],
)
async def test_a_call_that_ended_by_us_or_the_line_is_not_taken_for_a_silent_person(
    acme: World, installation: Installation, book: CallLog, before: list[Told], came_to: tuple[str, str]
) -> None:
    reason, disposition = came_to
    call_id = open_call(acme)
    told = [*before, (EventKind.ENDED, {"reason": reason})]
    for sequence, (kind, data) in enumerate(told, start=1):
        book.sink_for(acme.business_id)(CallEvent(str(call_id), sequence, clock.now(), kind, data))
    assert await book.flush()
    assert written(installation, acme, call_id) == list(range(1, len(told) + 1))
    with unit_of_work(acme.scope) as session:
        call = session.scalars(select(Call)).one()
        assert (call.end_reason, call.disposition) == (reason, disposition)


def test_an_agent_that_fails_where_it_has_handed_the_call_on_leaves_the_call_what_that_comes_to(
    acme: World,
) -> None:
    call_id = open_call(acme)
    with unit_of_work(acme.scope) as session:
        call = calls.spend_media_token(session, acme.business_id, call_id)
        calls.send_away(call, models.Away.TRANSFERRING)
    with unit_of_work(acme.scope) as session:
        assert not calls.conclude_leg(
            session, acme.business_id, call_id, leg=1, end_reason="brain_failed", disposition=calls.OUR_FAULT
        )
    with unit_of_work(acme.scope) as session:
        call = calls.lock_call(session, acme.business_id, call_id)
        assert call.disposition is None
        calls.note_taken(call)
        assert calls.note_status(session, call, CallStatus.COMPLETED)
        assert call.disposition == "transferred"


def test_that_a_colleague_took_a_call_which_we_hung_up_may_be_told_behind_its_end(acme: World) -> None:
    call_id = open_call(acme)
    with unit_of_work(acme.scope) as session:
        call = calls.spend_media_token(session, acme.business_id, call_id)
        calls.send_away(call, models.Away.TRANSFERRING)
        assert calls.note_hang_up(session, acme.business_id, call.carrier_sid)
        calls.note_status(session, call, CallStatus.COMPLETED)
        assert (call.disposition, call.end_reason) == ("cancelled", "hung_up")
        calls.note_taken(call)
        assert (call.disposition, call.end_reason) == ("transferred", "hung_up")


async def test_while_the_database_is_away_batches_wait_on_disk(
    acme: World, installation: Installation, book: CallLog, database_away: Away
) -> None:
    call_id = open_call(acme)
    with database_away():
        tell(book, acme, call_id, 1)
        assert await book.flush()
        assert book.spooled() == 1
        book._replay()
        assert (book.spooled(), book.refused()) == (1, 0)
    book._replay()
    assert (book.spooled(), book.refused()) == (0, 0)
    assert written(installation, acme, call_id) == [1]


async def test_with_the_disk_full_as_well_they_wait_in_memory_in_their_order(
    acme: World,
    installation: Installation,
    book: CallLog,
    database_away: Away,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call_id = open_call(acme)
    monkeypatch.setattr(call_log, "_DISK_AGAIN_S", 0.01)
    monkeypatch.setattr(call_log, "_GATHER_S", 0.01)
    book._spool.write_text("a file where the folder ought to be: nothing can be written")
    writing = asyncio.create_task(book.write_forever())
    with database_away():
        tell(book, acme, call_id, 1)
        assert not await book.flush()
        tell(book, acme, call_id, 2)
        tell_end(book, acme, call_id, 3)
        assert not await book.flush()
        await asyncio.sleep(0.1)
        assert not writing.done()
    async with asyncio.timeout(30):
        while book._waiting:
            await asyncio.sleep(0.01)
    writing.cancel()
    await asyncio.wait([writing])
    assert await book.flush()
    assert written(installation, acme, call_id) == [1, 2, 3]


async def test_a_writer_that_is_cancelled_loses_nothing(
    acme: World, installation: Installation, book: CallLog, pool: ThreadPoolExecutor
) -> None:
    call_id = open_call(acme)
    held = asyncio.Event()
    loop = asyncio.get_running_loop()
    blockers = [
        loop.run_in_executor(pool, lambda: asyncio.run_coroutine_threadsafe(held.wait(), loop).result())
        for _ in range(2)
    ]
    tell(book, acme, call_id, 1)
    flushing = asyncio.create_task(book.flush())
    await asyncio.sleep(0.05)
    flushing.cancel()
    await asyncio.wait([flushing])
    held.set()
    await asyncio.gather(*blockers)
    assert await book.flush()
    assert written(installation, acme, call_id) == [1]


def a_batch(business_id: UUID, call_id: UUID, **event: str) -> str:
    told = {
        "sequence": 1,
        "kind": "caller_said",
        "at": clock.now().isoformat(),
        "data": {"text": "hi", **event},
    }
    return json.dumps(
        {"business_id": str(business_id), "call_id": str(call_id), "events": [told], "ended": None}
    )


async def test_a_file_that_can_never_be_taken_holds_up_nothing(
    acme: World, installation: Installation, book: CallLog, tmp_path: Path
) -> None:
    call_id = open_call(acme)
    spool = tmp_path / "spool"
    spool.mkdir()
    files = {
        "1-unknown-business": a_batch(new_id(), call_id),
        "2-nul": a_batch(acme.business_id, call_id, text="\0"),
        "3-no-json": '{"business_id": "',
        "4-no-batch": "[1, 2]",
        "5-no-id": a_batch(acme.business_id, call_id).replace(str(acme.business_id), "me"),
        "6-good": a_batch(acme.business_id, call_id),
    }
    for name, content in files.items():
        (spool / f"{name}.json").write_text(content)
    (spool / "7-not-text.json").write_bytes(b"\xff\xfe\x00")
    book._replay()
    assert sorted(file.stem for file in spool.glob("*.refused")) == [*list(files)[:5], "7-not-text"]
    assert (book.spooled(), book.refused()) == (0, 6)
    assert written(installation, acme, call_id) == [1]


async def test_what_the_ledger_refuses_at_once_is_kept_for_a_person(
    acme: World, installation: Installation, book: CallLog
) -> None:
    call_id, other = open_call(acme), open_call(acme)
    tell(book, acme, call_id, 1, said="\0")
    tell(book, acme, other, 1)
    assert await book.flush()
    assert book.spooled() == 1
    book._replay()
    assert (book.spooled(), book.refused()) == (0, 1)
    assert written(installation, acme, other) == [1]


async def test_the_pool_s_threads_keep_no_trace_id(
    acme: World, installation: Installation, book: CallLog, pool: ThreadPoolExecutor
) -> None:
    tell(book, acme, open_call(acme), 1)
    await book.flush()
    ids = {pool.submit(current_trace_id).result() for _ in range(6)}
    assert len(ids) == 6
