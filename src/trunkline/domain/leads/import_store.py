"""SQL of imports: a file's pieces, its faults, and how far it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import IO
from uuid import UUID

from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session

from trunkline.core.runs.models import Run, RunState
from trunkline.domain.leads.import_models import ImportChunk, ImportFault, LeadImport
from trunkline.domain.leads.row_faults import RowFault

_CHUNK = 1024 * 1024

_NOTE_FAULTS = text(
    """
    insert into import_faults (business_id, run_id, line, reason, content, code, facts)
    select :business_id, :run_id, line, reason, content, code, cast(facts as jsonb)
    from unnest(cast(:lines as integer[]), cast(:reasons as text[]), cast(:contents as text[]),
                cast(:codes as text[]), cast(:facts as text[]))
        given (line, reason, content, code, facts)
    """
)


def store_file(session: Session, business_id: UUID, run_id: UUID, file: IO[bytes]) -> None:
    """Keep a file from its beginning on, in pieces, one of them in memory."""
    file.seek(0)
    position = 0
    while content := file.read(_CHUNK):
        position += 1
        row = {"business_id": business_id, "run_id": run_id, "position": position, "content": content}
        session.execute(insert(ImportChunk), row)


def write_file(session: Session, business_id: UUID, run_id: UUID, file: IO[bytes]) -> None:
    """Write a kept file to another one, one piece in memory."""
    for content in _pieces(session, business_id, run_id):
        file.write(content)


def _pieces(session: Session, business_id: UUID, run_id: UUID) -> Iterator[bytes]:
    position = 1
    while True:
        content = session.scalar(
            select(ImportChunk.content).where(
                ImportChunk.business_id == business_id,
                ImportChunk.run_id == run_id,
                ImportChunk.position == position,
            )
        )
        if content is None:
            return
        yield content
        position += 1


def drop_file(session: Session, business_id: UUID, run_id: UUID) -> None:
    """Forget a file that nobody reads any more."""
    session.execute(
        delete(ImportChunk).where(ImportChunk.business_id == business_id, ImportChunk.run_id == run_id)
    )


def note_faults(session: Session, business_id: UUID, run_id: UUID, faults: Sequence[RowFault]) -> None:
    """Write down rows that could not be used."""
    values = {
        "lines": [row.line for row in faults],
        "reasons": [row.reason for row in faults],
        "contents": [row.content for row in faults],
        "codes": [row.code for row in faults],
        "facts": [json.dumps(dict(row.facts)) for row in faults],
    }
    session.execute(_NOTE_FAULTS, {"business_id": business_id, "run_id": run_id, **values})


def faults_behind(
    session: Session, business_id: UUID, run_id: UUID, line: int, *, limit: int
) -> Sequence[ImportFault]:
    """Return an import's faults behind a line, in the file's order."""
    return session.scalars(
        select(ImportFault)
        .where(
            ImportFault.business_id == business_id, ImportFault.run_id == run_id, ImportFault.line > line
        )
        .order_by(ImportFault.line)
        .limit(limit)
    ).all()  # fmt: skip


def of_runs(session: Session, business_id: UUID, run_ids: Sequence[UUID]) -> dict[UUID, LeadImport]:
    """Return these imports as they are now, by their runs' ids."""
    rows = session.scalars(
        select(LeadImport)
        .where(LeadImport.business_id == business_id, LeadImport.run_id.in_(run_ids))
        .execution_options(populate_existing=True)
    )
    return {row.run_id: row for row in rows}


def open_import_of(session: Session, business_id: UUID, list_id: UUID) -> UUID | None:
    """Return the import that still fills a list, if one does."""
    return session.scalar(
        select(LeadImport.run_id)
        .join(Run, (Run.business_id == LeadImport.business_id) & (Run.id == LeadImport.run_id))
        .where(
            LeadImport.business_id == business_id, LeadImport.list_id == list_id,
            Run.state.in_([RunState.RUNNING, RunState.PAUSED]),
        )
    )  # fmt: skip


def find(session: Session, business_id: UUID, run_id: UUID, *, lock: bool = False) -> LeadImport | None:
    """Return an import as it is now; `lock` keeps its run as it stands until the transaction ends."""
    if lock:
        session.execute(
            select(Run.id)
            .where(Run.business_id == business_id, Run.id == run_id)
            .with_for_update(key_share=True)
        )
    return session.scalar(
        select(LeadImport)
        .where(LeadImport.business_id == business_id, LeadImport.run_id == run_id)
        .execution_options(populate_existing=True)
    )
