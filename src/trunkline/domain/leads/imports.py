"""Imports: the verbs that begin and steer one, and what is done with each batch of its rows.

A file is kept in the database from its upload to the import's end. The run machine has the state and
the cursor, which counts rows; a batch of rows commits whole, cursor and counts included.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import IO, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_unique
from trunkline.core.runs import service as runs
from trunkline.core.runs import slices
from trunkline.core.runs.models import Run, RunState
from trunkline.core.runs.sweeper import step_of
from trunkline.domain.leads import import_store, own_fields, readers, rules, service, statements
from trunkline.domain.leads.import_models import ImportFault, LeadImport
from trunkline.domain.leads.own_values import Shape
from trunkline.domain.leads.readers import Row
from trunkline.domain.leads.row_faults import RowFault
from trunkline.domain.leads.rules import LeadRow, Said
from trunkline.domain.tenants import service as tenants
from trunkline.kit import barriers

KIND = "lead_import"

_MB = 1024 * 1024
_HEADER_S = 5.0

_TRIES = 3
"""How often a batch is tried before the import fails."""

_largest_mb = 50


def install_limit(largest_mb: int) -> None:
    """Say how large a file may be, in MB; the same for every business."""
    global _largest_mb  # noqa: PLW0603 - one limit a process, set at start
    _largest_mb = largest_mb


def largest_bytes() -> int:
    """Return how large a file may be."""
    return _largest_mb * _MB


@dataclass(frozen=True, slots=True)
class Reading:
    """What a worker needs to read on: where the import stands, and how its rows are to be read."""

    list_id: UUID
    encoding: str | None
    mapping: Mapping[str, int]
    cursor: int
    region: str
    zone: ZoneInfo
    said: Said | None = None
    """What was said of everybody in the file."""
    own: Mapping[str, Shape] = field(default_factory=dict)
    """The business's own fields that columns of the file hold, by key."""

    def read(self, rows: Sequence[Row]) -> list[LeadRow | RowFault]:
        """Return what these rows say."""
        return [self._read(line, cells) for line, cells in rows]

    def _read(self, line: int, cells: list[str]) -> LeadRow | RowFault:
        if "phone" not in self.mapping:
            return rules.fault(line, cells, "no column holds telephone numbers", "no_phone_column")
        if isinstance(cells, readers.Torn):
            return rules.fault(line, cells, "a quote is opened in this line that is not closed", "open_quote")
        row = rules.read_row(line, cells, self.mapping, region=self.region, zone=self.zone, own=self.own)
        return row.with_said(self.said) if self.said is not None and isinstance(row, LeadRow) else row


def parse_mapping(text: str | None) -> dict[str, int] | None:
    """Return a mapping sent as JSON: our field -> column, from 1 on. Raises InvalidInput."""
    if not text:
        return None
    try:
        mapping = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The mapping is not JSON.", reason="mapping_json") from error
    if not isinstance(mapping, dict) or not all(type(column) is int for column in mapping.values()):
        raise InvalidInput(
            'The mapping names fields with their columns, such as {"phone": 2}.', reason="mapping_json"
        )
    return mapping


def begin(
    session: Session, business_id: UUID, file: IO[bytes], *,
    name: str, filename: str, size: int, mapping: dict[str, int] | None, said: Said | None = None, actor: str,
) -> Run:  # fmt: skip
    """Keep a file, make its list and begin to import it; `said`: the consent of everybody in it.

    Raises InvalidInput when the file cannot be used or the business has a list of this name.
    """
    shape = shape_of(file, size)
    headers = headers_of(file, shape.encoding)
    own = own_fields.open_shapes(session, business_id)
    columns = rules.check_mapping(mapping or rules.map_headers(headers, own), headers, own)
    lead_list = service.make_list(session, business_id, name)
    run = runs.create(
        session, business_id=business_id, kind=KIND, title=name, subject=None,
        options=statements.to_options(said), actor=actor,
    )  # fmt: skip
    runs.start(session, run, actor=actor)
    session.add(
        LeadImport(
            business_id=business_id, run_id=run.id, list_id=lead_list.id, filename=filename,
            encoding=shape.encoding, mapping=columns, expected=shape.expected,
        )
    )  # fmt: skip
    session.flush()
    import_store.store_file(session, business_id, run.id, file)
    _push(run)
    return run


def in_columns(own: Sequence[Shape], mapping: Mapping[str, int]) -> dict[str, Shape]:
    """Return of these fields those that a column holds, by key."""
    return {shape.key: shape for shape in own if f"{rules.OWN}{shape.key}" in mapping}


def shape_of(file: IO[bytes], size: int) -> readers.Shape:
    """Return what a file of so many bytes is. Raises InvalidInput for one too large, and for no list."""
    if size > _largest_mb * _MB:
        raise InvalidInput(
            f"The file is larger than {_largest_mb} MB.", reason="file_too_large", most_mb=_largest_mb
        )
    return readers.shape_of(file)


def headers_of(file: IO[bytes], encoding: str | None) -> list[str]:
    """Return the cells of a file's first row. Raises InvalidInput, also where none is found for long."""
    until = time.monotonic() + _HEADER_S

    def alive() -> None:
        if time.monotonic() > until:
            raise InvalidInput("The file does not begin with its headers.", reason="file_no_headers")

    with closing(readers.read_rows(file, encoding, alive=alive)) as rows:
        return next(rows, (0, []))[1]


def newest(
    session: Session, business_id: UUID, *, limit: int, after: UUID | None = None
) -> list[tuple[LeadImport, Run]]:
    """Return the business's imports with their runs, newest first, those behind one."""
    rows = runs.newest(session, business_id, kind=KIND, limit=limit, after=after)
    found = import_store.of_runs(session, business_id, [run.id for run in rows])
    return [(found[run.id], run) for run in rows]


def get(session: Session, business_id: UUID, run_id: UUID) -> tuple[LeadImport, Run]:
    """Return an import and its run as they are now. Raises NotFound."""
    found = import_store.find(session, business_id, run_id)
    if found is None:
        raise NotFound("There is no such import.")
    return found, runs.get(session, business_id, run_id, fresh=True)


def faults_behind(
    session: Session, business_id: UUID, run_id: UUID, line: int, *, limit: int
) -> Sequence[ImportFault]:
    """Return an import's faults behind a line of its file, in their order."""
    return import_store.faults_behind(session, business_id, run_id, line, limit=limit)


def pause(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> None:
    """Begin no batch more; waits for the one in hand. Raises NotFound, Conflict."""
    slices.pause(session, get(session, business_id, run_id)[1], actor=actor)


def resume(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> None:
    """Go on behind the last batch. Raises NotFound, Conflict."""
    run = get(session, business_id, run_id)[1]
    runs.resume(session, run, actor=actor)
    _push(run)


def cancel(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> None:
    """End an import behind the batch in hand; what is in stays in. Raises NotFound, Conflict."""
    slices.cancel(session, get(session, business_id, run_id)[1], actor=actor)
    import_store.drop_file(session, business_id, run_id)


def open_file(session: Session, business_id: UUID, run_id: UUID, file: IO[bytes]) -> Reading | None:
    """Write an import's file to `file` and return how to read on; None unless it is running.

    The try is counted here, before anything is read: a worker that dies of the file counts nothing.
    Raises NotFound.
    """
    found, run = get(session, business_id, run_id)
    if run.state != RunState.RUNNING:
        return None
    if found.failures >= _TRIES:
        what = f"The rows behind the first {run.cursor} could not be imported"
        fail(session, business_id, run_id, error=f"{what}: the worker died of them, or was too slow.")
        return None
    found.failures += 1
    import_store.write_file(session, business_id, run_id, file)
    business = tenants.get_business(session, business_id)
    return Reading(
        found.list_id, found.encoding, found.mapping, run.cursor, business.region,
        ZoneInfo(business.time_zone), statements.said_in(run.options),
        in_columns(own_fields.open_shapes(session, business_id), found.mapping),
    )  # fmt: skip


def batches(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    """Yield rows by `size`; the last batch is a shorter one, and may be empty.

    Where the file cannot be read on, what was read before is yielded first. Raises InvalidInput then.
    """
    batch: list[Row] = []
    try:
        for row in rows:
            batch.append(row)
            if len(batch) == size:
                yield batch
                batch = []
    except InvalidInput:
        yield batch
        raise
    yield batch


def work_batch(
    session: Session, business_id: UUID, run_id: UUID, rows: Sequence[LeadRow | RowFault], *, at: int
) -> bool:
    """Import the rows that follow the first `at` rows. False: it is not their turn, or nobody's.

    What is written here and that it is done are one commit: an import that another worker has carried
    on, or somebody has stopped, is left alone.
    """
    found = import_store.find(session, business_id, run_id, lock=True)
    run = runs.get(session, business_id, run_id, fresh=True)
    if found is None or run.state != RunState.RUNNING or run.cursor != at:
        return False
    barriers.reached("import.batch_begun")
    good = [row for row in rows if isinstance(row, LeadRow)]
    kept = service.put_people(
        session, business_id, found.list_id, good,
        source=f"list:{run.title}", moment=run.created_at, actor=run.created_by,
    )  # fmt: skip
    faults = [*kept.faults, *(row for row in rows if isinstance(row, RowFault))]
    if faults:
        import_store.note_faults(session, business_id, run_id, faults)
    found.imported += kept.imported
    found.created += kept.created
    found.updated += kept.updated
    found.faults += len(faults)
    found.failures = 0
    runs.advance_cursor(session, run, at + len(rows))
    announce("import.progressed", subject_id=run_id, actor="system", rows=at + len(rows), **_counts(found))
    session.flush()
    barriers.reached("import.batch_written")
    return True


def finish(session: Session, business_id: UUID, run_id: UUID, *, at: int) -> None:
    """End an import whose rows are all in, unless somebody has stopped it."""
    found = import_store.find(session, business_id, run_id, lock=True)
    run = runs.get(session, business_id, run_id, fresh=True)
    if found is None or run.cursor != at or not runs.complete(session, run, actor="system"):
        return
    import_store.drop_file(session, business_id, run_id)
    announce("list.imported", subject_id=found.list_id, actor=run.created_by, **_counts(found))


def fail(session: Session, business_id: UUID, run_id: UUID, *, error: str) -> None:
    """End an import whose file cannot be read on; what is in stays in."""
    run = runs.get(session, business_id, run_id, fresh=True)
    if run.state == RunState.RUNNING:
        runs.fail(session, run, error=error, actor="system")
        import_store.drop_file(session, business_id, run_id)


def forgive(session: Session, business_id: UUID, run_id: UUID) -> None:
    """Take a try back: others were at these leads, which says nothing about the rows."""
    found = import_store.find(session, business_id, run_id, lock=True)
    if found is not None:
        found.failures = max(0, found.failures - 1)


def note_failure(session: Session, business_id: UUID, run_id: UUID, error: Exception) -> None:
    """Note that a batch could not be worked; after the last try the import fails and says where."""
    found = import_store.find(session, business_id, run_id, lock=True)
    if found is not None and found.failures >= _TRIES:
        cursor = runs.get(session, business_id, run_id, fresh=True).cursor
        what = f"The rows behind the first {cursor} could not be imported: {type(error).__name__}."
        fail(session, business_id, run_id, error=f"{what} Its job has the trace.")


def _push(run: Run) -> None:
    """Let a worker take the import up, unless its job waits or runs already."""
    queue, job_name = step_of(KIND)
    enqueue_unique(queue, job_name, str(run.id), str(run.id), run_id=run.id)


def _counts(found: LeadImport) -> dict[str, Any]:
    return {
        "imported": found.imported, "created": found.created, "updated": found.updated,
        "faults": found.faults,
    }  # fmt: skip
