"""The job of an import: reads the kept file on behind the rows that are in, and hands them on in batches."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.jobs import JobContext, TryLater
from trunkline.core.jobs.handlers import JobCancelled, JobTimedOut
from trunkline.domain.leads import imports, readers
from trunkline.domain.leads.imports import Reading
from trunkline.domain.leads.readers import Row
from trunkline.domain.leads.rules import columns_of_one_line
from trunkline.kit import barriers

_ROWS_A_BATCH = 1_000

_TURN_S = 10.0
"""How long a worker stays with one import before others have their turn; twice as long as it took to
find the place again, if that is longer, so that a long workbook is not read over and over."""

_ASKED_EVERY_S = 2.0

_GIVEN_WAY_S = 0.5
_GIVES_WAY = frozenset({"55P03", "40P01"})
"""No lock within the limit below, and a deadlock: somebody else is at these leads."""

_LIMITS = text("set local lock_timeout = '500ms'; set local idle_in_transaction_session_timeout = '5s'")


def work(ctx: JobContext, run_id: UUID) -> None:
    """Import batch after batch until the file is in, the import is stopped, or others wait."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as file:
        with ctx.unit_of_work() as session:
            reading = imports.open_file(session, ctx.business, run_id, file)
        if reading is None:
            return
        try:
            one_line = columns_of_one_line(reading.mapping)
            alive = _asking(ctx)
            with closing(readers.read_rows(file, reading.encoding, one_line=one_line, alive=alive)) as rows:
                # The header, and what is in already.
                for _ in islice(rows, 1 + reading.cursor):
                    pass
                found = time.monotonic()
                _work_rows(ctx, run_id, reading, rows, until=found + max(_TURN_S, 2 * (found - began)))
        except InvalidInput as error:
            with ctx.unit_of_work() as session:
                imports.fail(session, ctx.business, run_id, error=error.message)


def _asking(ctx: JobContext) -> Callable[[], None]:
    """Return what asks now and then whether to go on, where the rows in hand make no batch for long."""
    asked = time.monotonic()

    def alive() -> None:
        nonlocal asked
        if time.monotonic() > asked + _ASKED_EVERY_S:
            ctx.check_cancelled()
            asked = time.monotonic()

    return alive


def _work_rows(ctx: JobContext, run_id: UUID, reading: Reading, rows: Iterator[Row], *, until: float) -> None:
    at = reading.cursor
    for batch in imports.batches(rows, _ROWS_A_BATCH):
        if batch and not _work_batch(ctx, run_id, reading, batch, at):
            return
        at += len(batch)
        barriers.reached("import.batch_done")
        ctx.check_cancelled()
        if time.monotonic() > until:
            raise TryLater(0)
    with ctx.unit_of_work() as session:
        imports.finish(session, ctx.business, run_id, at=at)


def _work_batch(ctx: JobContext, run_id: UUID, reading: Reading, batch: list[Row], at: int) -> bool:
    try:
        read = reading.read(batch)
        with ctx.unit_of_work() as session:
            session.execute(_LIMITS)
            return imports.work_batch(session, ctx.business, run_id, read, at=at)
    except OperationalError as error:
        # What PostgreSQL could not do just now says nothing about the rows.
        if getattr(error.orig, "sqlstate", None) in _GIVES_WAY:
            with ctx.unit_of_work() as session:
                imports.forgive(session, ctx.business, run_id)
            raise TryLater(_GIVEN_WAY_S) from error
        raise
    except (NotFound, JobCancelled, JobTimedOut):
        raise
    except Exception as error:
        with ctx.unit_of_work() as session:
            imports.note_failure(session, ctx.business, run_id, error)
        raise
